/**
 * Packages and uploads the same folder by our program and by others', in turns, in one run.
 *
 *   npm run bench -- packaging [--mebibytes 512] [--runs 3] [--large GIBIBYTES]
 *
 * `package` against `zip -r` and Python's zipfile (which stores, as it does unless told otherwise); the upload against the Azure SDK's own
 * `uploadFile`, to the same Azurite, with the same blocks. `--large` packages and uploads one file of that many GiB and shows the memory.
 */
import { randomFillSync } from 'node:crypto';
import { mkdir, mkdtemp, open, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { uploadPackage } from '../../../src/packaging/azure/upload.ts';
import { openFile } from '../../../src/packaging/random-access.ts';
import { account, startAzure } from '../../packaging/support/azure.ts';
import { type Figure, figure } from '../figure.ts';
import { measureProcess } from './process.ts';

const mebibyte = 1 << 20;
const packageScript = fileURLToPath(new URL('./package-one.ts', import.meta.url));
const pushScript = fileURLToPath(new URL('./push-one.ts', import.meta.url));

export async function bench(args: readonly string[]): Promise<Figure[]> {
  const { values } = parseArgs({
    args: [...args],
    options: { mebibytes: { type: 'string', default: '512' }, runs: { type: 'string', default: '3' }, large: { type: 'string' } },
  });
  const work = await mkdtemp(join(tmpdir(), 'modelwright-bench-'));
  try {
    const figures = [
      ...(await packaging(work, Number(values.mebibytes), Number(values.runs))),
      ...(await uploading(work, Number(values.mebibytes), Number(values.runs))),
    ];
    if (values.large !== undefined) figures.push(...(await large(work, Number(values.large))));
    return figures;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function packaging(work: string, mebibytes: number, runs: number): Promise<Figure[]> {
  const folder = join(work, 'model');
  await makeFolder(folder, mebibytes);
  const output = join(work, 'out.zip');
  const tools: Record<string, [string, string[]]> = {
    modelwright: [process.execPath, [packageScript, folder, output]],
    'zip -r': ['sh', ['-c', 'cd "$1" && exec zip -q -r "$2" .', 'sh', folder, output]],
    'python zipfile': ['python3', ['-c', pythonZip, folder, output]],
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

async function uploading(work: string, mebibytes: number, runs: number): Promise<Figure[]> {
  const file = join(work, 'upload.zip');
  await writeNoise(file, mebibytes);
  await using azure = await startAzure();
  const container = new ContainerClient(`${azure.plainUrl}/bench`, new StorageSharedKeyCredential(account, azure.key));
  await container.create();
  const ours: number[] = [];
  const sdk: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    let started = performance.now();
    await using source = await openFile(file);
    await uploadPackage(container, `ours-${run}`, source, 'a'.repeat(64), { blockBytes: 4 * mebibyte, parallel: 4 });
    ours.push((performance.now() - started) / 1000);
    await container.deleteBlob(`ours-${run}`);
    started = performance.now();
    await container
      .getBlockBlobClient(`sdk-${run}`)
      .uploadFile(file, { blockSize: 4 * mebibyte, concurrency: 4, maxSingleShotSize: mebibyte });
    sdk.push((performance.now() - started) / 1000);
    await container.deleteBlob(`sdk-${run}`);
  }
  const detail = { blocks: '4 MiB, 4 at once', ours: 'each block with its MD5, committed blocks read back and compared' };
  return [
    figure(`upload ${mebibytes} MiB: modelwright`, 's', ours, { goal: { atMost: median(sdk) }, detail }),
    figure(`upload ${mebibytes} MiB: uploadFile of the Azure SDK`, 's', sdk),
  ];
}

async function large(work: string, gibibytes: number): Promise<Figure[]> {
  const folder = join(work, 'large');
  await mkdir(join(folder, 'big/1'), { recursive: true });
  await writeNoise(join(folder, 'big/1/model.plan'), gibibytes * 1024);
  const output = join(work, 'large.zip');
  const packaged = await measureProcess(process.execPath, [packageScript, folder, output]);
  await rm(folder, { recursive: true });
  await using azure = await startAzure();
  const container = new ContainerClient(`${azure.plainUrl}/bench`, new StorageSharedKeyCredential(account, azure.key));
  await container.create();
  const pushed = await measureProcess(process.execPath, [pushScript, output, container.url, azure.key]);
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
import os, sys, zipfile
root, out = sys.argv[1:]
with zipfile.ZipFile(out, "w") as archive:
    for folder, _, files in os.walk(root):
        for name in sorted(files):
            path = os.path.join(folder, name)
            archive.write(path, os.path.relpath(path, root))
`;
