/** The real node by itself: what runs on it, what is seen of it, and that nothing of it is left. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { start } from '../../hack/controlplane/instance.ts';
import { cgroupOf } from '../../hack/controlplane/node/cgroups.ts';
import { nodeOf, startFakeGpus, startNode, stopNode } from '../../hack/controlplane/node/control.ts';
import { instanceMark } from '../../hack/controlplane/node/network.ts';
import type { ControlPlane } from '../../hack/controlplane/plane.ts';
import { isAlive } from '../../hack/controlplane/process.ts';
import { publish } from '../../hack/images/publish.ts';
import { recipes } from '../../hack/images/recipes.ts';
import { eventually } from '../support/cluster.ts';

const root = mkdtempSync(join(tmpdir(), 'modelwright-nodes-'));
after(() => rmSync(root, { recursive: true, force: true }));

describe('a real node', () => {
  let plane: ControlPlane;
  let earlier: unknown;
  before(async () => {
    earlier = machine();
    plane = await start({ name: 'node', root, nodes: 'real' });
    await publish(await recipes.modelwright.make(() => {}), nodeOf(plane).registry);
  });
  after(() => plane?.stop());

  const run = async (name: string, script: string, more: object = {}) =>
    plane.kubectl(['apply', '-f', '-'], JSON.stringify(pod(name, script, more)));
  const ready = (name: string) => plane.kubectl(['wait', '--for=condition=Ready', '--timeout=120s', `pod/${name}`]);

  it('runs a Pod behind a Service that another Pod finds by its name', async () => {
    await plane.kubectl(
      ['apply', '-f', '-'],
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'hello', namespace: 'default' },
        spec: { selector: { app: 'server' }, ports: [{ port: 80, targetPort: 8080 }] },
      }),
    );
    await run('server', 'require("http").createServer((q, a) => { console.log("asked", q.url); a.end("hello") }).listen(8080)');
    await run('client', 'setInterval(() => {}, 1e6)');
    await Promise.all([ready('server'), ready('client')]);
    const ask = (url: string) =>
      plane.kubectl(['exec', 'client', '--', '/usr/bin/node', '-e', `fetch("${url}").then((a) => a.text()).then(console.log)`]);
    const answer = await eventually(
      () => ask('http://hello.default.svc.cluster.local/by-name').catch((error: Error) => error.message),
      (text) => text.trim() === 'hello',
    );
    assert.equal(answer.trim(), 'hello');
    assert.match(await plane.kubectl(['logs', 'server']), /asked \/by-name/);
  });

  it('reaches the API server by its Service, as whoever the Pod is', async () => {
    const script = `const fs = require("fs"), d = "/var/run/secrets/kubernetes.io/serviceaccount/";
      require("https").get({ host: "kubernetes.default.svc", path: "/api/v1/namespaces", ca: fs.readFileSync(d + "ca.crt"),
      headers: { authorization: "Bearer " + fs.readFileSync(d + "token", "utf8") } }, (a) => { let t = ""; a.on("data", (c) => t += c);
      a.on("end", () => console.log(JSON.parse(t).message)) })`;
    const said = await plane.kubectl(['exec', 'client', '--', '/usr/bin/node', '-e', script]);
    assert.match(said, /User "system:serviceaccount:default:default" cannot list resource "namespaces"/);
  });

  it('ends a container that takes more memory than its limit, and says why', async () => {
    await run('greedy', 'const all = []; setInterval(() => all.push(Buffer.alloc(16e6, 1)), 20)', {
      resources: { limits: { memory: '128Mi' } },
    });
    await eventually(
      () => plane.kubectl(['get', 'pod', 'greedy', '-o', 'jsonpath={.status.containerStatuses[0].lastState.terminated.reason}']),
      (reason) => reason === 'OOMKilled',
      120,
    );
    await plane.kubectl(['delete', 'pod', 'greedy', '--grace-period=0', '--force']);
  });

  it('refuses an image that the registry does not have, in the registry’s words', async () => {
    await run('unknown', '', { image: 'docker.io/library/nothing:1' });
    const message = await eventually(
      () => plane.kubectl(['get', 'pod', 'unknown', '-o', 'jsonpath={.status.containerStatuses[0].state.waiting.message}']),
      (text) => text.includes('nothing:1'),
      120,
    );
    assert.match(message, /not found/);
    await plane.kubectl(['delete', 'pod', 'unknown', '--grace-period=0', '--force']);
  });

  it('gives fake GPUs to Pods that ask for them, and no more than there are', async () => {
    await startFakeGpus(plane, 2);
    const gpus = (count: number) => ({ resources: { limits: { 'nvidia.com/gpu': count } } });
    await run('two-gpus', 'setInterval(() => {}, 1e6)', gpus(2));
    await ready('two-gpus');
    const visible = await plane.kubectl(['exec', 'two-gpus', '--', '/usr/bin/node', '-p', 'process.env.NVIDIA_VISIBLE_DEVICES']);
    assert.deepEqual(visible.trim().split(',').sort(), ['GPU-fake-0', 'GPU-fake-1']);
    await run('third-gpu', '', gpus(1));
    const message = await eventually(
      () => plane.kubectl(['get', 'pod', 'third-gpu', '-o', 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}']),
      (text) => text !== '',
    );
    assert.match(message, /Insufficient nvidia.com\/gpu/);
    await plane.kubectl(['delete', 'pod', 'two-gpus', 'third-gpu', '--grace-period=0', '--force']);
  });

  it('leaves settings of the machine as they were', () => {
    const mine = readFileSync('/proc/self/mountinfo', 'utf8');
    assert.ok(!mine.includes(plane.dir), 'a mount of the node is seen from outside');
    assert.deepEqual(machine(), earlier);
  });

  it('comes back after it lost power, and its Pods with it', async () => {
    await stopNode(plane);
    await startNode(plane);
    await plane.kubectl(['wait', '--for=condition=Ready', '--timeout=120s', `node/${nodeOf(plane).name}`]);
    const count = () =>
      plane.kubectl([
        'get',
        'pod',
        'server',
        '-o',
        'jsonpath={.status.containerStatuses[0].restartCount} {.status.conditions[?(@.type=="Ready")].status}',
      ]);
    await eventually(count, (text) => /^[1-9]\d* True$/.test(text), 180);
  });

  it('leaves nothing when it is stopped', async () => {
    const pids = (await plane.processes()).map(({ pid }) => pid);
    await plane.stop();
    await nothingLeft(plane.dir, pids);
  });
});

describe('the starter of a real node is killed', () => {
  it('and everything of the node goes', async () => {
    const program = `
      import { start } from ${JSON.stringify(resolve(import.meta.dirname, '../../hack/controlplane/instance.ts'))};
      const plane = await start({ name: 'orphan', root: ${JSON.stringify(root)}, nodes: 'real' });
      console.log(JSON.stringify({ pids: (await plane.processes()).map(({ pid }) => pid), dir: plane.dir }));
      setInterval(() => {}, 1000);
    `;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: starter.stdout }), 'line')) as [string];
    const { pids, dir } = JSON.parse(line) as { pids: number[]; dir: string };
    assert.ok(pids.every(isAlive));
    starter.kill('SIGKILL');
    await eventually(
      async () => existsSync(dir),
      (there) => !there,
    );
    await nothingLeft(dir, pids);
  });
});

/** What a kubelet and a containerd of the machine's own would use, and settings that a kubelet sets. */
function machine(): unknown {
  const folders = ['/var/lib/kubelet', '/var/lib/containerd', '/var/lib/cni', '/run/containerd', '/run/netns', '/etc/cni'].filter(
    existsSync,
  );
  const settings = ['vm/overcommit_memory', 'kernel/panic', 'kernel/panic_on_oops', 'kernel/hostname', 'net/ipv4/ip_forward'];
  return { folders, settings: settings.map((name) => readFileSync(`/proc/sys/${name}`, 'utf8')) };
}

/** Processes, cgroups, the network, mounts and files. */
async function nothingLeft(dir: string, pids: readonly number[]): Promise<void> {
  await eventually(
    async () => ({ alive: pids.filter(isAlive), commands: commandsNaming(dir) }),
    ({ alive, commands }) => alive.length === 0 && commands.length === 0,
  );
  await eventually(
    async () => execFileSync('ip', ['-br', 'link'], { encoding: 'utf8' }),
    (links) => !links.includes(instanceMark(dir)),
  );
  const trees = ['/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').map((name) => join('/sys/fs/cgroup', name))];
  await eventually(
    async () => trees.map((tree) => join(tree, cgroupOf(dir))).filter(existsSync),
    (left) => left.length === 0,
  );
  assert.ok(!readFileSync('/proc/self/mountinfo', 'utf8').includes(dir));
  assert.equal(existsSync(dir), false);
}

/** Command lines of all processes that name the folder: shims, kubelet, containers' own mounts. */
function commandsNaming(dir: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .filter((command) => command.includes(dir));
}

function pod(name: string, script: string, more: object): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: recipes.modelwright.reference, command: ['/usr/bin/node', '-e', script], ...more }],
    },
  };
}
