/**
 * Full reports, from the load pod that measures to the folder of whoever exports them: a ConfigMap, and archives in a model repository (Azurite), which the
 * pods write themselves with a signature for one blob each.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { hash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Ajv } from 'ajv';
import type { ModelProfileSpec } from '../../../src/api/model-profile/index.ts';
import type { Report } from '../../../src/load/report/report.ts';
import { startTruthServer, type TruthServer } from '../../load/servers/start.ts';
import { startTfServingProtocol } from '../../load/servers/tfserving-protocol.ts';
import { type Azure, account, hosts, startAzure } from '../../packaging/support/azure.ts';
import { ProfilePlane, resultOf } from '../../support/profile-plane.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../../..');
const short = { load: { warmupSeconds: 1, durationSeconds: 2 }, budget: { maxRepeatsPerPoint: 0 } } satisfies Partial<ModelProfileSpec>;
const schema = JSON.parse(readFileSync(join(root, 'schemas/bench-report.schema.json'), 'utf8')) as object;

describe('the full report of a run', () => {
  let azure: Azure;
  let plane: ProfilePlane;
  let server: TruthServer;
  let folder: string;
  const before_ = { ...process.env };
  before(async () => {
    azure = await startAzure({ tls: true });
    await azure.container('models').create();
    // Operator, load pods and exports are processes of this machine, and see the names of the accounts.
    const { NODE_OPTIONS, NODE_EXTRA_CA_CERTS, MODELWRIGHT_TEST_ADDRESS } = azure.environment();
    Object.assign(process.env, { NODE_OPTIONS, NODE_EXTRA_CA_CERTS, MODELWRIGHT_TEST_ADDRESS });
    plane = await ProfilePlane.start('profile-report');
    await plane.plane.kubectl([
      ...['create', 'secret', 'generic', 'models-account', '-n', 'default'],
      `--from-literal=AZURE_STORAGE_ACCESS_KEY=${azure.key}`,
    ]);
    const credentials = { secretRef: { name: 'models-account' } };
    await plane.apply({
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ServingPlatform',
      metadata: { name: 'default' },
      spec: {
        policy: { targetHosts: ['127.0.0.0/8'] },
        repositories: [
          { name: 'default', azureBlob: { account, container: 'models', prefix: 'p', credentials }, allowedNamespaces: {} },
          {
            name: 'passing',
            azureBlob: { account, container: 'models', prefix: 'passing', credentials },
            allowedNamespaces: {},
            reclaimPolicy: 'Delete',
            reclaimAfterSeconds: 60,
          },
          { name: 'nowhere', azureBlob: { account, container: 'there-is-none', credentials }, allowedNamespaces: {} },
          {
            name: 'others',
            azureBlob: { account, container: 'models', credentials },
            allowedNamespaces: { matchLabels: { team: 'other' } },
          },
        ],
      },
    });
    server = await startTruthServer({ kind: 'fixed', microseconds: 10_000 });
    folder = mkdtempSync(join(tmpdir(), 'modelwright-report-'));
  });
  after(async () => {
    process.env = before_;
    await server?.[Symbol.asyncDispose]();
    await plane?.[Symbol.asyncDispose]();
    await azure?.[Symbol.asyncDispose]();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  const target = () => ({ url: server.url, modelName: 'truth' });
  const modelwright = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    run(process.execPath, [join(root, 'src/cli/main.ts'), ...args, '-n', plane.namespace], {
      env: { ...process.env, KUBECONFIG: plane.plane.kubeconfig, ...env },
    });
  /** Files of an archive, by the system's own unzip of Python. */
  const unzip = async (file: string, to: string) => {
    await run('python3', ['-m', 'zipfile', '-e', file, to]);
    return (name: string) => readFileSync(join(to, name), 'utf8');
  };

  it('lies as an archive of each load pod in the repository and as a ConfigMap beside the profile, and is exported whole', async () => {
    await plane.measure('full', {
      ...short,
      target: target(),
      sweep: { batchSizes: [1, 4], concurrency: [2] },
      report: { configMap: true, repository: 'default', samples: true, trace: 'Client', traceRequests: 5 },
    });
    const profile = await plane.until('full', ({ status }) => status?.run?.report?.configMap !== undefined, 60);
    const { report } = profile.status?.run ?? {};
    assert.match(report?.uri ?? '', new RegExp(`^https://${hosts.Public}/models/p/models-[0-9a-f]{8}/_reports/full-[0-9a-f]{8}$`));
    assert.equal(report?.message, undefined);
    assert.deepEqual(
      report?.blobs?.map(({ name }) => name),
      [`${profile.status?.run?.jobs?.[0]}-0.zip`],
    );

    const out = join(folder, 'full');
    const { stderr } = await modelwright(['profile', 'export', 'full', '--full', out], { AZURE_STORAGE_ACCESS_KEY: azure.key });
    assert.match(stderr, /report\.json written/);
    const archive = report?.blobs?.[0];
    assert.deepEqual(readdirSync(out).sort(), [archive?.name ?? '', 'report.csv', 'report.html', 'report.json', 'report.md'].sort());
    assert.equal(hash('sha256', readFileSync(join(out, archive?.name ?? '')), 'hex'), archive?.sha256);
    assert.equal(hash('sha256', readFileSync(join(out, 'report.json')), 'hex'), report?.configMap?.sha256);
    const shown = await modelwright(['profile', 'show', join(out, 'report.json')]);
    assert.match(shown.stdout, /^b4-c2 /m);

    const file = await unzip(join(out, archive?.name ?? ''), join(folder, 'archive'));
    const full = JSON.parse(file('report.json')) as Report;
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    assert.ok(validate(full), JSON.stringify(validate.errors));
    for (const point of full.points) {
      assert.equal(point.requests, resultOf(profile, point.id).requests, 'what the status says of the point');
      assert.ok(point.histogram !== null);
    }
    const rows = file('requests.csv').trim().split('\r\n').slice(1);
    assert.ok(rows.length >= full.points.reduce((sum, { requests }) => sum + requests, 0));
    const { resourceSpans } = JSON.parse(file('trace.json')) as {
      resourceSpans: { scopeSpans: { spans: { traceId: string; spanId: string; name: string }[] }[] }[];
    };
    const spans = resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
    assert.equal(spans.length, 2 * (1 + 5));
    // The server was told of these requests, and so could have made its own spans children of them.
    const requests = spans.filter(({ name }) => name === 'request').map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
    assert.deepEqual((await server.traceparents()).toSorted(), requests.toSorted());
  });

  it('goes with the last word of its run where the repository deletes what is unused, and no sooner', async () => {
    const spec = { ...short, target: target(), sweep: { concurrency: [2] }, report: { repository: 'passing' }, historyLimit: 1 };
    const first = await plane.measure('passing', spec);
    const second = await plane.measure('passing', { ...spec, runId: 'second' });
    const archives = [first, second].map(({ status }) => `${status?.run?.jobs?.[0]}-0.zip`);
    assert.notEqual(archives[0], archives[1]);
    const there = async () => {
      const names: string[] = [];
      for await (const { name } of azure.container('models').listBlobsFlat({ prefix: 'passing/' }))
        names.push(name.split('/').at(-1) ?? '');
      return names;
    };
    const until = async (wanted: (names: readonly string[]) => boolean) => {
      for (let waited = 0; waited < 240; waited++) {
        const names = await there();
        if (wanted(names)) return names;
        await sleep(1000);
      }
      throw new Error(`still there: ${(await there()).join(', ')}`);
    };
    assert.deepEqual(await until((names) => !names.includes(archives[0] ?? '')), [archives[1]]);
    await plane.plane.kubectl(['delete', 'modelprofile', 'passing', '-n', plane.namespace]);
    await until((names) => names.length === 0);
  });

  it('gives its pods a signature that writes one blob and nothing else, and no token of the API server', async () => {
    const { status } = await plane.until('full', () => true);
    const job = status?.run?.jobs?.[0] ?? '';
    const { data } = JSON.parse(await plane.plane.kubectl(['get', 'secret', `${job}-access`, '-n', plane.namespace, '-o', 'json'])) as {
      data: Record<string, string>;
    };
    assert.deepEqual(Object.keys(data), ['0']);
    const signature = new URLSearchParams(Buffer.from(data['0'] ?? '', 'base64').toString());
    assert.deepEqual([signature.get('sp'), signature.get('sr'), signature.get('spr')], ['cw', 'b', 'https']);
    const read = await fetchStatus(`${status?.run?.report?.uri}/${job}-0.zip?${signature}`);
    assert.equal(read, 403, 'not even what it wrote can be read with it');
    const pods = await plane.plane.kubectl(['get', 'jobs,pods,events', '-n', plane.namespace, '-o', 'yaml']);
    assert.ok(!pods.includes(signature.get('sig') ?? 'no signature'));
    assert.match(pods, /automountServiceAccountToken: false/);
  });

  /** In a process of its own, which resolves the names of the accounts. */
  async function fetchStatus(url: string): Promise<number> {
    const { stdout } = await run(process.execPath, ['-e', `fetch(${JSON.stringify(url)}).then((r) => console.log(r.status))`]);
    return Number(stdout);
  }

  it('that cannot be uploaded costs no point, and the status says why', async () => {
    const profile = await plane.measure('lost', {
      ...short,
      target: target(),
      sweep: { concurrency: [2] },
      report: { repository: 'nowhere' },
    });
    assert.equal(profile.status?.run?.state, 'Complete');
    assert.ok(resultOf(profile, 'b1-c2').requests > 0);
    assert.equal(profile.status?.run?.report?.blobs, undefined);
    assert.match(profile.status?.run?.report?.message ?? '', /^Not uploaded: .*-0\.zip: .*not found/);
    const failed = await modelwright(['profile', 'export', 'lost', '--full', join(folder, 'lost')]).catch(
      (error: { stderr: string }) => error,
    );
    assert.match(failed.stderr ?? '', /ModelProfile lost has no full report: Not uploaded/);
  });

  it('can have labelled samples from the repository behind its accuracy, read with a signature for them alone', async () => {
    await using model = await startTfServingProtocol();
    const { metadata } = JSON.parse(await plane.plane.kubectl(['get', 'namespace', plane.namespace, '-o', 'json'])) as {
      metadata: { uid: string };
    };
    const lines = [0, 1, 2, 3].map((i) => JSON.stringify({ instance: [i, 1, 2, 3], expected: i === 3 ? 0 : i + 6 })).join('\n');
    const blob = `p/${plane.namespace}-${metadata.uid.slice(0, 8)}/data/sums.jsonl`;
    await azure.container('models').getBlockBlobClient(blob).upload(lines, Buffer.byteLength(lines));
    const accuracy = (path: string, sha256?: string) =>
      ({
        accuracy: { dataset: { blob: { repository: 'default', path }, ...(sha256 !== undefined && { sha256 }) }, metric: 'Custom' },
      }) satisfies Partial<ModelProfileSpec>;
    const spec: ModelProfileSpec = { ...short, target: { url: model.http, modelName: 'sum', protocol: 'V1' }, sweep: { concurrency: [2] } };
    const profile = await plane.measure('right', { ...spec, ...accuracy('data/sums.jsonl', hash('sha256', lines, 'hex')) });
    assert.equal(profile.status?.run?.state, 'Complete', JSON.stringify(profile.status?.conditions));
    const found = resultOf(profile, 'b1-c2').accuracy;
    assert.deepEqual([found?.metric, found?.samples, found?.correct, found?.percent], ['Custom', 4, 3, '75']);

    await plane.apply({
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ModelProfile',
      metadata: { name: 'nothing-there' },
      spec: { ...spec, ...accuracy('data/none.jsonl') },
    });
    const says = ({ type, message }: { type: string; message: string }) =>
      type === 'Ready' && /the dataset could not be fetched/.test(message);
    await plane.until('nothing-there', ({ status }) => status?.conditions?.some(says) ?? false, 120);
    await plane.plane.kubectl(['delete', 'modelprofile', 'nothing-there', '-n', plane.namespace]);
  });

  it('into a repository that the namespace may not use is refused before anything is sent', async () => {
    const { received } = await server.counts();
    const spec = { ...short, target: target(), sweep: { concurrency: [2] }, report: { repository: 'others' } };
    await plane.apply({ apiVersion: 'modelwright.dev/v1alpha1', kind: 'ModelProfile', metadata: { name: 'refused' }, spec });
    const ready = ({ status }: { status?: { conditions?: readonly { type: string; reason: string }[] } }) =>
      status?.conditions?.find(({ type }) => type === 'Ready')?.reason === 'ReportRepositoryNotAvailable';
    const { status } = await plane.until('refused', ready, 60);
    assert.equal(status?.run?.jobs, undefined);
    assert.equal((await server.counts()).received, received);
  });
});
