/** What the API server accepts and a reader would still ask about: does the description of the model agree with itself and its runtime? */
import type { ModelDeployment, ModelDeploymentSpec } from '../../api/model-deployment/index.ts';
import { modelSchema } from '../../api/model-deployment/model.ts';
import type { RuntimeType } from '../../api/model-deployment/runtime.ts';
import type { Finding, Severity } from '../../models/finding.ts';

type Model = NonNullable<ModelDeploymentSpec['model']>;
type Tensor = NonNullable<Model['inputs']>[number];
type Framework = NonNullable<Model['framework']>;

/** What each runtime loads. Triton takes gradient-boosted trees by its FIL backend. */
const frameworksOf: Readonly<Record<RuntimeType, readonly Framework[]>> = {
  TFServing: ['TensorFlow'],
  TorchServe: ['PyTorch'],
  Triton: ['TensorFlow', 'PyTorch', 'ONNX', 'XGBoost', 'LightGBM'],
  SKLearn: ['SKLearn'],
  XGBoost: ['XGBoost'],
  LightGBM: ['LightGBM'],
};

export function advice({ spec }: ModelDeployment): Finding[] {
  const { model = {}, runtime } = spec;
  const findings: Finding[] = [];
  const add = (code: string, severity: Severity, path: string, sentence: string, fix: string) =>
    findings.push({ code, severity, path, sentence, fix });

  if (model.framework !== undefined && !frameworksOf[runtime.type].includes(model.framework)) {
    add(
      'MW-L2101',
      'warning',
      'spec.model.framework',
      `${runtime.type} does not load models of ${model.framework}; it loads ${frameworksOf[runtime.type].join(', ')}.`,
      'Correct spec.model.framework or spec.runtime.type.',
    );
  }
  if (/^(latest|nightly)(-gpu)?$/.test(runtime.version ?? '')) {
    add(
      'MW-L2102',
      'warning',
      'spec.runtime.version',
      `The tag ${runtime.version} moves: the same manifest gives another server tomorrow.`,
      'Name a release or a digest.',
    );
  }
  for (const field of ['inputs', 'outputs'] as const) {
    for (const [index, tensor] of (model[field] ?? []).entries()) findings.push(...tensorAdvice(tensor, `spec.model.${field}[${index}]`));
  }
  findings.push(...batchAdvice(model), ...referenceAdvice(model), ...attributeAdvice(model));
  return findings;
}

function tensorAdvice({ name, shape, layout }: Tensor, path: string): Finding[] {
  const findings: Finding[] = [];
  if (name !== name.trim()) {
    findings.push({
      code: 'MW-L2103',
      severity: 'warning',
      path: `${path}.name`,
      sentence: `The tensor name ${JSON.stringify(name)} has blanks around it, which requests would have to repeat.`,
      fix: 'Remove them.',
    });
  }
  if ((layout === 'NHWC' || layout === 'NCHW') && shape.length !== 4) {
    findings.push({
      code: 'MW-L2104',
      severity: 'warning',
      path: `${path}.layout`,
      sentence: `${layout} names four dimensions, and the shape has ${shape.length}.`,
      fix: 'Give the shape with its batch dimension, or leave layout out.',
    });
  }
  return findings;
}

/** The first dimension is the batch. */
function batchAdvice({ inputs = [], outputs = [] }: Model): Finding[] {
  const batched = [...inputs, ...outputs].filter(({ shape }) => shape.length > 1);
  const free = batched.filter(({ shape }) => shape[0] === -1);
  const fixed = batched.find(({ shape }) => shape[0] !== -1);
  const firstInput = inputs.find(({ shape }) => shape.length > 1);
  if (fixed !== undefined && free.length > 0) {
    return [
      {
        code: 'MW-L2105',
        severity: 'warning',
        path: pathOf(fixed, inputs),
        sentence: `Tensor ${fixed.name} begins with ${fixed.shape[0]}, and ${free[0]?.name} with -1: one of the two is probably not the batch dimension.`,
        fix: 'Write -1 first in every shape that grows with the batch.',
      },
    ];
  }
  if (firstInput === undefined || free.length > 0) return [];
  return [
    {
      code: 'MW-L2106',
      severity: 'info',
      path: pathOf(firstInput, inputs),
      sentence: `The batch is fixed at ${firstInput.shape[0]}: the server cannot join requests, and other batch sizes cannot be measured.`,
      fix: 'Export the model with a free first dimension, and write -1 for it.',
    },
  ];
}

function pathOf(tensor: Tensor, inputs: readonly Tensor[]): string {
  const index = inputs.indexOf(tensor);
  return index < 0 ? 'spec.model.outputs' : `spec.model.inputs[${index}].shape`;
}

function referenceAdvice({ references = [] }: Model): Finding[] {
  return references.flatMap((reference, index): Finding[] => {
    const path = `spec.model.references[${index}]`;
    if (references.indexOf(reference) < index) {
      return [{ code: 'MW-L2107', severity: 'info', path, sentence: 'The reference is given twice.', fix: 'Remove one.' }];
    }
    if (/^[a-z]+:\/\//i.test(reference) && !URL.canParse(reference)) {
      return [{ code: 'MW-L2108', severity: 'warning', path, sentence: 'The reference looks like a URL and is none.', fix: 'Correct it.' }];
    }
    return [];
  });
}

/** A free attribute that has a field of its own: written there it shows in the table and can be selected by. */
function attributeAdvice({ attributes = {} }: Model): Finding[] {
  return Object.keys(attributes).flatMap((key): Finding[] => {
    const field = Object.keys(modelSchema.properties).find((name) => name.toLowerCase() === key.toLowerCase());
    if (field === undefined) return [];
    return [
      {
        code: 'MW-L2109',
        severity: 'warning',
        path: `spec.model.attributes[${JSON.stringify(key)}]`,
        sentence: `There is a field for this: the library neither shows nor selects by an attribute ${key}.`,
        fix: `Write it as spec.model.${field}.`,
      },
    ];
  });
}
