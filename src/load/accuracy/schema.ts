/** The JSON schema of one line of a dataset, published as `schemas/accuracy-sample.schema.json`. */
const value = { anyOf: [{ type: 'number' }, { type: 'string' }] };

export const accuracySampleSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: 'modelwright.dev/accuracy-sample/v1',
  title: 'Sample of a dataset for modelwright bench --accuracy',
  description: 'One line of a JSON Lines file: what is sent, and what is right.',
  type: 'object',
  properties: {
    instance: { description: 'One row of V1 or TorchServe: what stands in "instances".' },
    inputs: {
      description: 'Tensors of V2 or gRPC, each with a first dimension of 1.',
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['name', 'shape', 'datatype', 'data'],
        properties: {
          name: { type: 'string' },
          shape: { type: 'array', items: { type: 'integer' } },
          datatype: { type: 'string' },
          data: { type: 'array' },
        },
      },
    },
    label: { description: 'The class: by its number (the position among scores), or by its name as the model gives it.', ...value },
    expected: {
      description: 'Of metric custom: the values of the output, in row-major order.',
      anyOf: [...value.anyOf, { type: 'array', items: {} }],
    },
  },
  allOf: [
    { oneOf: [{ required: ['instance'] }, { required: ['inputs'] }] },
    { oneOf: [{ required: ['label'] }, { required: ['expected'] }] },
  ],
} as const;
