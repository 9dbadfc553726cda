/**
 * Whatever archive our reader accepts, Python's zipfile (KServe's unpacker), Info-ZIP and bsdtar unpack to the same files: our own packages,
 * ordinary archives of other tools, and hundreds of mutants of both that get through. Needs unzip and bsdtar (Debian: libarchive-tools).
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { PackagingError } from '../../src/packaging/errors.ts';
import { defaultLimits } from '../../src/packaging/limits.ts';
import { writePackageFile } from '../../src/packaging/package-file.ts';
import { fromBuffer } from '../../src/packaging/random-access.ts';
import { listSource } from '../../src/packaging/source-folder.ts';
import { extract } from '../../src/packaging/zip/extract.ts';
import { extraField, forge } from '../../src/packaging/zip/forge.fixture.ts';

const run = promisify(execFile);

const readers: Readonly<Record<string, (archive: string, target: string) => [string, string[]]>> = {
  'Python zipfile': (archive, target) => [
    'python3',
    ['-c', 'import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nz.extractall(sys.argv[2])', archive, target],
  ],
  'Info-ZIP': (archive, target) => ['unzip', ['-q', '-o', archive, '-d', target]],
  bsdtar: (archive, target) => ['bsdtar', ['-x', '-f', archive, '-C', target]],
};

describe('archives that our reader accepts', { timeout: 600_000 }, () => {
  let work: string;
  before(async () => {
    work = await mkdtemp(join(tmpdir(), 'modelwright-agreement-'));
  });
  after(() => rm(work, { recursive: true, force: true }));

  async function compare(name: string, archive: Buffer): Promise<boolean> {
    const ours = join(work, `${name}.ours`);
    try {
      await extract(fromBuffer(archive), ours, defaultLimits);
    } catch (error) {
      assert.ok(error instanceof PackagingError, String(error));
      return false;
    }
    const file = join(work, `${name}.zip`);
    await writeFile(file, archive);
    const expected = await treeOf(ours);
    for (const [reader, command] of Object.entries(readers)) {
      const target = join(work, `${name}.${reader.replaceAll(' ', '-')}`);
      await mkdir(target);
      const [program, args] = command(file, target);
      await run(program, args, { env: { ...process.env, LC_ALL: 'C.UTF-8', UNZIP: '' } }).catch((error: Error) => {
        throw new Error(`${reader} refuses ${name}: ${error.message}\n${archive.toString('base64')}`);
      });
      assert.deepEqual(await treeOf(target), expected, `${reader}, ${name}: ${archive.toString('base64')}`);
    }
    for (const entry of await readdir(work))
      if (entry.startsWith(`${name}.`)) await rm(join(work, entry), { recursive: true, force: true });
    return true;
  }

  it('our packages', async () => {
    const root = join(work, 'source');
    await mkdir(join(root, 'm/1'), { recursive: true });
    await mkdir(join(root, '空/2'), { recursive: true });
    await writeFile(join(root, 'm/config.pbtxt'), 'name: "m"\n'.repeat(500));
    await writeFile(join(root, 'm/1/empty'), '');
    await writeFile(join(root, 'm/1/weights.bin'), createHash('sha512').update('w').digest());
    await writeFile(join(root, '空/权重 ü.txt'), 'line\n'.repeat(400_000));
    const zip = await writePackageFile(await listSource(root), join(work, 'package.zip'), undefined);
    assert.ok(await compare('ours', await readFile(zip.path)));
  });

  const ordinary = {
    mixed: forge([
      { name: 'a' },
      { name: 'b/c', method: 8, data: Buffer.alloc(3000, 'abc') },
      { name: 'd/', attributes: 0x10, data: Buffer.alloc(0) },
    ]),
    utf8: forge([{ name: '模型/权重.bin', method: 8 }]),
    times: forge([
      { name: 'a', extra: extraField(0x5455, Buffer.of(1, 0, 0, 0, 0)), local: { extra: extraField(0x5455, Buffer.of(1, 0, 0, 0, 0)) } },
    ]),
  };
  for (const [name, archive] of Object.entries(ordinary)) it(`ordinary: ${name}`, async () => assert.ok(await compare(name, archive)));

  it('archives of zip, Python and bsdtar themselves', async () => {
    const root = join(work, 'tools');
    await mkdir(join(root, 'model/1'), { recursive: true });
    await writeFile(join(root, 'model/1/model.onnx'), 'onnx'.repeat(1000));
    const makers: Record<string, [string, string[]]> = {
      zip: ['zip', ['-q', '-r', join(work, 'made-zip.zip'), '.']],
      python: ['python3', ['-m', 'zipfile', '-c', join(work, 'made-python.zip'), 'model']],
      bsdtar: ['bsdtar', ['-a', '-c', '-f', join(work, 'made-bsdtar.zip'), 'model']],
    };
    for (const [name, [program, args]] of Object.entries(makers)) {
      await run(program, args, { cwd: root });
      assert.ok(await compare(`by-${name}`, await readFile(join(work, `made-${name}.zip`))), name);
    }
  });

  it('mutants', async () => {
    let state = 7;
    const random = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const samples = Object.values(ordinary);
    let accepted = 0;
    const mutants = Number(process.env['MODELWRIGHT_MUTANTS'] ?? 500);
    for (let index = 0; index < mutants; index += 1) {
      const bytes = Buffer.from(samples[random(samples.length)] ?? Buffer.alloc(0));
      for (let change = 1 + random(2); change > 0; change -= 1) bytes[random(bytes.length)] = random(256);
      if (await compare(`mutant-${index}`, bytes)) accepted += 1;
    }
    console.log(`    ${mutants} mutants, ${accepted} accepted by ours, each read alike by all`);
    assert.ok(accepted > 0);
  });
});

async function treeOf(root: string): Promise<string[]> {
  const lines: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile())
      lines.push(
        `${path.slice(root.length + 1)} ${createHash('sha256')
          .update(await readFile(path))
          .digest('hex')}`,
      );
    else if (!entry.isDirectory()) lines.push(`${path.slice(root.length + 1)} is neither a file nor a directory`);
  }
  return lines.sort();
}
