/**
 * Packages and uploads the same folder by our program and by others', in turns, in one run.
 *
 *   npm run bench -- packaging [--mebibytes 512] [--runs 3] [--large GIBIBYTES] [--only …]
 *
 * `package` against `zip -r` and Python's zipfile (which stores, as it does unless told otherwise), and, beside the goal, against those told to do
 * more of what it does: to deflate, and to hash the archive and each file; the upload against the Azure SDK's own
 * `uploadFile`, to the same Azurite, with the same blocks, bare and with what modelwright asks before and after. `--large` packages and uploads
 * one file of that many GiB and shows the memory; `--only package,upload,large` chooses.
 */
import { randomFillSync } from 'node:crypto';
import { mkdir, mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { build } from 'esbuild';
import { oneModule } from '../../../hack/bundle.ts';
import { nodeFlags } from '../../../hack/node-flags.ts';
import { uploadPackage } from '../../../src/packaging/azure/upload.ts';
import { openFile } from '../../../src/packaging/random-access.ts';
import { account, startAzure } from '../../packaging/support/azure.ts';
import { type Figure, figure } from '../figure.ts';
import { measureProcess } from './process.ts';

const mebibyte = 1 << 20;

export async function bench(args: readonly string[]): Promise<Figure[]> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      mebibytes: { type: 'string', default: '512' },
      runs: { type: 'string', default: '3' },
      large: { type: 'string' },
      only: { type: 'string', default: 'package,upload,large' },
    },
  });
  const only = values.only.split(',');
  const [mebibytes, runs] = [Number(values.mebibytes), Number(values.runs)];
  const work = await mkdtemp(join(tmpdir(), 'modelwright-bench-'));
  try {
    const programs = await bundled(work);
    const figures: Figure[] = [];
    if (only.includes('package')) figures.push(...(await packaging(work, programs, mebibytes, runs)));
    if (only.includes('upload')) figures.push(...(await uploading(work, mebibytes, runs)));
    if (only.includes('large') && values.large !== undefined) figures.push(...(await large(work, programs, Number(values.large))));
    return figures;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** How Node is told to package, or to upload, one thing. */
interface Programs {
  readonly packageOne: readonly string[];
  readonly pushOne: readonly string[];
}

/** Bundled and started as people have the program: from the sources a process spends 40 MiB and 0.3 s on their types. */
async function bundled(work: string): Promise<Programs> {
  const entryPoints = ['package-one', 'push-one'].map((name) => fileURLToPath(new URL(`./${name}.ts`, import.meta.url)));
  await build({ ...oneModule, entryPoints, outdir: work, outExtension: { '.js': '.mjs' } });
  const start = (name: string) => [...nodeFlags, join(work, `${name}.mjs`)];
  return { packageOne: start('package-one'), pushOne: start('push-one') };
}

async function packaging(work: string, { packageOne }: Programs, mebibytes: number, runs: number): Promise<Figure[]> {
  const folder = join(work, 'model');
  await makeFolder(folder, mebibytes);
  const output = join(work, 'out.zip');
  const tools: Record<string, [string, string[]]> = {
    modelwright: [process.execPath, [...packageOne, folder, output]],
    'zip -r': ['sh', ['-c', 'cd "$1" && exec zip -q -r "$2" .', 'sh', folder, output]],
    'python zipfile': ['python3', ['-c', pythonZip, folder, output]],
    'python zipfile, deflated': ['python3', ['-c', pythonZip, folder, output, 'deflate']],
    'python zipfile, and SHA-256 of the archive and of each file': ['python3', ['-c', pythonZip, folder, output, 'hash']],
  };
  const seconds = new Map(Object.keys(tools).map((name) => [name, [] as number[]]));
  const detail: Record<string, { memoryMiB: number; zipMiB: number }> = {};
  for (let run = 0; run < runs; run += 1) {
    for (const [name, [command, parameters]] of Object.entries(tools)) {
      await rm(output, { force: true });
      const measured = await measureProcess(command, parameters);
      seconds.get(name)?.push(measured.seconds);
      const zipMiB = Math.round((await stat(output)).size / mebibyte);
      detail[name] = { memoryMiB: Math.max(detail[name]?.memoryMiB ?? 0, measured.memoryMiB), zipMiB };
    }
  }
  const others = ['zip -r', 'python zipfile'].map((name) => median(seconds.get(name) ?? []));
  return [...seconds].map(([name, all]) =>
    figure(`package ${mebibytes} MiB of weights, 32 MiB of text, 500 small files: ${name}`, 's', all, {
      detail: detail[name] ?? {},
      ...(name === 'modelwright' ? { goal: { atMost: Math.min(...others) } } : {}),
    }),
  );
}

/** Each way once in each round, one round forwards and the next backwards, so that none always has the quieter moment. */
async function uploading(work: string, mebibytes: number, runs: number): Promise<Figure[]> {
  const file = join(work, 'upload.zip');
  await writeNoise(file, mebibytes);
  await using azure = await startAzure();
  const container = new ContainerClient(`${azure.plainUrl}/bench`, new StorageSharedKeyCredential(account, azure.key));
  await container.create();
  const blocks = { blockSize: 4 * mebibyte, concurrency: 4, maxSingleShotSize: mebibyte };
  const uploadFile = (name: string) => container.getBlockBlobClient(name).uploadFile(file, blocks);
  const ways: Readonly<Record<string, (name: string) => Promise<unknown>>> = {
    modelwright: async (name) => {
      await using source = await openFile(file);
      await uploadPackage(container, name, source, 'a'.repeat(64), { blockBytes: blocks.blockSize, parallel: blocks.concurrency });
    },
    'uploadFile of the Azure SDK': uploadFile,
    'uploadFile, and the questions that modelwright asks before and after': async (name) => {
      const blob = container.getBlockBlobClient(name);
      await blob.getBlockList('uncommitted').catch(() => undefined);
      await uploadFile(name);
      await Promise.all([blob.getProperties(), blob.getBlockList('committed')]);
    },
  };
  const names = Object.keys(ways);
  const seconds = new Map(names.map((name) => [name, [] as number[]]));
  const cpuSeconds = new Map(names.map((name) => [name, [] as number[]]));
  // The first round is for the code to be compiled, on both sides.
  for (let round = 0; round <= runs; round += 1) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const blob = `${names.indexOf(name)}-${round}`;
      const [began, cpu] = [performance.now(), process.cpuUsage()];
      await ways[name]?.(blob);
      const [ended, used] = [performance.now(), process.cpuUsage(cpu)];
      await container.deleteBlob(blob);
      if (round === 0) continue;
      seconds.get(name)?.push((ended - began) / 1000);
      cpuSeconds.get(name)?.push((used.user + used.system) / 1e6);
    }
  }
  const [ours = '', sdk = '', asked = ''] = names;
  const of = (name: string) => seconds.get(name) ?? [];
  const ratio = (other: string) => of(ours).map((value, run) => value / (of(other)[run] ?? Number.NaN));
  const detail = (name: string) => ({
    blocks: '4 MiB, 4 at once',
    cpuSeconds: cpuSeconds.get(name)?.map((value) => Number(value.toFixed(2))),
  });
  return [
    ...names.map((name) => figure(`upload ${mebibytes} MiB: ${name}`, 's', of(name), { detail: detail(name) })),
    figure(`upload ${mebibytes} MiB: modelwright (MD5 of each block, asked before and after) to ${sdk}`, 'ratio', ratio(sdk), {
      goal: { atMost: 1 },
    }),
    figure(`upload ${mebibytes} MiB: modelwright to ${asked}`, 'ratio', ratio(asked), { goal: { atMost: 1 } }),
  ];
}

