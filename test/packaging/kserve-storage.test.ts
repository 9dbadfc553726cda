/** KServe's own storage initializer downloads what was pushed: the unpacked tree is the packaged one, for every layout and both routes. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Settings } from '../../src/packaging/azure/credentials.ts';
import { parseRepository } from '../../src/packaging/azure/repository.ts';
import type { Manifest } from '../../src/packaging/manifest.ts';
import { writePackageFile } from '../../src/packaging/package-file.ts';
import { prepareFolder } from '../../src/packaging/prepare.ts';
import { pushPackage } from '../../src/packaging/push.ts';
import { ensureVenv } from '../support/python.ts';
import { type Azure, account, startAzure } from './support/azure.ts';
import { makeModels, type RealModels } from './support/models.ts';

const run = promisify(execFile);

/** Releases whose storage code is a package of its own. */
const releases = ['0.20.0', '0.18.0', '0.17.0', '0.16.0'];
/** Older ones: their storage module runs over the dependencies of 0.16. */
const olderReleases = ['0.15.2', '0.13.1', '0.12.1', '0.11.2', '0.10.2', '0.9.0'];
/** The oldest: their modules count on clients of their time, those that they were released with. */
const oldestReleases = ['0.8.0', '0.7.0'];
const clientsOf2021 = ['azure-storage-blob==12.8.1', 'azure-core==1.17.0', 'boto3==1.18.18', 'google-cloud-storage==1.41.1', 'urllib3<2'];
const oldScript = fileURLToPath(new URL('./models/old_storage.py', import.meta.url));

describe("KServe's storage code", { timeout: 900_000 }, () => {
  let azure: Azure;
  let models: RealModels;
  let work: string;
  const pushed: { runtime: string; folderUri: string; plainUri: string; manifest: Manifest }[] = [];

  before(async () => {
    azure = await startAzure();
    models = await makeModels();
    work = await mkdtemp(join(tmpdir(), 'modelwright-kserve-'));
    const settings: Settings = async (name) => (name === 'AZURE_STORAGE_ACCESS_KEY' ? azure.key : undefined);
    await azure.container('models').create({ access: 'container' });
    for (const [runtime, source] of Object.entries(models.sources)) {
      const prepared = await prepareFolder(source, {
        kserve: { major: 0, minor: 20 },
        name: runtime === 'TorchServe' ? 'double' : 'linear',
        generate: true,
      });
      assert.deepEqual(
        prepared.findings.filter(({ severity }) => severity === 'error'),
        [],
        runtime,
      );
      assert.equal(prepared.layout.runtime, runtime);
      const zip = await writePackageFile(prepared.entries, join(work, `${runtime}.zip`), prepared.layout);
      const { storageUri } = await pushPackage(zip.path, zip.manifest, parseRepository(`az://${account}/models/packages`), { settings });
      pushed.push({
        runtime,
        folderUri: storageUri,
        plainUri: `${azure.plainUrl}/models/packages/${zip.manifest.sha256}/model.zip`,
        manifest: zip.manifest,
      });
    }
  });
  after(async () => {
    await azure?.[Symbol.asyncDispose]();
    for (const folder of [work, models?.folder]) if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  /** The command that downloads with one release: the program and what comes before URI and folder. */
  async function downloader(release: string): Promise<[string, string[]]> {
    if (releases.includes(release)) {
      const script = join(work, 'download.py');
      await writeFile(script, 'import sys\nfrom kserve_storage import Storage\nStorage.download(sys.argv[1], sys.argv[2])\n');
      const venv = await ensureVenv(`kserve-storage-${release}`, [`kserve-storage==${release}`]);
      return [join(venv, 'bin/python'), [script]];
    }
    const libraries = oldestReleases.includes(release)
      ? await ensureVenv('kserve-clients-2021', clientsOf2021)
      : await ensureVenv('kserve-storage-0.16.0', ['kserve-storage==0.16.0']);
    const venv = await ensureVenv(`kserve-${release}`, ['--no-deps', '--ignore-requires-python', `kserve==${release}`]);
    const [module = ''] = globSync(join(venv, 'lib/python*/site-packages/kserve/{storage/storage.py,storage.py}'));
    return [join(libraries, 'bin/python'), [oldScript, module]];
  }

  for (const release of [...releases, ...olderReleases, ...oldestReleases]) {
    for (const route of ['folderUri', 'plainUri'] as const) {
      // Its module puts blobs into a set, and the Azure client that it was released with made them unhashable: lint says so (MW-L0726).
      if (release === '0.7.0' && route === 'folderUri') {
        it('0.7.0 fails on the Azure host, whatever lies there: its module and its Azure client do not fit together', async () => {
          const [program, args] = await downloader(release);
          const [first] = pushed;
          const target = await mkdtemp(join(work, 'download-'));
          const env = { ...azure.environment(), NODE_OPTIONS: '' };
          await assert.rejects(run(program, [...args, first?.folderUri ?? '', target], { env }), /unhashable type: 'BlobProperties'/);
        });
        continue;
      }
      it(`${release} unpacks all four layouts ${route === 'folderUri' ? 'from the Azure host' : 'over plain HTTP'}`, async () => {
        const [program, args] = await downloader(release);
        await Promise.all(
          pushed.map(async ({ runtime, manifest, ...uris }) => {
            const target = await mkdtemp(join(work, 'download-'));
            await run(program, [...args, uris[route], target], {
              env: { ...azure.environment(), NODE_OPTIONS: '', AZURE_STORAGE_ACCESS_KEY: azure.key },
              maxBuffer: 16 << 20,
            });
            assert.deepEqual(
              await treeOf(target),
              manifest.files.map(({ path, sha256 }) => `${path} ${sha256}`),
              `${runtime} by ${uris[route]}`,
            );
          }),
        );
      });
    }
  }
});

async function treeOf(root: string): Promise<string[]> {
  const lines: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    lines.push(
      `${file.slice(root.length + 1)} ${createHash('sha256')
        .update(await readFile(file))
        .digest('hex')}`,
    );
  }
  return lines.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
