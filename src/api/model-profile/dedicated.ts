/** How a ModelProfile measures copies of a model instead of the running one: on which hardware, and with which versions of the runtime. */
import type { Static } from 'typebox';
import { batchingSchema, resourcesSchema } from '../model-deployment/serving.ts';
import { integer, keyedList, list, object, oneOf, Type, text, textMap, time } from '../schema.ts';

export const profileModes = ['Live', 'Dedicated'] as const;
export const hardwareSelections = ['Listed', 'Auto'] as const;
export type HardwareSelection = (typeof hardwareSelections)[number];

/** Most kinds of hardware, and most versions, of one sweep. */
export const maximumHardware = 16;
export const maximumRuntimes = 8;

const entryName = { minLength: 1, pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$' };
const labelValue = { pattern: '^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$' };

export const modeSchema = oneOf(
  'Live: the running service is measured. Dedicated: a temporary copy of the ModelDeployment for each entry of the hardware, one after the other, removed afterwards.',
  profileModes,
  { default: 'Live' },
);

const gpu = object('GPUs of each copy. Omitted: as in the ModelDeployment.', {
  count: integer('How many; 0 is none.', { minimum: 0, maximum: 64 }),
  resourceName: Type.Optional(
    text('The extended resource, for example nvidia.com/mig-1g.5gb for a slice of a GPU. Omitted: nvidia.com/gpu.', 253, {
      pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$',
    }),
  ),
  product: Type.Optional(
    text('Only nodes whose label <vendor>/gpu.product has this value, for example Tesla-T4.', 63, {
      minLength: 1,
      pattern: '^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$',
    }),
  ),
});

const entry = object('One kind of hardware, and how the copy on it is set up.', {
  name: text('What the results call it.', 40, entryName),
  nodeSelector: Type.Optional(
    textMap('Labels of the node, instead of the node selector and the node affinity of the ModelDeployment.', 16, {
      maxLength: 63,
      ...labelValue,
    }),
  ),
  gpu: Type.Optional(gpu),
  replicas: Type.Optional(integer('Copies of the model that run at once, and share the load. Omitted: 1.', { minimum: 1, maximum: 64 })),
  resources: Type.Optional(resourcesSchema),
  batching: Type.Optional(batchingSchema),
});

export type HardwareEntry = Static<typeof entry>;

export const hardwareSchema = keyedList(
  'Hardware that a copy of the model is measured on (mode Dedicated).',
  entry,
  maximumHardware,
  'name',
);

export const hardwareSelectionSchema = oneOf(
  'Listed: what sweep.hardware lists; with nothing there, one copy set up as the ModelDeployment is. Auto: each GPU product that a node of the cluster has. Omitted: Listed.',
  hardwareSelections,
);

const runtime = object('A version of the runtime.', {
  name: text('What the results call it.', 20, entryName),
  version: text('Tag or digest (sha256:…) of the runtime image, as in spec.runtime.version of a ModelDeployment.', 135, {
    pattern: '^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|sha256:[a-f0-9]{64})$',
  }),
});

export type RuntimeEntry = Static<typeof runtime>;

export const runtimesSchema = keyedList(
  'Versions of the runtime that are measured on each hardware, instead of that of the ModelDeployment (mode Dedicated).',
  runtime,
  maximumRuntimes,
  'name',
);

export const hardwareStates = ['Waiting', 'Preparing', 'Measuring', 'Measured', 'Unavailable', 'Failed'] as const;

/** One entry of the hardware, with a version of the runtime where the sweep has several. */
export const hardwareStatusSchema = keyedList(
  'How far each entry of the hardware is (mode Dedicated).',
  object('One entry.', {
    name: text('Its name: hardware, and the runtime where the sweep names some.', 63),
    state: oneOf(
      'Waiting for its turn; Preparing its copy; Measuring; Measured; Unavailable, when no node has it; Failed, when its copy does not serve.',
      hardwareStates,
    ),
    message: Type.Optional(text('The cause and what to do, or what it waits for.', 1024)),
    modelDeployment: Type.Optional(text('The temporary copy, while it is there.', 253)),
    basis: Type.Optional(text('Hash of the ModelDeployment that it was copied from: copies of two are not compared.', 64)),
    nodes: Type.Optional(list('Nodes that the copy ran on.', text('A node.', 253), 16)),
    gpuProduct: Type.Optional(text('GPU product of the first of them, by its label.', 128)),
    deadline: Type.Optional(time('When the copy is removed at the latest.')),
  }),
  maximumHardware * maximumRuntimes,
  'name',
);

export type HardwareStatus = Static<typeof hardwareStatusSchema>[number];
