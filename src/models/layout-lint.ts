import type { Finding } from './finding.ts';
import type { KServeVersion } from './kserve-version.ts';

/** TensorFlow Serving: numbered version directories, each with a SavedModel. */
export function lintTFServing(paths: readonly string[]): Finding[] {
  const findings: Finding[] = [];
  const tops = new Set(paths.filter((path) => path.includes('/')).map((path) => path.slice(0, path.indexOf('/'))));
  let served = 0;
  for (const top of tops) {
    const inside = paths.filter((path) => path.startsWith(`${top}/`));
    const hasModel = inside.includes(`${top}/saved_model.pb`) || inside.includes(`${top}/saved_model.pbtxt`);
    const misspelt = inside.find((path) => /^[^/]+\/(?:savedmodel|saved-model|model)\.pb$/.test(path));
    if (!/^\d+$/.test(top)) {
      if (hasModel || misspelt !== undefined) {
        findings.push({
          code: 'MW-L0110',
          severity: 'error',
          path: top,
          sentence: `"${top}" is no version: TensorFlow Serving reads directories whose name is a number, and says "No versions of servable found".`,
          fix: 'Call it 1.',
        });
      }
      continue;
    }
    if (hasModel) served += 1;
    else {
      findings.push({
        code: 'MW-L0111',
        severity: 'error',
        path: misspelt ?? top,
        sentence:
          misspelt === undefined
            ? `Version ${top} has no saved_model.pb.`
            : `TensorFlow Serving reads saved_model.pb, not ${misspelt.slice(top.length + 1)}.`,
        fix: misspelt === undefined ? 'Put the SavedModel there.' : `Rename it to ${top}/saved_model.pb.`,
      });
    }
    const index = inside.includes(`${top}/variables/variables.index`);
    const data = inside.some((path) => new RegExp(`^${top}/variables/variables\\.data-\\d{5}-of-\\d{5}$`).test(path));
    if (index !== data) {
      findings.push({
        code: 'MW-L0112',
        severity: 'error',
        path: `${top}/variables`,
        sentence: `variables.${index ? 'data-…' : 'index'} is missing beside variables.${index ? 'index' : 'data-…'}.`,
        fix: 'Copy the whole variables directory.',
      });
    }
  }
  if (served === 0 && findings.length === 0) {
    findings.push({
      code: 'MW-L0110',
      severity: 'error',
      path: '.',
      sentence: 'There is no version directory with a saved_model.pb.',
      fix: 'Lay the SavedModel out as 1/saved_model.pb and 1/variables/.',
    });
  }
  return findings;
}

/** scikit-learn: exactly one artefact at the top. */
export function lintSKLearn(paths: readonly string[], version: KServeVersion): Finding[] {
  const artefacts = paths.filter((path) => /^[^/]+\.(?:joblib|pkl|pickle)$/.test(path));
  const nested = paths.filter((path) => /\/[^/]+\.(?:joblib|pkl|pickle)$/.test(path));
  if (artefacts.length === 0) {
    return [
      {
        code: 'MW-L1201',
        severity: 'error',
        path: nested[0] ?? '.',
        sentence:
          nested[0] === undefined
            ? 'There is no .joblib, .pkl or .pickle file.'
            : 'The server looks for the model at the top of the package only.',
        fix: nested[0] === undefined ? 'Dump the model with joblib.dump(model, "model.joblib").' : 'Move the file to the top.',
      },
    ];
  }
  if (artefacts.length > 1) {
    return [
      {
        code: 'MW-L1202',
        severity: 'error',
        path: artefacts[1] ?? '.',
        sentence: `There are ${artefacts.length} model files (${artefacts.join(', ')}); the server says "More than one model file is detected".`,
        fix: 'Keep one; put a scaler and a model into one Pipeline.',
      },
    ];
  }
  const [artefact = ''] = artefacts;
  if (version === 'kfserving-0.6' && !/^model\./.test(artefact)) {
    return [
      {
        code: 'MW-L1203',
        severity: 'error',
        path: artefact,
        sentence: 'KFServing 0.6 loads only model.joblib, model.pkl or model.pickle.',
        fix: `Rename it to model${artefact.slice(artefact.lastIndexOf('.'))}.`,
      },
    ];
  }
  return [];
}

/** scikit-learn of the stock server of each KServe; pickles are made for one minor version. */
export function sklearnOf(version: KServeVersion): string {
  return version === 'kfserving-0.6' ? '0.20.3' : '1.5';
}

/** The version that wrote the pickle against the one that will read it. */
export function lintSKLearnVersion(path: string, found: readonly string[], serving: string): Finding[] {
  const minor = (text: string) => text.split('.').slice(0, 2).join('.');
  return found
    .filter((version) => minor(version) !== minor(serving))
    .map((version) => ({
      code: 'MW-L1204',
      severity: 'warning' as const,
      path,
      sentence: `The model was saved by scikit-learn ${version} and the server has ${serving}; pickles are only promised to load in the version that wrote them.`,
      fix: `Train it with scikit-learn ${minor(serving)}, or choose a runtime version that has ${minor(version)}.`,
    }));
}

/** The `-gpu` suffix of a runtime version against the GPUs asked for: from KServe 0.8 on nothing else checks it. */
export function lintGpuSuffix(runtime: string, runtimeVersion: string | undefined, gpuCount: number, path = 'runtime.version'): Finding[] {
  if ((runtime !== 'TFServing' && runtime !== 'TorchServe') || runtimeVersion === undefined) return [];
  const gpuTag = /(?:^|-)gpu(?:-|$)/.test(runtimeVersion);
  if (gpuTag === gpuCount > 0) return [];
  return [
    {
      code: 'MW-L0501',
      severity: 'error',
      path,
      sentence: gpuTag
        ? `${runtimeVersion} is a GPU image and the deployment asks for no GPU.`
        : `The deployment asks for a GPU and ${runtimeVersion} is a CPU image, which leaves it idle.`,
      fix: gpuTag ? `Use ${runtimeVersion.replace(/-?gpu-?/, '')}, or set gpu.count.` : `Use ${runtimeVersion}-gpu, or remove the GPU.`,
    },
  ];
}
