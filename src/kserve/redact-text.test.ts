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
    ['AZURE_CLIENT_SECRET=abc~def next', 'AZURE_CLIENT_SECRET=REDACTED next'],
    ['export HF_TOKEN="hf_short"', 'export HF_TOKEN="REDACTED"'],
    ['aws_secret_access_key: wJalr/XUtn', 'aws_secret_access_key: REDACTED'],
    ['{"client-secret":"abc"}', '{"client-secret":"REDACTED"}'],
    ['key AKIAIOSFODNN7EXAMPLE was refused', 'key REDACTED was refused'],
    [`signed with ${'a'.repeat(86)}== today`, 'signed with REDACTED today'],
    ['token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-_ expired', 'token REDACTED expired'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nend', 'REDACTED\nend'],
    ['design=modern, max_tokens: 128, tokenizer=bert', 'design=modern, max_tokens: 128, tokenizer=bert'],
    ['secrets "registry" not found', 'secrets "registry" not found'],
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
