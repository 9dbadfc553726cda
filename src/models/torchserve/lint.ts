import type { Finding, Severity } from '../finding.ts';
import type { KServeVersion } from '../kserve-version.ts';
import { parseProperties } from './properties.ts';
import { type MarManifest, parseSnapshot, type Snapshot } from './snapshot.ts';

const file = 'config/config.properties';

/** A TorchServe package: its file names, its configuration, and what each archive's manifest says (undefined: unreadable). */
export interface TorchServePackage {
  readonly paths: readonly string[];
  readonly properties: string | undefined;
  readonly mars: ReadonlyMap<string, MarManifest | undefined>;
}

/** Everything that keeps TorchServe, started as KServe starts it, from serving the archives of a package. */
export function lintTorchServe(contents: TorchServePackage, version: KServeVersion): Finding[] {
  const findings: Finding[] = [];
  const add = (code: string, severity: Severity, path: string, sentence: string, fix: string) =>
    findings.push({ code, severity, path, sentence, fix });
  if (contents.mars.size === 0) {
    add(
      'MW-L0120',
      'error',
      'model-store',
      'There is no model archive in model-store/.',
      'Put the .mar file there (torch-model-archiver makes it).',
    );
  }
  for (const path of contents.paths) {
    if (path.endsWith('.mar') && !/^model-store\/[^/]+$/.test(path)) {
      add(
        'MW-L0121',
        'error',
        path,
        'TorchServe looks for archives in model-store/ only.',
        `Move it to model-store/${path.split('/').at(-1) ?? ''}.`,
      );
    }
  }
  for (const [path, manifest] of contents.mars) {
    if (manifest === undefined) {
      add('MW-L0401', 'error', path, 'The archive has no readable MAR-INF/MANIFEST.json.', 'Make it again with torch-model-archiver.');
    } else if (!/^[A-Za-z0-9][\w.-]*$/.test(manifest.modelName)) {
      add(
        'MW-L0402',
        'error',
        path,
        `The model is called ${JSON.stringify(manifest.modelName)}, which cannot stand in a URL.`,
        'Use letters, digits, "-" and "_".',
      );
    }
  }
  if (contents.properties === undefined) {
    const misspelt = contents.paths.find((path) => /(?:^|\/)config\.prop[a-z]*$/i.test(path) || path === 'config.properties');
    add(
      'MW-L0122',
      'error',
      misspelt ?? file,
      misspelt === undefined
        ? `There is no ${file}; KServe starts TorchServe with it.`
        : `KServe starts TorchServe with ${file}, not with ${misspelt}.`,
      misspelt === undefined ? 'Write it, or let `modelwright package --generate` derive it from the archives.' : `Rename it to ${file}.`,
    );
    return findings;
  }
  lintProperties(contents.properties, version, contents.mars, add);
  return findings;
}

type Add = (code: string, severity: Severity, path: string, sentence: string, fix: string) => void;

function lintProperties(text: string, version: KServeVersion, mars: ReadonlyMap<string, MarManifest | undefined>, add: Add): void {
  const properties = parseProperties(text);
  const values = new Map(properties.map(({ key, value }) => [key, value]));
  const at = (key: string) => `${file}:${properties.findLast((property) => property.key === key)?.line ?? 1}: ${key}`;
  for (const [index, { key, line }] of properties.entries()) {
    if (properties.findIndex((property) => property.key === key) < index) {
      add('MW-L0403', 'warning', `${file}:${line}: ${key}`, `${key} is set twice; the last one counts.`, 'Remove one.');
    }
  }
  const store = values.get('model_store');
  if (store !== '/mnt/models/model-store') {
    add(
      'MW-L0404',
      'error',
      at('model_store'),
      `model_store is ${store ?? 'not set'}; the package is mounted at /mnt/models.`,
      'Write model_store=/mnt/models/model-store.',
    );
  }
  for (const key of ['inference_address', 'management_address', 'metrics_address', 'grpc_inference_port']) {
    const value = values.get(key);
    if (
      value !== undefined &&
      /(?:^|:)808[01]\/?$/.test(value) &&
      !(version === 'kfserving-0.6' && key === 'management_address' && value.includes('8081'))
    ) {
      const port = value.replace(/\/$/, '').slice(-4);
      add(
        'MW-L0405',
        'error',
        at(key),
        `Port ${port} belongs to KServe's wrapper, which forwards to TorchServe.`,
        key === 'inference_address' ? 'Write inference_address=http://0.0.0.0:8085.' : `Use another port for ${key}.`,
      );
    }
  }
  if (values.get('inference_address') === undefined) {
    add(
      'MW-L0405',
      'error',
      at('inference_address'),
      "inference_address is not set, and its default is a port of KServe's wrapper.",
      'Write inference_address=http://0.0.0.0:8085.',
    );
  }
  lintEnvelope(values, version, at, add);
  const snapshotText = values.get('model_snapshot');
  if (snapshotText === undefined) {
    if ((values.get('load_models') ?? 'none') === 'none' || values.get('load_models') === '') {
      add(
        'MW-L0410',
        'error',
        at('model_snapshot'),
        'There is neither model_snapshot nor load_models, so no model is loaded.',
        'Add a snapshot, or load_models=all.',
      );
    }
    return;
  }
  const snapshot = parseSnapshot(snapshotText);
  if (typeof snapshot === 'string') {
    add(
      'MW-L0411',
      'error',
      at('model_snapshot'),
      `TorchServe cannot read the snapshot: ${snapshot}.`,
      'Write one line of JSON, as TorchServe itself does.',
    );
    return;
  }
  lintSnapshot(snapshot, mars, at('model_snapshot'), add);
}

