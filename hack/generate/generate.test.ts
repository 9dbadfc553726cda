import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { generatedFiles } from './files.ts';
import { check, write } from './generate.ts';

describe('the generated files', () => {
  const root = mkdtempSync(join(tmpdir(), 'generate-'));
  const crd = 'crds/modelwright.dev_modeldeployments.yaml';
  after(() => rmSync(root, { recursive: true }));

  it('are the same every time', () => assert.deepEqual([...generatedFiles()], [...generatedFiles()]));

  it('are named when they are missing, and nothing is written', () => {
    assert.match(check(root).report, /^crds\/modelwright\.dev_modeldeployments\.yaml is missing$/m);
    assert.deepEqual(check(root).stale, [...generatedFiles().keys()]);
  });

  it('are written, and up to date from then on', () => {
    assert.deepEqual(write(root).stale, [...generatedFiles().keys()]);
    assert.deepEqual(check(root), { stale: [], report: 'generated files are up to date' });
    assert.deepEqual(write(root).stale, []);
  });

  it('show what differs when one was edited by hand', () => {
    const file = join(root, crd);
    writeFileSync(file, readFileSync(file, 'utf8').replace('scope: Namespaced', 'scope: Cluster'));
    const { stale, report } = check(root);
    assert.deepEqual(stale, [crd]);
    assert.match(report, /^- {3}scope: Cluster$/m);
    assert.match(report, /^\+ {3}scope: Namespaced$/m);
    assert.ok(report.split('\n').length < 12, report);
  });
});
