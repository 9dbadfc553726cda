import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, it } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CHECKOUT = resolve(import.meta.dirname, '../../..');
const isRoot = process.getuid?.() === 0;
/** Not root, though with root's way to the files of this checkout, wherever it is. */
const asNobody = isRoot
  ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=+dac_override', '--ambient-caps=+dac_override']
  : [];

interface Ended {
  readonly code: number;
  readonly stdout: string;
}

async function ended([command = '', ...args]: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ended> {
  return run(command, args, { cwd: CHECKOUT, env }).then(
    ({ stdout }) => ({ code: 0, stdout }),
    ({ code, stdout }: Ended) => ({ code, stdout }),
  );
}

const why = (...before: string[]) => {
  const program = `import { whyNoRealNode } from './hack/controlplane/node/tools.ts'; console.log(whyNoRealNode() ?? 'it can');`;
  return [...before, process.execPath, '--input-type=module', '-e', program];
};

describe('why no real node can run', () => {
  const bare = mkdtempSync(join(tmpdir(), 'modelwright-path-'));
  symlinkSync('/bin/sh', join(bare, 'sh'));
  after(() => rmSync(bare, { recursive: true, force: true }));

  it('without root', async () => {
    const { stdout } = await ended(why(...asNobody));
    assert.match(stdout, /^a real node cannot run here: containers, cgroups and network namespaces need root/);
  });

  /** What root has to lack for it; nobody but root gets as far. */
  const asRoot: readonly (readonly [what: string, before: readonly string[], env: NodeJS.ProcessEnv, says: RegExp])[] = [
    ['without the programs', [], { PATH: bare }, /unshare, nsenter, setpriv, mount, ip, sleep not found; install/],
    [
      'where namespaces may not be made',
      ['setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin'],
      process.env,
      /the kernel does not let this process make namespaces; a container needs --privileged/,
    ],
    [
      'where cgroups may only be read',
      [
        'unshare',
        '--mount',
        'sh',
        '-c',
        'for tree in $(grep -o " /sys/fs/cgroup[^ ]*" /proc/mounts); do mount -o remount,bind,ro $tree; done; exec "$@"',
        'sh',
      ],
      process.env,
      /no cgroup can be made in \/sys\/fs\/cgroup/,
    ],
  ];
  for (const [what, before, env, says] of asRoot)
    it(what, async () => {
      const { stdout } = await ended(why(...before), env);
      assert.match(stdout, isRoot ? says : /need root/);
    });
});

describe('the end-to-end tests where no real node can run', () => {
  const tests = (...flags: string[]) => [...asNobody, process.execPath, '-r', './hack/require-node.cjs', 'hack/test.ts', 'e2e', ...flags];

  it('say why, run nothing and fail', async () => {
    const { code, stdout } = await ended(tests());
    assert.equal(code, 1, stdout);
    assert.match(stdout, /^==> THE END-TO-END TESTS WERE NOT RUN: a real node cannot run here: .*need root/);
  });

  it('say the same and do not fail with --if-possible', async () => {
    const { code, stdout } = await ended(tests('--if-possible'));
    assert.equal(code, 0, stdout);
    assert.match(stdout, /WERE NOT RUN: .*need root.*\n==> left out, as --if-possible allows\n$/s);
  });
});
