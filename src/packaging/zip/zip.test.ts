import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { PackagingError } from '../errors.ts';
import { defaultLimits } from '../limits.ts';
import { writePackageFile } from '../package-file.ts';
import { fromBuffer, openFile } from '../random-access.ts';
import { listSource } from '../source-folder.ts';
import { readDirectory } from './directory.ts';
import { extract } from './extract.ts';
import { extraField, type Forged, forge, hostileArchives, zip64End } from './forge.fixture.ts';

let work: string;
before(async () => {
  work = await mkdtemp(join(tmpdir(), 'modelwright-zip-'));
});
after(() => rm(work, { recursive: true, force: true }));

async function tree(name: string, files: Readonly<Record<string, string | Buffer>>): Promise<string> {
  const root = join(work, name);
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path);
    if (path.endsWith('/')) await mkdir(file, { recursive: true });
    else {
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
  }
  return root;
}

describe('a hostile archive', () => {
  for (const { id, archive, says } of hostileArchives) {
    it(`${id}: refused, and nothing is left behind`, async () => {
      const target = join(work, `hostile-${id.replaceAll(/\W/g, '-')}`);
      await assert.rejects(extract(fromBuffer(archive), target, defaultLimits), (error: unknown) => {
        assert.ok(error instanceof PackagingError, String(error));
        assert.equal(error.code, 'ArchiveRefused');
        assert.match(error.message, says);
        return true;
      });
      assert.equal(existsSync(target), false);
    });
  }

  it('that overlaps a kernel thousands of times is refused before anything is unpacked', async () => {
    const kernel: Forged = { name: 'kernel', method: 8, data: Buffer.alloc(1 << 20) };
    const bomb = forge([
      kernel,
      ...Array.from(
        { length: 2000 },
        (_, index): Forged => ({ ...kernel, name: `copy-${index}`, offset: 0, data: Buffer.alloc(0), size: 1 << 20 }),
      ),
    ]);
    const started = process.memoryUsage().rss;
    await assert.rejects(extract(fromBuffer(bomb), join(work, 'overlap'), defaultLimits), { code: 'ArchiveRefused' });
    assert.ok(process.memoryUsage().rss - started < 64 << 20);
  });

  it('never makes anything but an archive error, whatever bytes change', async () => {
    const good = forge([
      { name: 'a/b.txt', method: 8, data: Buffer.alloc(300, 'abc') },
      { name: 'c', data: Buffer.from('stored') },
    ]);
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat(1_000_000), async (changes, run) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of changes) bytes[at] = value;
        const target = join(work, `mutant-${run}`);
        await extract(fromBuffer(bytes), target, defaultLimits).catch((error: unknown) =>
          assert.ok(error instanceof PackagingError, String(error)),
        );
        await rm(target, { recursive: true, force: true });
      }),
      { numRuns: 400 },
    );
  });
});

describe('an ordinary archive', () => {
  const ordinary: Readonly<Record<string, Buffer>> = {
    'stored and deflated': forge([{ name: 'a' }, { name: 'b', method: 8, data: Buffer.alloc(500, 'b') }]),
    directories: forge([{ name: 'd/', attributes: 0x10, data: Buffer.alloc(0) }, { name: 'd/a' }]),
    'UTF-8 names': forge([{ name: '模型/权重.bin' }]),
    'DOS attributes': forge([{ name: 'a', attributes: 0x20, madeBy: 0 }]),
    'time and owner fields': forge([
      { name: 'a', extra: extraField(0x5455, Buffer.of(1, 0, 0, 0, 0)), local: { extra: extraField(0x5455, Buffer.of(1, 0, 0, 0, 0)) } },
    ]),
    'a zip64 end that agrees': forge([{ name: 'a' }], {
      records: (offset, bytes) => zip64End(1n, BigInt(bytes), BigInt(offset), offset + bytes),
    }),
    'a data descriptor': withDescriptor(),
    'nothing in it': forge([]),
  };
  for (const [id, archive] of Object.entries(ordinary)) {
    it(`with ${id} is unpacked`, async () => {
      const target = join(work, `ordinary-${id.replaceAll(/\W/g, '-')}`);
      const files = await extract(fromBuffer(archive), target, defaultLimits);
      for (const { path, sizeBytes } of files) assert.equal((await readFile(join(target, path))).length, sizeBytes);
    });
  }
});