function lintEnvelope(values: ReadonlyMap<string, string>, version: KServeVersion, at: (key: string) => string, add: Add): void {
  const envelope = values.get('service_envelope');
  if (version === 'kfserving-0.6') {
    if (envelope !== 'kfserving') {
      add(
        'MW-L0406',
        'error',
        at('service_envelope'),
        'KFServing 0.6 sends requests in its envelope, and service_envelope is not kfserving.',
        'Write service_envelope=kfserving.',
      );
    }
    return;
  }
  if (envelope === 'kfserving') {
    add(
      'MW-L0406',
      'error',
      at('service_envelope'),
      'The envelope "kfserving" was renamed; TorchServe 0.5 and newer do not know it.',
      'Remove service_envelope and write enable_envvars_config=true: KServe sets the envelope by TS_SERVICE_ENVELOPE.',
    );
  } else if (envelope === undefined && values.get('enable_envvars_config') !== 'true') {
    add(
      'MW-L0407',
      'error',
      at('enable_envvars_config'),
      'KServe names the envelope in TS_SERVICE_ENVELOPE, which TorchServe reads only with enable_envvars_config=true.',
      'Write enable_envvars_config=true.',
    );
  }
}

function lintSnapshot(snapshot: Snapshot, mars: ReadonlyMap<string, MarManifest | undefined>, path: string, add: Add): void {
  if (snapshot.modelCount !== snapshot.models.length) {
    add(
      'MW-L0412',
      'error',
      `${path}.modelCount`,
      `modelCount is ${snapshot.modelCount ?? 'missing'} and there are ${snapshot.models.length} models.`,
      `Write ${snapshot.models.length}.`,
    );
  }
  const used = new Set<string>();
  for (const model of snapshot.models) {
    const here = `${path}.models.${model.name}.${model.version}`;
    const marPath = `model-store/${model.marName ?? ''}`;
    if (model.marName === undefined) {
      add('MW-L0413', 'error', `${here}.marName`, 'The model names no archive.', 'Write marName.');
      continue;
    }
    used.add(marPath);
    if (!mars.has(marPath)) {
      add(
        'MW-L0413',
        'error',
        `${here}.marName`,
        `${marPath} is not in the package.`,
        `Use one of ${[...mars.keys()].map((name) => name.split('/')[1]).join(', ') || '(none)'}.`,
      );
      continue;
    }
    const manifest = mars.get(marPath);
    if (manifest !== undefined && manifest.modelVersion !== model.version) {
      add(
        'MW-L0414',
        'error',
        here,
        `The snapshot says version "${model.version}" and the archive "${manifest.modelVersion}"; TorchServe compares the text.`,
        `Write "${manifest.modelVersion}".`,
      );
    }
    if (manifest !== undefined && manifest.modelName !== model.name) {
      add(
        'MW-L0205',
        'warning',
        here,
        `The snapshot serves "${model.name}" and the archive is called "${manifest.modelName}".`,
        'Give both one name.',
      );
    }
    if ((model.minWorkers ?? 1) > (model.maxWorkers ?? Number.POSITIVE_INFINITY)) {
      add('MW-L0415', 'error', `${here}.minWorkers`, 'minWorkers is larger than maxWorkers.', 'Swap them.');
    }
    for (const key of ['minWorkers', 'maxWorkers', 'batchSize', 'maxBatchDelay', 'responseTimeout'] as const) {
      if (model[key] === undefined)
        add('MW-L0416', 'error', `${here}.${key}`, `${key} is missing; TorchServe does not start from such a snapshot.`, `Add ${key}.`);
    }
  }
  for (const name of new Set(snapshot.models.map((model) => model.name))) {
    const defaults = snapshot.models.filter((model) => model.name === name && model.defaultVersion === true).length;
    if (defaults !== 1)
      add(
        'MW-L0417',
        'error',
        `${path}.models.${name}`,
        `${defaults} of its versions are the default.`,
        'Set defaultVersion to true for exactly one.',
      );
  }
  for (const mar of mars.keys()) {
    if (!used.has(mar))
      add(
        'MW-L0418',
        'warning',
        mar,
        'The snapshot does not name this archive, so it is not loaded.',
        'Add it to the snapshot, or remove the file.',
      );
  }
}
