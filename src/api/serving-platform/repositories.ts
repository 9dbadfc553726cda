/** `spec.repositories`, `spec.packaging` and `spec.storageContainer`: where the operator puts packages, and how pods get them. */
import { integer, keyedList, list, map, object, oneOf, quantity, Type, text, textMap } from '../schema.ts';

export const azureClouds = ['Public', 'China', 'USGovernment'] as const;
export const reclaimPolicies = ['Retain', 'Delete'] as const;
export const readAccesses = ['SharedAccessSignature', 'Anonymous'] as const;

const azureBlob = object('A container of Azure Blob Storage.', {
  account: text('Storage account.', 24, { pattern: '^[a-z0-9]{3,24}$' }),
  cloud: Type.Optional(oneOf('The Azure cloud of the account. Omitted: Public.', azureClouds)),
  container: text('Container in the account.', 63, { pattern: '^[a-z0-9](-?[a-z0-9]){2,62}$' }),
  prefix: Type.Optional(
    text('Folder in the container. Packages of a namespace go to a folder of their own below it.', 256, {
      minLength: 1,
      pattern: '^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$',
    }),
  ),
  credentials: object('How the operator proves itself to the account.', {
    secretRef: object(
      'A Secret in the namespace of the operator with AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_ACCESS_KEY (an account key), or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET. Tenants never see it: they are given signatures for single blobs.',
      { name: text('Its name.', 253, { minLength: 1, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$' }) },
    ),
  }),
});

const requirement = object('A condition on one label.', {
  key: text('Label.', 317, { minLength: 1 }),
  operator: oneOf('How the values are compared.', ['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: Type.Optional(list('Values of In and NotIn.', Type.String({ maxLength: 63 }), 64)),
});

const repository = object('A place for packages.', {
  name: text('What spec.source.volume.repository and spec.source.archive.repository call it.', 63, {
    pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
  }),
  azureBlob,
  allowedNamespaces: object(
    'Labels of the namespaces whose models may be packaged into it; an empty selector allows all. Every namespace has the label kubernetes.io/metadata.name.',
    {
      matchLabels: Type.Optional(textMap('Labels and the values they must have.', 16)),
      matchExpressions: Type.Optional(list('Conditions that must all hold.', requirement, 16)),
    },
  ),
  reclaimPolicy: Type.Optional(
    oneOf(
      'What becomes of a package that no ModelDeployment refers to any more, and of a full report whose run no ModelProfile tells of any more. Omitted: Retain.',
      reclaimPolicies,
    ),
  ),
  reclaimAfterSeconds: Type.Optional(
    integer('With Delete: for how long nobody must have referred to a package, and how old a full report must be. Omitted: 600.', {
      minimum: 60,
      maximum: 31_536_000,
    }),
  ),
  readAccess: Type.Optional(
    oneOf(
      'How pods read packages. SharedAccessSignature: by a signature that the operator gives and renews. Anonymous: the container is public. Omitted: SharedAccessSignature.',
      readAccesses,
    ),
  ),
});

export const repositoriesSchema = keyedList('Where packages that the operator makes are kept.', repository, 32, 'name');

const resources = object('Resources of the container.', {
  requests: Type.Optional(map<string | number>('What the scheduler reserves.', quantity('A quantity.'), 8)),
  limits: Type.Optional(map<string | number>('What the container may use at most.', quantity('A quantity.'), 8)),
});

/** An image that pods of tenants run; the operator's own where none is given. */
const image = Type.Optional(
  text('Image with the program modelwright. Omitted: that of the operator.', 512, { minLength: 1, pattern: '^[A-Za-z0-9][^\\s]*$' }),
);

export const packagingSchema = object('The Jobs that package and verify models, in the namespaces of the models.', {
  image,
  deadlineSeconds: Type.Optional(
    integer('How long one may take; the signature for its upload lives five minutes longer.', {
      minimum: 60,
      maximum: 43_200,
      default: 1800,
    }),
  ),
  workSpace: Type.Optional(quantity('Disk space on the node for one package. Omitted: 20Gi.')),
  resources: Type.Optional(resources),
  limits: Type.Optional(
    object('Caps on packages and archives, for these Jobs and for the storage container: what goes beyond one is refused.', {
      size: Type.Optional(quantity('Size of an archive, and of its files together. Omitted: 100Gi.')),
      files: Type.Optional(integer('Files and directories in an archive.', { minimum: 1, maximum: 10_000_000, default: 100_000 })),
      ratio: Type.Optional(
        integer('Size of a file over its packed size; the first 64 KiB are free.', { minimum: 1, maximum: 1_000_000, default: 200 }),
      ),
      depth: Type.Optional(integer('Directories in one name.', { minimum: 1, maximum: 1000, default: 32 })),
    }),
  ),
});

export const storageContainerSchema = object(
  'Has KServe (0.11 and newer) download packages by "modelwright fetch" instead of its stock initializer: a ClusterStorageContainer named modelwright. It reads every Azure cloud, compares the digest and runs restricted.',
  { image, resources: Type.Optional(resources) },
);
