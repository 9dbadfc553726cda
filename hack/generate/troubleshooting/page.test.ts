import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isInSources, reasonsInSources } from './extract.ts';
import { troubleshootingPage, undescribed } from './page.ts';
import { internal, sections } from './reasons.ts';

describe('the page of reasons', () => {
  it('says what each reason means that the sources give: describe a new one in reasons.ts', () => {
    assert.deepEqual(undescribed(), []);
    assert.ok(reasonsInSources().size > 80);
  });

  it('has every reason, described or not', () => {
    const page = troubleshootingPage();
    const missing = [...reasonsInSources().keys()].filter((reason) => !internal.includes(reason) && !page.includes(`\`${reason}\``));
    assert.deepEqual(missing, []);
  });

  it('has no reason that the sources do not give', () => {
    const described = sections.flatMap(({ reasons }) => reasons.map(([reason]) => reason));
    assert.deepEqual(
      [...described, ...internal].filter((reason) => !isInSources(reason)),
      [],
    );
  });

  it('names each once in a section', () => {
    for (const { title, reasons } of sections) {
      const names = reasons.map(([reason]) => reason);
      assert.deepEqual(names.toSorted(), [...new Set(names)].toSorted(), title);
    }
  });
});
