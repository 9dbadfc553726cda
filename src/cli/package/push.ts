import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Command } from 'commander';
import { dump } from 'js-yaml';
import type { Layout } from '../../models/layout.ts';
import { recogniseLayout } from '../../models/layout.ts';
import { servedModelName, suggestName } from '../../models/names.ts';
import { parseRepository } from '../../packaging/azure/repository.ts';
import type { UploadProgress } from '../../packaging/azure/upload.ts';
import { digestArchive } from '../../packaging/inspect.ts';
import type { Manifest } from '../../packaging/manifest.ts';
import { writePackageFile } from '../../packaging/package-file.ts';
import { prepareFolder } from '../../packaging/prepare.ts';
import { pushPackage } from '../../packaging/push.ts';
import { openFile } from '../../packaging/random-access.ts';
import { Failure } from '../failure.ts';
import {
  addCloudOption,
  addContextOptions,
  addCredentialOption,
  type ContextOptions,
  interruptSignal,
  limitsOf,
  printBytes,
  progressLine,
  readCloud,
  readContext,
  wholeNumber,
} from './options.ts';
import { stopOnErrors } from './package.ts';

interface PushOptions extends ContextOptions {
  readonly to: string;
  readonly cloud?: string;
  readonly folder?: string;
  readonly generate?: boolean;
  readonly force?: boolean;
  readonly manifest?: boolean;
  readonly parallel: string;
  readonly workDir?: string;
}

/** `modelwright push DIR|ZIP --to REPOSITORY`: uploads under the content's address and prints the `storageUri`. */
export function pushCommand(): Command {
  return addCloudOption(
    addCredentialOption(addContextOptions(new Command('push').description('Upload a package, or package a folder and upload it'))),
  )
    .argument('<target>', 'model folder, or a zip made by `modelwright package`')
    .requiredOption('--to <repository>', 'az://ACCOUNT/CONTAINER/PREFIX or https://ACCOUNT.blob…/CONTAINER/PREFIX')
    .option('--folder <path>', 'folder within the repository, such as cv-models')
    .option('--generate', 'generate what is missing and can be derived')
    .option('--force', 'push although lint finds errors')
    .option('--manifest', 'print a ModelDeployment for the package instead of its storageUri')
    .option('--parallel <count>', 'blocks under way at once', '4')
    .option('--work-dir <folder>', 'where a folder is packaged before the upload (default: the temporary folder)')
    .action(push);
}

async function push(target: string, options: PushOptions): Promise<void> {
  const context = readContext(options);
  const repository = parseRepository(
    options.folder === undefined ? options.to : `${options.to.replace(/\/+$/, '')}/${options.folder}`,
    readCloud(options.cloud),
  );
  const signal = interruptSignal();
  const work = await mkdtemp(join(options.workDir ?? tmpdir(), 'modelwright-push-'));
  try {
    const { path, manifest, layout } = await packageOf(target, options, work, signal);
    const result = await pushPackage(
      path,
      manifest,
      repository,
      { settings: context.settings, parallel: Math.max(1, wholeNumber('--parallel', options.parallel)), onProgress: showProgress },
      signal,
    );
    progressLine('');
    const how = result.uploaded
      ? `sent ${printBytes(result.sentBytes)}${result.resumedBytes > 0 ? `, ${printBytes(result.resumedBytes)} were there from an earlier try` : ''}`
      : 'it is there already, nothing was sent';
    process.stderr.write(`sha256 ${manifest.sha256}: ${how}\n`);
    const name = options.name ?? suggestName(basename(resolve(target)).replace(/\.zip$/i, ''));
    process.stdout.write(options.manifest === true ? deploymentOf(name, layout, result.storageUri) : `${result.storageUri}\n`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A zip is read and checked as it is; a folder is packaged first. */
async function packageOf(
  target: string,
  options: PushOptions,
  work: string,
  signal: AbortSignal,
): Promise<{ path: string; manifest: Manifest; layout: Layout }> {
  const info = await stat(target).catch(() => undefined);
  if (info?.isFile() !== true || !/\.zip$/i.test(target)) {
    const prepared = await prepareFolder(target, { ...readContext(options), generate: options.generate === true });
    stopOnErrors(prepared, options.force === true);
    const packaged = await writePackageFile(prepared.entries, join(work, 'model.zip'), prepared.layout, signal);
    return { path: packaged.path, manifest: packaged.manifest, layout: prepared.layout };
  }
  await using archive = await openFile(target);
  const { sha256, files } = await digestArchive(archive, limitsOf(options), signal);
  const layout = recogniseLayout(
    files.map(({ path }) => path),
    { name: options.name ?? suggestName(basename(target).replace(/\.zip$/i, '')), ...runtimeOf(options) },
  );
  if (typeof layout === 'string') throw new Failure(`${target}: ${layout}`);
  if (layout.moves.size > 0 && options.force !== true)
    throw new Failure(
      `${target} is not in the layout that ${layout.runtime} reads. ${layout.notes.join(' ')} Run \`modelwright package\` on the folder`,
    );
  return { path: target, manifest: { format: 'modelwright.dev/manifest/v1', sha256, sizeBytes: archive.sizeBytes, layout, files }, layout };
}

function runtimeOf(options: PushOptions) {
  const { runtime } = readContext(options);
  return runtime === undefined ? {} : { runtime };
}

function showProgress({ sentBytes, resumedBytes, totalBytes }: UploadProgress): void {
  progressLine(`${printBytes(sentBytes + resumedBytes)} of ${printBytes(totalBytes)}`);
}

function deploymentOf(name: string, layout: Layout, storageUri: string): string {
  const served = servedModelName(name, layout);
  const version = layout.versions.at(-1);
  const model = { ...(served === name ? {} : { name: served }), ...(version === undefined || version < 1 ? {} : { version }) };
  return dump(
    {
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ModelDeployment',
      metadata: { name },
      spec: { ...(Object.keys(model).length === 0 ? {} : { model }), runtime: { type: layout.runtime }, source: { storageUri } },
    },
    { lineWidth: -1 },
  );
}
