import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, it } from 'node:test';

const CHECKOUT = resolve(import.meta.dirname, '../..');

describe('which nodes the demo takes', () => {
  const cache = mkdtempSync(join(tmpdir(), 'modelwright-demo-'));
  after(() => rmSync(cache, { recursive: true, force: true }));

  /** In a process of its own: what it is told depends on who asks, and on what there is in the cache. */
  function chosen(asked: 'fake' | 'real' | undefined, before: readonly string[] = []): string {
    const program = `import { chooseNodes } from './hack/demo/nodes.ts';
      try { const { nodes, because } = await chooseNodes(${JSON.stringify(asked)}); console.log(nodes + '. ' + because); }
      catch (error) { console.log('refused. ' + error.message); }`;
    const [command = '', ...args] = [...before, process.execPath, '--input-type=module', '-e', program];
    return execFileSync(command, args, { cwd: CHECKOUT, encoding: 'utf8', env: { ...process.env, XDG_CACHE_HOME: cache } });
  }
  const nobody =
    process.getuid?.() === 0
      ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=+dac_override', '--ambient-caps=+dac_override']
      : [];

  it('fake ones when they are asked for', () => {
    assert.match(chosen('fake'), /^fake\. Fake nodes, as asked/);
  });

  it('fake ones where a real one cannot run, with the reason', () => {
    assert.match(chosen(undefined, nobody), /^fake\. Fake nodes: no containers run, because a real node cannot run here: .*need root/);
  });

  it('none where a real one is asked for and cannot run, with the reason', () => {
    assert.match(chosen('real', nobody), /^refused\. a real node cannot run here: .*need root/);
  });

  it('fake ones where a real one would take minutes to make, and how to get it', () => {
    const said = chosen(undefined);
    const isPossible = !said.includes('cannot run here');
    assert.match(said, isPossible ? /^fake\. .*possible here; making what it needs \(.*sklearn.*\).*--nodes real/ : /^fake\. /);
  });
});
