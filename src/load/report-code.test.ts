import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { terminationMessage } from './compact.ts';
import { pointOf, reportOf } from './observation.fixture.ts';
import { decodePoints } from './point-code.ts';
import { decodeReportLine, encodeReportLine, reportLineBytes, type StoredReport } from './report-code.ts';

const run = 'run-00001';
const stored: StoredReport = { kind: 'Stored', sha256: 'ab'.repeat(32), sizeBytes: 123_456 };

describe('the line of the full report', () => {
  it('comes back as it was, of at most 400 bytes', () => {
    assert.deepEqual(decodeReportLine(encodeReportLine(run, stored), run), stored);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (message) => {
        const line = encodeReportLine('r'.repeat(32), { kind: 'Failed', message });
        assert.ok(Buffer.byteLength(line) <= reportLineBytes);
        assert.match(line, /^[\x20-\x7e]*$/);
        assert.equal(decodeReportLine(line, 'r'.repeat(32))?.kind, 'Failed');
      }),
    );
  });

  it('stands behind the points of a termination message, and leaves them as they are', () => {
    const report = reportOf([pointOf(1, 2000), pointOf(4, 4000)]);
    const plain = decodePoints(terminationMessage(report), run);
    const both = decodePoints(terminationMessage(report, stored), run);
    assert.ok(plain.ok && both.ok);
    assert.deepEqual([plain.stored, both.stored], [null, stored]);
    assert.deepEqual(both.points, plain.points);
    const failed: StoredReport = { kind: 'Failed', message: 'AccessDenied: x' };
    const decoded = decodePoints(terminationMessage(report, failed), run);
    assert.deepEqual(decoded.ok && decoded.stored, failed);
  });

  it('is refused when it is altered, doubled or of another run, and the points with it', () => {
    const message = terminationMessage(reportOf([pointOf(1, 2000)]), stored);
    assert.equal(decodePoints(message.replace('abab', 'abac'), run).ok, false);
    assert.equal(decodePoints(`${message}${encodeReportLine(run, stored)}`, run).ok, false);
    const foreign = terminationMessage(reportOf([pointOf(1, 2000)])) + encodeReportLine('run-00002', stored);
    assert.equal(decodePoints(foreign, run).ok, false);
    assert.equal(decodePoints(encodeReportLine(run, stored), run).ok, false, 'without points');
  });
});
