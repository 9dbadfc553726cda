import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { redactText, tailOf } from './redact-text.ts';

describe('text that is shown', () => {
  const table: readonly [string, string][] = [
    [
      "access denied for 'https://a.blob.core.windows.net/c/x.zip?sv=1&sig=abc%3D'.",
      "access denied for 'https://a.blob.core.windows.net/c/x.zip?sv=REDACTED&sig=REDACTED'.",
    ],
    ['(https://user:pw@host/x)', '(https://REDACTED@host/x)'],
    ['AccountKey=abcd==; EndpointSuffix=x', 'AccountKey=REDACTED; EndpointSuffix=x'],
    ['{"password": "hunter2", "user": "me"}', '{"password": "REDACTED", "user": "me"}'],
    ['Authorization: Bearer eyJhbGciOi.abc.def', 'Authorization: Bearer REDACTED'],
    ['sig=abc in the middle', 'sig=REDACTED in the middle'],
    ['Get "https://nvcr.io/v2/": no such host', 'Get "https://nvcr.io/v2/": no such host'],
    ['0/3 nodes are available: 1 Insufficient nvidia.com/gpu.', '0/3 nodes are available: 1 Insufficient nvidia.com/gpu.'],
  ];
  for (const [given, expected] of table) it(expected, () => assert.equal(redactText(given), expected));

  it('has no signature left wherever the URI stands', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const text = redactText(`${before} https://a.example/c/x.zip?se=1&sig=SECRETVALUE ${after}`);
        assert.ok(!text.includes('SECRETVALUE'), text);
      }),
    );
  });
  it('is the end of a log', () => {
    const log = Array.from({ length: 50 }, (_, index) => `line ${index}  `).join('\n');
    assert.deepEqual(tailOf(`${log}\n\n`, 2), 'line 48\nline 49');
  });
});
