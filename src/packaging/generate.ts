import type { KServeVersion } from '../models/kserve-version.ts';
import type { Layout } from '../models/layout.ts';
import { readOnnx } from '../models/signature/onnx.ts';
import { readSavedModel } from '../models/signature/saved-model.ts';
import type { ModelSignature } from '../models/signature/tensor.ts';
import { generateProperties } from '../models/torchserve/generate.ts';
import { generateConfig } from '../models/triton/generate.ts';
import { printConfig } from '../models/triton/print.ts';
import type { PackageContents } from './contents.ts';
import { readMars } from './mar.ts';
import type { SourceEntry } from './source-folder.ts';

export interface Generated {
  /** Files to add to the package. */
  readonly entries: readonly SourceEntry[];
  /** What was generated, or why not, in words. */
  readonly notes: readonly string[];
}

/**
 * Makes what is missing and can be derived: `config.pbtxt` from the signature of an ONNX model or a SavedModel, `config.properties` with a
 * snapshot from the model archives. A file that is there is left alone.
 */
export async function generateMissing(contents: PackageContents, layout: Layout, kserve: KServeVersion): Promise<Generated> {
  const entries: SourceEntry[] = [];
  const notes: string[] = [];
  const add = (path: string, text: string, from: string) => {
    const content = Buffer.from(text);
    entries.push({ path, file: '', sizeBytes: content.length, content });
    notes.push(`${path}: generated from ${from}.`);
  };
  if (layout.runtime === 'Triton') {
    for (const model of layout.models) {
      if (contents.paths.includes(`${model}/config.pbtxt`)) continue;
      const signed = await findSignature(contents, model);
      if (signed === undefined) {
        notes.push(`${model}/config.pbtxt: not generated; ${model}/VERSION/ has neither model.onnx nor model.savedmodel.`);
        continue;
      }
      const config = generateConfig({ name: model, platform: signed.platform, signature: signed.signature });
      if (typeof config === 'string') notes.push(`${model}/config.pbtxt: not generated; ${config}`);
      else add(`${model}/config.pbtxt`, printConfig(config), signed.path);
    }
  }
  if (layout.runtime === 'TorchServe' && !contents.paths.includes('config/config.properties')) {
    const mars = [...(await readMars(contents))].flatMap(([path, manifest]) =>
      manifest === undefined ? [] : [{ ...manifest, file: path.slice('model-store/'.length) }],
    );
    if (mars.length === 0) notes.push('config/config.properties: not generated; no archive has a readable manifest.');
    else add('config/config.properties', generateProperties(mars, kserve), mars.map(({ file }) => file).join(', '));
  }
  return { entries, notes };
}

async function findSignature(
  contents: PackageContents,
  model: string,
): Promise<{ path: string; platform: 'onnxruntime_onnx' | 'tensorflow_savedmodel'; signature: ModelSignature } | undefined> {
  for (const path of contents.paths) {
    const read = (start: number, length: number) => contents.read(path, start, length);
    const file = path.startsWith(`${model}/`) ? path.slice(model.length + 1) : '';
    if (/^\d+\/model\.onnx$/.test(file)) {
      const onnx = await readOnnx(read, contents.sizeOf(path));
      if (onnx !== undefined) return { path, platform: 'onnxruntime_onnx', signature: onnx };
    }
    if (/^\d+\/model\.savedmodel\/saved_model\.pb$/.test(file)) {
      const signature = (await readSavedModel(read, contents.sizeOf(path)))?.signatures.get('serving_default');
      if (signature !== undefined) return { path, platform: 'tensorflow_savedmodel', signature };
    }
  }
  return undefined;
}