async function large(work: string, { packageOne, pushOne }: Programs, gibibytes: number): Promise<Figure[]> {
  const folder = join(work, 'large');
  await mkdir(join(folder, 'big/1'), { recursive: true });
  await writeNoise(join(folder, 'big/1/model.plan'), gibibytes * 1024);
  const output = join(work, 'large.zip');
  const packaged = await measureProcess(process.execPath, [...packageOne, folder, output]);
  await rm(folder, { recursive: true });
  await using azure = await startAzure();
  const container = new ContainerClient(`${azure.plainUrl}/bench`, new StorageSharedKeyCredential(account, azure.key));
  await container.create();
  const pushed = await measureProcess(process.execPath, [...pushOne, output, container.url, azure.key]);
  const goal = { atMost: 200 };
  return [
    figure(`package ${gibibytes} GiB: memory`, 'MiB', [packaged.memoryMiB], { goal, detail: { seconds: packaged.seconds } }),
    figure(`upload ${gibibytes} GiB: memory`, 'MiB', [pushed.memoryMiB], { goal, detail: { seconds: pushed.seconds } }),
  ];
}

async function makeFolder(folder: string, mebibytes: number): Promise<void> {
  await mkdir(join(folder, 'model/1'), { recursive: true });
  await writeNoise(join(folder, 'model/1/model.plan'), mebibytes);
  const lines = Array.from({ length: 40_000 }, (_, index) => `token-${index} ${(index * 7919) % 50_021} ${Math.sqrt(index)}`).join('\n');
  await writeFile(join(folder, 'model/1/vocabulary.txt'), lines.repeat(Math.ceil((32 * mebibyte) / lines.length)).slice(0, 32 * mebibyte));
  for (let index = 0; index < 500; index += 1)
    await writeFile(
      join(folder, `model/1/part-${index}.json`),
      JSON.stringify({ index, name: `part ${index}`, values: [1, 2, 3] }).repeat(20),
    );
}

/** Numbers like weights: bytes that do not compress. */
async function writeNoise(path: string, mebibytes: number): Promise<void> {
  const block = randomFillSync(Buffer.alloc(32 * mebibyte));
  const handle = await open(path, 'w');
  for (let left = mebibytes; left > 0; left -= 32) {
    block.writeUInt32LE(left, 0);
    await handle.write(block, 0, Math.min(32, left) * mebibyte);
  }
  await handle.close();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

const pythonZip = `
import hashlib, os, sys, zipfile
root, out, *how = sys.argv[1:]
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if "deflate" in how else zipfile.ZIP_STORED) as archive:
    for folder, _, files in os.walk(root):
        for name in sorted(files):
            path = os.path.join(folder, name)
            archive.write(path, os.path.relpath(path, root))
            if "hash" in how:
                with open(path, "rb") as file:
                    hashlib.file_digest(file, "sha256").hexdigest()
if "hash" in how:
    with open(out, "rb") as file:
        hashlib.file_digest(file, "sha256").hexdigest()
`;
