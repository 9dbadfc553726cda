import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLogger } from './logger.ts';
import { redactLine, redactText, redactValue } from './redact.ts';

/** Stands for a secret; must be in no output. */
const canary = 'Canary0123456789abcdefghijklmnop';
const jwt = `eyJhbGciOiJSUzI1NiIsImtpZCI6.eyJpc3MiOiJrdWJlcm5ldGVzL3Nlcn.${canary}`;

describe('text with a secret in it', () => {
  for (const [what, text, kept] of [
    [
      'SAS URL',
      `https://acc.blob.core.windows.net/models/x.zip?sv=2024-11-04&se=2026&sr=b&sp=cw&sig=${canary}%3D`,
      'acc.blob.core.windows.net',
    ],
    ['SAS alone', `sig=${canary}%3D&sp=r`, 'sp=r'],
    ['SAS in an error', `PUT failed: https://acc.blob.core.windows.net/c/b?sig=${canary}: 403`, 'PUT failed'],
    ['bearer token', `Authorization: Bearer ${canary}`, 'Authorization'],
    ['basic authentication', `authorization: Basic ${canary}==`, 'authorization'],
    ['shared key', `Authorization: SharedKey account:${canary}=`, 'Authorization'],
    ['service account token', `the API server refused ${jwt}`, 'refused'],
    [
      'connection string',
      `DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=${canary}==;EndpointSuffix=core.windows.net`,
      'AccountName=acc',
    ],
    [
      'connection string with a SAS',
      `BlobEndpoint=https://acc.blob.core.windows.net;SharedAccessSignature=sv=2024&sig=${canary}`,
      'BlobEndpoint',
    ],
    ['password in a URL', `https://user:${canary}@registry.example.com/v2`, 'registry.example.com'],
    ['proxy URL', `cannot reach http://me:${canary}@proxy:3128`, 'proxy:3128'],
    ['JSON in prose', `the plugin wrote {"token": "${canary}", "expires": 1}`, '"expires": 1'],
    ['JSON within JSON', JSON.stringify({ body: JSON.stringify({ password: `a "${canary}`, user: 'me' }) }), 'user'],
    ['private key', `-----BEGIN EC PRIVATE KEY-----\n${canary}\n-----END EC PRIVATE KEY-----`, '[redacted]'],
    ['private key cut short', `-----BEGIN PRIVATE KEY-----\n${canary}`, '[redacted]'],
    ['command line', `mytool --password=${canary} --account-key ${'x'} --user me`, '--user me'],
    ['prose', `client_secret: ${canary}`, 'client_secret'],
    ['presigned S3 URL', `https://b.s3.amazonaws.com/k?X-Amz-Credential=a&X-Amz-Signature=${canary}`, 'X-Amz-Credential'],
  ] as const) {
    it(`${what}: the secret goes, the rest stays`, () => {
      const clean = redactText(text);
      assert.doesNotMatch(clean, new RegExp(canary));
      assert.ok(clean.includes(kept), clean);
    });
  }
});

describe('text without a secret', () => {
  for (const text of [
    'InferenceService iris is not ready: RevisionMissing',
    'https://acc.blob.core.windows.net/models/packages/0f3a/',
    'rpc error: code = Unknown desc = failed to pull image "nvcr.io/nvidia/tritonserver:20.10-py3"',
    'sha256:9b2f5f4c1a5e0d3c7b8a6f5e4d3c2b1a0f9e8d7c6b5a49382716f5e4d3c2b1a0',
  ]) {
    it(`stays as it is: ${text}`, () => assert.equal(redactText(text), text));
  }
});

describe('a value', () => {
  it('keeps everything but what telling names hold', () => {
    const value = {
      headers: { Authorization: canary, accept: '*/*' },
      accountKey: canary,
      nested: [{ sasToken: canary }],
      tokens: 3,
      token: 7,
      size: 1,
    };
    assert.deepEqual(redactValue(value), {
      headers: { Authorization: '[redacted]', accept: '*/*' },
      accountKey: '[redacted]',
      nested: [{ sasToken: '[redacted]' }],
      tokens: 3,
      token: 7,
      size: 1,
    });
  });

  it('hides whole objects under a telling name', () => {
    assert.deepEqual(redactValue({ credentials: { user: 'me', pass: canary } }), { credentials: '[redacted]' });
  });
});

describe('a log line', () => {
  /** What a logger writes when `use` is done with it. */
  function written(use: (log: ReturnType<typeof createLogger>) => void): string {
    const lines: string[] = [];
    use(createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } }));
    return lines.join('');
  }

  it('is JSON with level, ISO time, fields and message', () => {
    const line = JSON.parse(written((log) => log.child({ controller: 'deployment' }).info({ object: 'a/b' }, 'Applied')));
    assert.match(line.time, /^\d{4}-\d\d-\d\dT/);
    assert.deepEqual({ ...line, time: '' }, { level: 'info', time: '', controller: 'deployment', object: 'a/b', msg: 'Applied' });
  });

  it('holds no secret, wherever it came in: fields, bindings of a child, message, error, cause, stack', () => {
    const url = `https://acc.blob.core.windows.net/c/b?sig=${canary}`;
    const text = written((log) => {
      log.info({ password: canary, url, nested: { list: [{ token: canary }] } }, 'Fields');
      log.child({ connectionString: `AccountKey=${canary};` }).warn({}, 'Bindings');
      log.info({}, `Bearer ${canary}`);
      log.error({ err: new Error(`PUT ${url} failed`, { cause: new Error(`password=${canary}`) }) }, 'Errors');
    });
    assert.doesNotMatch(text, new RegExp(canary));
    const lines = text.trimEnd().split('\n');
    assert.equal(lines.length, 4);
    for (const line of lines) assert.doesNotThrow(() => JSON.parse(line));
  });

  it('that is no JSON is redacted as text', () => {
    assert.equal(redactLine(`fatal: password=${canary}`), 'fatal: password=[redacted]');
  });
});
