import type { Finding } from '../models/finding.ts';
import type { KServeVersion } from '../models/kserve-version.ts';
import type { Layout } from '../models/layout.ts';
import { lintGpuSuffix, lintSKLearn, lintSKLearnVersion, lintTFServing, sklearnOf } from '../models/layout-lint.ts';
import { lintNameAgreement } from '../models/names.ts';
import { lintPickle } from '../models/pickle/lint.ts';
import { readOnnx } from '../models/signature/onnx.ts';
import { readSavedModel } from '../models/signature/saved-model.ts';
import { WireError } from '../models/signature/wire.ts';
import { lintTorchServe } from '../models/torchserve/lint.ts';
import { lintTritonRepository, type TritonModel } from '../models/triton/lint-repository.ts';
import { type PackageContents, readText } from './contents.ts';
import { readMars } from './mar.ts';

/** What the rules know about the deployment, beside the package. */
export interface LintContext {
  readonly kserve: KServeVersion;
  /** The deployment's name, to compare with the names in the package. */
  readonly name?: string;
  readonly gpuCount?: number;
  /** The runtime's version (image tag). */
  readonly runtimeVersion?: string;
  /** scikit-learn of the serving image; the stock image's of that KServe when left out. */
  readonly sklearnVersion?: string;
}

/** Every rule about the content of a package of a known layout. */
export async function lintContents(contents: PackageContents, layout: Layout, context: LintContext): Promise<Finding[]> {
  const findings = await lintRuntime(contents, layout, context);
  if (context.name !== undefined)
    findings.push(
      ...lintNameAgreement(context.name, layout, layout.runtime === 'Triton' ? (layout.models[0] ?? '.') : 'config/config.properties'),
    );
  findings.push(...lintGpuSuffix(layout.runtime, context.runtimeVersion, context.gpuCount ?? 0));
  for (const path of contents.paths) {
    if (/\.(?:joblib|pkl|pickle)$/.test(path)) findings.push(...(await lintPickleFile(contents, path, layout, context)));
    else if (path.endsWith('.onnx')) findings.push(...(await lintOnnx(contents, path)));
    else if (/(?:^|\/)saved_model\.pb$/.test(path)) findings.push(...(await lintSavedModel(contents, path)));
  }
  return findings;
}

async function lintRuntime(contents: PackageContents, layout: Layout, context: LintContext): Promise<Finding[]> {
  switch (layout.runtime) {
    case 'Triton':
      return lintTritonRepository(await tritonModels(contents, layout), context.gpuCount);
    case 'TFServing':
      return lintTFServing(contents.paths);
    case 'TorchServe': {
      const properties = await readText(contents, 'config/config.properties');
      return lintTorchServe({ paths: contents.paths, properties, mars: await readMars(contents) }, context.kserve);
    }
    case 'SKLearn':
      return lintSKLearn(contents.paths, context.kserve);
    case 'XGBoost':
    case 'LightGBM':
      return [];
    default:
      return layout.runtime satisfies never;
  }
}

/** The model directories of a Triton repository with the texts of their configurations. */
export async function tritonModels(contents: PackageContents, layout: Layout): Promise<TritonModel[]> {
  const models: TritonModel[] = [];
  for (const directory of layout.models) {
    const files = contents.paths.filter((path) => path.startsWith(`${directory}/`)).map((path) => path.slice(directory.length + 1));
    const config = await readText(contents, `${directory}/config.pbtxt`);
    models.push({ directory, files, ...(config === undefined ? {} : { config }) });
  }
  return models;
}

async function lintPickleFile(contents: PackageContents, path: string, layout: Layout, context: LintContext): Promise<Finding[]> {
  const { scan, findings } = await lintPickle(path, (start, length) => contents.read(path, start, length), contents.sizeOf(path));
  if (layout.runtime !== 'SKLearn' || scan === undefined) return [...findings];
  return [...findings, ...lintSKLearnVersion(path, scan.sklearnVersions, context.sklearnVersion ?? sklearnOf(context.kserve))];
}

async function lintOnnx(contents: PackageContents, path: string): Promise<Finding[]> {
  const folder = path.slice(0, path.lastIndexOf('/') + 1);
  try {
    const model = await readOnnx((start, length) => contents.read(path, start, length), contents.sizeOf(path));
    if (model === undefined) return [damaged(path, 'ONNX model')];
    return model.externalFiles
      .filter((file) => !contents.paths.includes(folder + file))
      .map((file) => ({
        code: 'MW-L0104',
        severity: 'error' as const,
        path,
        sentence: `The model keeps weights in ${JSON.stringify(file)}, which is not beside it.`,
        fix: `Add ${folder}${file}, or save the model with its weights inside.`,
      }));
  } catch (error) {
    if (error instanceof WireError) return [damaged(path, 'ONNX model')];
    throw error;
  }
}

async function lintSavedModel(contents: PackageContents, path: string): Promise<Finding[]> {
  try {
    const model = await readSavedModel((start, length) => contents.read(path, start, length), contents.sizeOf(path));
    if (model === undefined) return [damaged(path, 'SavedModel')];
    const findings: Finding[] = [];
    if (!model.tags.includes('serve')) {
      findings.push({
        code: 'MW-L0114',
        severity: 'error',
        path,
        sentence: `The SavedModel has no graph tagged "serve" (found: ${model.tags.join(', ') || 'none'}).`,
        fix: 'Save it with tf.saved_model.save.',
      });
    }
    if (!model.signatures.has('serving_default')) {
      findings.push({
        code: 'MW-L0115',
        severity: 'warning',
        path,
        sentence: 'There is no signature "serving_default"; clients have to name one.',
        fix: 'Save it with signatures={"serving_default": …}.',
      });
    }
    return findings;
  } catch (error) {
    if (error instanceof WireError) return [damaged(path, 'SavedModel')];
    throw error;
  }
}

function damaged(path: string, what: string): Finding {
  return {
    code: 'MW-L0105',
    severity: 'error',
    path,
    sentence: `The file is no ${what}, or it is damaged.`,
    fix: 'Export the model again; a Git LFS pointer or a cut-off download looks like this.',
  };
}
