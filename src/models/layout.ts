import { compare } from './finding.ts';
import type { RuntimeType } from './names.ts';

/** What a folder is for, and where each file has to lie in the package. */
export interface Layout {
  readonly runtime: RuntimeType;
  /** Names that the package gives to its models; empty where the server takes the deployment's name. */
  readonly models: readonly string[];
  /** Version directories, ascending; empty where the runtime has none. */
  readonly versions: readonly number[];
  /** New paths of the files that do not lie where the server looks; by old path. */
  readonly moves: ReadonlyMap<string, string>;
  /** What was put into the right place, in words. */
  readonly notes: readonly string[];
}

export interface LayoutHint {
  readonly runtime?: RuntimeType;
  /** Name for a model that has none of its own, from the folder's or the file's name. */
  readonly name: string;
}

/**
 * Recognises the layout of a folder from its paths. A bare artefact (SavedModel, .onnx, .mar, .joblib …) is given the place that its
 * server wants.
 *
 * @returns a sentence when the folder fits no layout, or several.
 */
export function recogniseLayout(paths: readonly string[], hint: LayoutHint): Layout | string {
  const files = paths.filter((path) => !path.endsWith('/')).sort(compare);
  if (files.length === 0) return 'There are no files in it (a zip made without -r has only empty directories).';
  const found = candidates(paths, files, hint).filter(({ runtime }) => hint.runtime === undefined || runtime === hint.runtime);
  const [first, second] = found;
  if (first === undefined) {
    const wanted = hint.runtime === undefined ? 'any runtime' : hint.runtime;
    return `The files fit no layout of ${wanted}: expected MODEL/VERSION/model.onnx (Triton), VERSION/saved_model.pb (TFServing), model-store/*.mar (TorchServe) or one .joblib, .pkl, .bst, .json or .txt file.`;
  }
  if (second !== undefined && hint.runtime === undefined) {
    return `The files fit ${found.map(({ runtime }) => runtime).join(' and ')}; say which with --runtime.`;
  }
  return first;
}

function candidates(paths: readonly string[], files: readonly string[], hint: LayoutHint): Layout[] {
  const strict = [tfServing(files), torchServe(files), triton(paths, files)].filter((layout) => layout !== undefined);
  if (strict.length > 0) return strict;
  const bare = [bareSavedModel(files, hint), bareTriton(files, hint.name), bareMars(files)].filter((layout) => layout !== undefined);
  return bare.length > 0 ? bare : singleArtefacts(files, hint);
}

const version = /^(0|[1-9]\d{0,15})\//;

function tfServing(files: readonly string[]): Layout | undefined {
  const versions = versionsOf(files);
  const saved = files.some((file) => /^\d+\/(?:saved_model\.pb(?:txt)?|savedmodel\.pb)$/.test(file));
  return saved ? { runtime: 'TFServing', models: [], versions, moves: new Map(), notes: [] } : undefined;
}

function torchServe(files: readonly string[]): Layout | undefined {
  const mars = files.filter((file) => /^model-store\/[^/]+\.mar$/.test(file));
  if (mars.length === 0 && !files.some((file) => /^config\/config\.prop/.test(file))) return undefined;
  return { runtime: 'TorchServe', models: marNames(mars), versions: [], moves: new Map(), notes: [] };
}

/** At least one directory with a config.pbtxt or a version directory in it. */
function triton(paths: readonly string[], files: readonly string[]): Layout | undefined {
  const models = new Set<string>();
  for (const path of paths) {
    const match = /^([^/]+)\/(?:config\.pbtxt$|\d+\/)/.exec(path);
    if (match?.[1] !== undefined && !/^\d+$/.test(match[1])) models.add(match[1]);
  }
  if (models.size === 0) return undefined;
  const versions = versionsOf(
    files.flatMap((file) => [...models].filter((model) => file.startsWith(`${model}/`)).map((model) => file.slice(model.length + 1))),
  );
  return { runtime: 'Triton', models: [...models].sort(compare), versions, moves: new Map(), notes: [] };
}