describe('a package', () => {
  const files = {
    'resnet/config.pbtxt': 'name: "resnet"\n'.repeat(100),
    'resnet/1/model.onnx': noise(300_000),
    'resnet/1/empty.bin': '',
    'resnet/2/': '',
    '模型.txt': 'weights\n'.repeat(1000),
  };

  it('comes back as the folder it was made of', async () => {
    const root = await tree('round', files);
    const result = await writePackageFile(await listSource(root), join(work, 'round.zip'), undefined);
    await using archive = await openFile(result.path);
    const extracted = await extract(archive, join(work, 'round.out'), defaultLimits);
    assert.deepEqual(extracted, result.manifest.files);
    assert.equal(existsSync(join(work, 'round.out/resnet/2')), true);
    for (const [path, content] of Object.entries(files)) {
      if (!path.endsWith('/')) assert.ok((await readFile(join(work, 'round.out', path))).equals(Buffer.from(content)), path);
    }
    assert.deepEqual(result.effect.deflatedFiles, 2);
  });

  it('stores what repeats only further apart than deflate looks back', async () => {
    const noise = Buffer.concat(Array.from({ length: 2048 }, (_, index) => createHash('sha256').update(String(index)).digest()));
    // Four equal samples: at 0, 64, 128 and 192 KiB.
    const root = await tree('repeats', { 'model.plan': Buffer.concat([noise, noise, noise, noise.subarray(0, 16 << 10)]) });
    const { effect } = await writePackageFile(await listSource(root), join(work, 'repeats.zip'), undefined);
    assert.deepEqual([effect.storedFiles, effect.deflatedFiles], [1, 0]);
  });

  it('has these bytes on every machine, whatever the order, times and modes of the files', async () => {
    const root = await tree('golden', files);
    const reversed = await tree('golden-reversed', Object.fromEntries(Object.entries(files).toReversed()));
    const first = await writePackageFile(await listSource(root), join(work, 'golden.zip'), undefined);
    const second = await writePackageFile(await listSource(reversed), join(work, 'golden-2.zip'), undefined);
    assert.equal(first.manifest.sha256, second.manifest.sha256);
    assert.equal(first.manifest.sha256, '6cd47a12bffe1d521b2158c0b1bbb03d6cc5e3c9f599ff184d123e122c617947');
  });

  it('leaves nothing half-written when the folder changes under it', async () => {
    const root = await tree('changing', { 'a.bin': Buffer.alloc(10_000, 1), 'z.bin': Buffer.alloc(10_000, 1) });
    const sources = await listSource(root);
    await writeFile(join(root, 'z.bin'), Buffer.alloc(9000, 2));
    await assert.rejects(writePackageFile(sources, join(work, 'changing.zip'), undefined), { code: 'SourceChanged' });
    assert.deepEqual(
      (await readdir(work)).filter((name) => name.includes('changing.zip') || name.includes('partial')),
      [],
    );
  });

  it('refuses a symbolic link by its path', async () => {
    const root = await tree('linked', { 'a.bin': 'x' });
    await symlink('/etc/passwd', join(root, 'secrets.txt'));
    await assert.rejects(listSource(root), { code: 'SourceRefused', subject: 'secrets.txt' });
  });

  it('refuses to unpack into a folder with something in it', async () => {
    const target = await tree('occupied', { 'a.bin': 'x' });
    await assert.rejects(extract(fromBuffer(forge([{ name: 'b' }])), target, defaultLimits), { code: 'TargetNotEmpty' });
  });

  it('holds numbers beyond 32 bits in zip64 records that the reader takes', async () => {
    const { centralHeader, endRecords } = await import('./records.ts');
    const entry = { name: 'weights.bin', method: 0, crc32: 1, sizeBytes: 5_000_000_000, packedBytes: 5_000_000_000 } as const;
    const directory = centralHeader(entry, 6_000_000_000);
    const end = endRecords(1, directory.length, 12_000_000_000);
    const tail = Buffer.concat([directory, end]);
    const base = 12_000_000_000;
    const source = {
      sizeBytes: base + tail.length,
      read: async (offset: number, length: number) => tail.subarray(offset - base, offset - base + length),
      async [Symbol.asyncDispose]() {},
    };
    const [read] = await readDirectory(source, defaultLimits);
    assert.deepEqual([read?.sizeBytes, read?.packedBytes, read?.offset], [5_000_000_000, 5_000_000_000, 6_000_000_000]);
  });
});

/** Bytes that do not compress, the same on every machine. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let index = 0; index < length; index += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    bytes[index] = state >>> 16;
  }
  return bytes;
}

/** What a streaming writer makes: zeros in the local header, the numbers behind the data. */
function withDescriptor(): Buffer {
  const data = Buffer.from('streamed');
  const plain = forge([{ name: 'a', data, flags: 8 }]);
  const crc = plain.readUInt32LE(14);
  const descriptor = Buffer.alloc(16);
  descriptor.writeUInt32LE(0x08074b50, 0);
  descriptor.writeUInt32LE(crc, 4);
  descriptor.writeUInt32LE(data.length, 8);
  descriptor.writeUInt32LE(data.length, 12);
  const archive = forge([{ name: 'a', data, flags: 8, after: descriptor }]);
  archive.fill(0, 14, 26);
  return archive;
}
