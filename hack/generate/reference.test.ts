import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { modelDeployment } from '../../src/api/model-deployment/index.ts';
import { bounds, referencePage, typeOf } from './reference.ts';

describe('a reference page', () => {
  const page = referencePage(modelDeployment);

  it('has an anchor for every rule and a row for every column', () => {
    for (const { id } of modelDeployment.rules) assert.ok(page.includes(`<a id="${id}"></a>`), id);
    for (const { name } of modelDeployment.columns) assert.match(page, new RegExp(`^\\| ${name.toUpperCase()}[ (]`, 'm'));
  });

  it('says type, whether it is required, default and bounds', () => {
    assert.match(page, /^\| `spec\.runtime\.type` \* \| `TFServing`, `TorchServe`, /m);
    assert.match(page, /^\| `spec\.gpu\.resourceName` \| string \| At most 253 characters\. .* Default `nvidia\.com\/gpu`\. \|/m);
    assert.match(page, /^\| `spec\.model\.metrics` \| list of objects \| At most 32\. Key `name`\. \|/m);
    assert.match(page, /^\| `spec\.model\.inputs\[\]\.shape` \* \| list of integers \| At most 16\. Each -1 to 2147483647\. \|/m);
    assert.match(page, /^\| `spec\.resources\.limits` \| map of quantities \| At most 16\. \|/m);
  });

  it('has every condition that the controller sets', () => {
    const controller = readFileSync(join(import.meta.dirname, '../../src/controllers/deployment/status.ts'), 'utf8');
    const set = [...controller.matchAll(/\btype(?:: | = )'([A-Z][A-Za-z]+)'/g)].map(([, type]) => type);
    assert.ok(set.includes('Ready'));
    assert.deepEqual([...new Set(set)].sort(), Object.keys(modelDeployment.conditions).sort());
  });

  it('keeps every row of a table whole: the same number of cells as its head', () => {
    let cells = 0;
    for (const line of page.split('\n')) {
      const bars = line.startsWith('|') ? line.replaceAll('\\|', '').split('|').length : 0;
      if (cells > 0 && bars > 0) assert.equal(bars, cells, line);
      cells = bars;
    }
  });

  it('leaves no angle bracket outside code that would begin HTML', () => {
    assert.doesNotMatch(page.replaceAll(/`[^`]*`|<!--.*?-->|<a id="[^"]*"><\/a>/g, ''), /</);
  });
});

describe('a field', () => {
  it('has a type that a user of YAML would name', () => {
    assert.equal(typeOf({ 'x-kubernetes-int-or-string': true }), 'quantity');
    assert.equal(typeOf({ type: 'string', format: 'date-time' }), 'time');
    assert.equal(typeOf({ type: 'object', additionalProperties: { type: 'string' } }), 'map of strings');
    assert.equal(typeOf({ type: 'array', items: { type: 'object' } }), 'list of objects');
  });
  it('says no bound where only the size of the number ends it', () => {
    assert.deepEqual(bounds({ type: 'integer', minimum: 0, maximum: 0x7fffffff }), ['0 or more.']);
    assert.deepEqual(bounds({ type: 'integer', minimum: 1, maximum: 64 }), ['1 to 64.']);
  });
});