function bareSavedModel(files: readonly string[], { runtime, name }: LayoutHint): Layout | undefined {
  if (!files.includes('saved_model.pb')) return undefined;
  if (runtime === 'Triton') {
    return {
      runtime,
      models: [name],
      versions: [1],
      moves: new Map(files.map((file) => [file, `${name}/1/model.savedmodel/${file}`])),
      notes: [`A bare SavedModel: put into ${name}/1/model.savedmodel/.`],
    };
  }
  return {
    runtime: 'TFServing',
    models: [],
    versions: [1],
    moves: new Map(files.map((file) => [file, `1/${file}`])),
    notes: ['A bare SavedModel: put into version directory 1/.'],
  };
}

/** One model's own directory (config.pbtxt or version directories at the top), or a bare model file. */
function bareTriton(files: readonly string[], name: string): Layout | undefined {
  if (files.includes('config.pbtxt') || files.some((file) => /^\d+\/model\.\w+/.test(file))) {
    return {
      runtime: 'Triton',
      models: [name],
      versions: versionsOf(files),
      moves: new Map(files.map((file) => [file, `${name}/${file}`])),
      notes: [`This is one model's directory and Triton wants its parent: put into ${name}/.`],
    };
  }
  const models = files.filter((file) => /^[^/]+\.(?:onnx|plan|pt)$/.test(file));
  const [model] = models;
  if (models.length !== 1 || model === undefined) return undefined;
  const stem = model.replace(/\.\w+$/, '');
  const directory = stem === 'model' ? name : stem;
  // External weights are named in the model relative to it, so they keep their names beside it.
  const moves = new Map(
    files.map((file) => [file, file === model ? `${directory}/1/model${model.slice(stem.length)}` : `${directory}/1/${file}`]),
  );
  return { runtime: 'Triton', models: [directory], versions: [1], moves, notes: [`A bare ${model}: put into ${directory}/1/.`] };
}

function bareMars(files: readonly string[]): Layout | undefined {
  const mars = files.filter((file) => /^[^/]+\.mar$/.test(file));
  if (mars.length === 0) return undefined;
  const moves = new Map(mars.map((file) => [file, `model-store/${file}`]));
  for (const file of files) if (file === 'config.properties') moves.set(file, 'config/config.properties');
  return {
    runtime: 'TorchServe',
    models: marNames(mars),
    versions: [],
    moves,
    notes: [`${mars.length === 1 ? 'A bare archive' : 'Bare archives'}: put into model-store/.`],
  };
}

/** Extension of the one file that each server looks for at the top. */
const artefacts: readonly { readonly runtime: RuntimeType; readonly pattern: RegExp }[] = [
  { runtime: 'SKLearn', pattern: /^[^/]+\.(?:joblib|pkl|pickle)$/ },
  { runtime: 'XGBoost', pattern: /^[^/]+\.(?:bst|ubj|json)$/ },
  { runtime: 'LightGBM', pattern: /^[^/]+\.(?:bst|txt)$/ },
];

function singleArtefacts(files: readonly string[], hint: LayoutHint): Layout[] {
  return artefacts.flatMap(({ runtime, pattern }) => {
    if (hint.runtime !== undefined && hint.runtime !== runtime) return [];
    const matches = files.filter((file) => pattern.test(file) && !/^(?:README|LICENSE|requirements|model-settings|settings)\b/i.test(file));
    const [match] = matches;
    if (match === undefined) return [];
    const extension = match.slice(match.lastIndexOf('.'));
    const renamed = `model${extension}`;
    const moves = new Map<string, string>();
    const notes: string[] = [];
    // KFServing 0.6 takes only this name; newer servers take any.
    if (matches.length === 1 && match !== renamed && !files.includes(renamed)) {
      moves.set(match, renamed);
      notes.push(`${match}: named ${renamed}, which every server version finds.`);
    }
    return [{ runtime, models: [], versions: [], moves, notes }];
  });
}

function marNames(mars: readonly string[]): string[] {
  return mars.map((file) => file.replace(/^.*\//, '').replace(/\.mar$/, '')).sort(compare);
}

function versionsOf(files: readonly string[]): number[] {
  const versions = new Set<number>();
  for (const file of files) {
    const match = version.exec(file);
    if (match?.[1] !== undefined) versions.add(Number(match[1]));
  }
  return [...versions].sort((a, b) => a - b);
}
