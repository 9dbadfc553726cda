import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ResponseReader } from './http-response.ts';

const kilobyte = 1024;

function read(text: string, cuts: readonly number[] = [], maxBodyBytes = kilobyte) {
  const reader = new ResponseReader(maxBodyBytes);
  reader.reset(true);
  const bytes = Buffer.from(text, 'latin1');
  let progress: string = 'more';
  let at = 0;
  for (const cut of [...[...cuts].sort((a, b) => a - b), bytes.length]) {
    if (cut <= at || cut > bytes.length || progress !== 'more') continue;
    progress = reader.push(bytes.subarray(at, cut), cut - at);
    at = cut;
  }
  return { reader, progress, body: reader.body()?.toString('latin1') };
}

const body = fc.string({ unit: 'binary-ascii', maxLength: 300 });

describe('reading HTTP/1.1 replies', () => {
  it('gives the body whatever way the bytes are cut, by length and by chunks', () => {
    fc.assert(
      fc.property(
        body,
        fc.array(fc.nat(700), { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        (text, cuts, sizes) => {
          const plain = read(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\nX-Other: 1\r\n\r\n${text}`, cuts);
          assert.deepEqual([plain.progress, plain.body, plain.reader.status], ['complete', text, 200]);

          let chunks = '';
          for (let at = 0, i = 0; at < text.length; i++) {
            const part = text.slice(at, at + (sizes[i % sizes.length] as number));
            chunks += `${part.length.toString(16)};name=value\r\n${part}\r\n`;
            at += part.length;
          }
          const chunked = read(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks}0\r\ntrailer: x\r\n\r\n`, cuts);
          assert.deepEqual([chunked.progress, chunked.body], ['complete', text]);
        },
      ),
    );
  });

  it('says what it is, or fails, whatever comes in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        const { progress, reader } = read(text);
        assert.ok(['more', 'failed', 'complete'].includes(progress));
        if (progress === 'failed') assert.notEqual(reader.failure, '');
      }),
    );
  });

  it('skips 1xx replies and knows replies without a body', () => {
    assert.equal(read('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok').body, 'ok');
    assert.deepEqual(
      [read('HTTP/1.1 204 No Content\r\n\r\n').progress, read('HTTP/1.1 204 No Content\r\n\r\n').reader.status],
      ['complete', 204],
    );
  });

  it('reads until the server closes when there is no length', () => {
    const { reader, progress } = read('HTTP/1.0 200 OK\r\n\r\nabc');
    assert.equal(progress, 'more');
    assert.equal(reader.end(), 'complete');
    assert.equal(reader.keepAlive, false);
  });

  it('tells a reply that is cut off', () => {
    const { reader } = read('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc');
    assert.equal(reader.end(), 'failed');
    assert.match(reader.failure, /in the middle of its reply/);
  });

  it('stops an endless body at the limit, announced or not', () => {
    const announced = read(`HTTP/1.1 200 OK\r\ncontent-length: ${kilobyte + 1}\r\n\r\n`);
    assert.ok(announced.progress === 'failed' && announced.reader.tooLarge);
    const endless = read(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${`100\r\n${'x'.repeat(256)}\r\n`.repeat(5)}`);
    assert.ok(endless.progress === 'failed' && endless.reader.tooLarge);
    assert.match(endless.reader.failure, /longer than the limit of 1024 bytes/);
  });

  it('refuses what is not HTTP, bad lengths, bad chunks, and bytes after the end', () => {
    for (const [text, why] of [
      ['SSH-2.0-OpenSSH\r\n\r\n', /does not begin as HTTP/],
      ['HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n', /not a length/],
      ['HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n', /not supported/],
      ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n', /not a chunk size/],
      ['HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP', /after the end/],
      [`HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`, /longer than 64 KiB/],
    ] as const) {
      const { progress, reader } = read(text);
      assert.equal(progress, 'failed', text);
      assert.match(reader.failure, why);
    }
  });

  it('sees an error object in a reply of status 200', () => {
    for (const [text, marked] of [
      ['{"error": "x"}', true],
      [' {\n "error":1}', true],
      ['{"code": 503}', true],
      ['{"errors_total": 1}', false],
      ['{"error": null, "predictions": []}', false],
      ['{"error":false}', false],
      ['{"error": ""}', false],
      ['{"code": 200, "data": 1}', false],
      ['{"code":5}', false],
      ['{"code":5031}', false],
      ['{"outputs": []}', false],
    ] as const) {
      assert.equal(read(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`).reader.errorMarker, marked, text);
    }
  });

  it('reads many replies on one connection, framing by framing', () => {
    const reader = new ResponseReader(kilobyte);
    for (const [head, text] of [
      ['content-length: 3', 'abc'],
      ['content-length: 3', 'abd'],
      ['transfer-encoding: chunked', '1\r\nx\r\n0\r\n\r\n'],
      ['content-length: 0', ''],
    ] as const) {
      reader.reset(true);
      const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${text}`);
      assert.equal(reader.push(bytes, bytes.length), 'complete');
    }
  });
});
