/** `spec.model`: what the model is. It feeds the library table, lint, labels to select by, and request payloads. */
import { integer, keyedList, list, object, oneOf, Type, text, textMap } from '../schema.ts';
import { dataTypes } from '../tensor.ts';

export const frameworks = ['TensorFlow', 'PyTorch', 'ONNX', 'SKLearn', 'XGBoost', 'LightGBM'] as const;

const tensor = object('One input or output tensor.', {
  name: text('The tensor name that requests use.', 256, { minLength: 1 }),
  shape: list(
    'Dimensions, the batch dimension included; -1 is any size.',
    integer('A dimension: a positive size, or -1 for any.', { minimum: -1, maximum: 0x7fffffff }),
    16,
  ),
  dataType: oneOf('Element type, as the Open Inference Protocol spells it.', dataTypes),
  layout: Type.Optional(oneOf('Order of an image tensor.', ['NHWC', 'NCHW', 'None'])),
});

const metric = object('A measured quality of the model.', {
  name: text('What was measured: acc, mAP, IoU, …', 64, { minLength: 1 }),
  value: text('A decimal number.', 32, { pattern: '^-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?$' }),
});

const shortText = (description: string) => text(description, 128, { minLength: 1 });

export const modelSchema = object(
  'What the model is. All of it is optional; what is given shows in the library table and can be selected by.',
  {
    name: Type.Optional(
      text(
        'The name the model server knows the model by: the directory of a Triton repository, the model in a TorchServe snapshot. Defaults to metadata.name.',
        63,
        { pattern: '^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$' },
      ),
    ),
    description: Type.Optional(text('A sentence for the library table.', 1024)),
    architecture: Type.Optional(shortText('The network or algorithm: resnet50, logistic-regression.')),
    framework: Type.Optional(oneOf('What the model was made with.', frameworks)),
    format: Type.Optional(shortText('The stored form: SavedModel, ONNX, TorchScript, joblib.')),
    task: Type.Optional(shortText('What it does: image-classification, object-detection.')),
    dataset: Type.Optional(shortText('What it was trained on.')),
    version: Type.Optional(
      integer('Version of the model. Where the runtime has version directories (TFServing, Triton), the one that is served.', {
        minimum: 1,
        maximum: 0x7fffffff,
      }),
    ),
    metrics: Type.Optional(keyedList('Measured qualities.', metric, 32, 'name')),
    inputs: Type.Optional(keyedList('Input tensors.', tensor, 32, 'name')),
    outputs: Type.Optional(keyedList('Output tensors.', tensor, 32, 'name')),
    license: Type.Optional(shortText('SPDX identifier or name of the licence.')),
    references: Type.Optional(list('Papers and pages about the model.', text('A URL or citation.', 512, { minLength: 1 }), 16)),
    documentationURL: Type.Optional(text('Where the model is documented.', 1024, { pattern: '^https?://[^\\s]+$' })),
    parent: Type.Optional(shortText('The family this model belongs to: what it was converted or fine-tuned from.')),
    attributes: Type.Optional(textMap('Anything else worth keeping with the model.', 32)),
  },
);
