import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type Entry, tar } from './tar.ts';

const work = mkdtempSync(join(tmpdir(), 'modelwright-tar-'));
after(() => rmSync(work, { recursive: true, force: true }));

async function bytes(entries: readonly Entry[]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of tar(entries)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const deep = `${'a-folder-with-a-long-name/'.repeat(6)}file`;
const source = join(work, 'source');
writeFileSync(source, 'x'.repeat(1000));
const entries: Entry[] = [
  { kind: 'text', path: 'etc/z', mode: 0o600, text: 'zed' },
  { kind: 'file', path: 'bin/program', mode: 0o755, source },
  { kind: 'link', path: 'sbin', mode: 0o777, target: 'bin' },
  { kind: 'text', path: deep, mode: 0o644, text: 'deep' },
  { kind: 'link', path: 'far', mode: 0o777, target: `/${deep}` },
  { kind: 'folder', path: 'tmp', mode: 0o1777 },
];

test('another tar reads what went in: modes, owners, times, links and long paths', async () => {
  const archive = join(work, 'all.tar');
  writeFileSync(archive, await bytes(entries));
  const listing = execFileSync('tar', ['--list', '--verbose', '--numeric-owner', '--full-time', '--utc', '--file', archive], {
    encoding: 'utf8',
  });
  const lines = listing.trim().split('\n');
  assert.ok(
    lines.every((line) => / 0\/0 .* 1970-01-01 00:00:00 /.test(line)),
    listing,
  );
  const of = (path: string) => lines.find((line) => line.split(' ').includes(path)) ?? '';
  assert.match(of('bin/program'), /^-rwxr-xr-x 0\/0 +1000 /);
  assert.match(of('etc/z'), /^-rw------- /);
  assert.match(of('tmp/'), /^drwxrwxrwt /);
  assert.match(of('etc/'), /^drwxr-xr-x /);
  assert.match(of('sbin'), /-> bin$/);
  assert.match(of('far'), new RegExp(`-> /${deep}$`));
  assert.equal(execFileSync('tar', ['--extract', '--to-stdout', '--file', archive, deep], { encoding: 'utf8' }), 'deep');
});

test('an owner is written where one is given', async () => {
  const archive = join(work, 'owner.tar');
  writeFileSync(archive, await bytes([{ kind: 'text', path: 'file', mode: 0o644, owner: 1000, text: '' }]));
  assert.match(execFileSync('tar', ['--list', '--verbose', '--numeric-owner', '--file', archive], { encoding: 'utf8' }), / 1000\/1000 /);
});

test('order and times of the source do not show', async () => {
  const first = await bytes(entries);
  utimesSync(source, 1, 1);
  assert.ok(first.equals(await bytes(entries.toReversed())));
});

test('of two entries with one path the later is taken', async () => {
  const one: Entry = { kind: 'text', path: 'file', mode: 0o644, text: 'one' };
  assert.ok((await bytes([one, { ...one, text: 'two' }])).equals(await bytes([{ ...one, text: 'two' }])));
});

test('a folder comes before what is in it', async () => {
  const archive = join(work, 'order.tar');
  writeFileSync(
    archive,
    await bytes([
      { kind: 'text', path: 'a/b/c', mode: 0o644, text: '' },
      { kind: 'text', path: 'a-b', mode: 0o644, text: '' },
    ]),
  );
  const names = execFileSync('tar', ['--list', '--file', archive], { encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(names, ['a/', 'a-b', 'a/b/', 'a/b/c']);
});
