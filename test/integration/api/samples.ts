/** What the samples must say, written down by hand from the library they come from. */

export interface SampleExpectation {
  readonly model: string;
  readonly framework: string;
  readonly format: string;
  readonly task: string;
  readonly runtime: string;
  readonly version?: string;
  readonly protocol: 'V1' | 'V2';
  readonly storageUri: string;
  readonly requests: readonly [cpu: string, memory: string];
  readonly limits: readonly [cpu: string, memory: string];
}

const library = 'https://models.blob.core.chinacloudapi.cn';
const savedModel = { framework: 'TensorFlow', format: 'TensorFlow SavedModel' } as const;
const onnx = { framework: 'ONNX', format: 'Exported ONNX Model' } as const;
const pickle = { framework: 'SKLearn', format: 'Pickled Model (joblib)' } as const;
const tfServing = { runtime: 'TFServing', version: '2.2.0', protocol: 'V1' } as const;
const triton = { runtime: 'Triton', version: '20.10-py3', protocol: 'V2' } as const;
const small = { requests: ['1', '4Gi'], limits: ['1', '8Gi'] } as const;
const large = { requests: ['1', '4Gi'], limits: ['2', '8Gi'] } as const;

export const librarySamples: Readonly<Record<string, SampleExpectation>> = {
  'efficientnet-v2-small-tfserving': {
    ...savedModel,
    ...tfServing,
    ...large,
    model: 'efficientnet_v2_s',
    task: 'image-classification',
    storageUri: `${library}/cv-models/efficient-v2-small-tfserving.zip`,
  },
  'efficientnet-v2-tfserving': {
    ...savedModel,
    ...tfServing,
    ...large,
    model: 'efficientnet_v2_l',
    task: 'image-classification',
    storageUri: `${library}/cv-models/efficientnet-v2-tfserving.zip`,
  },
  'faster-rcnn-torchserve': {
    ...large,
    model: 'fasterrcnn_resnet50_fpn',
    framework: 'PyTorch',
    format: 'Eager Model/TorchScript',
    task: 'object-detection',
    runtime: 'TorchServe',
    version: '0.4.0',
    protocol: 'V1',
    storageUri: `${library}/cv-models/faster-rcnn-pytorch.zip`,
  },
  iris: {
    ...pickle,
    model: 'iris-sklearn',
    task: 'tabular-classification',
    runtime: 'SKLearn',
    version: 'v0.20.0',
    protocol: 'V1',
    storageUri: `${library}/ml-models/sklearn_0.20.3_model.zip`,
    requests: ['1', '4Gi'],
    limits: ['1', '4Gi'],
  },
  'mobilenet-v3-small-tfserving': {
    ...savedModel,
    ...tfServing,
    ...large,
    model: 'mobilenet_v3_small',
    task: 'image-classification',
    storageUri: `${library}/cv-models/mobilenet-v3-small-tfserving.zip`,
  },
  'resnet50-onnx-triton': {
    ...onnx,
    ...triton,
    ...small,
    model: 'resnet50',
    task: 'image-classification',
    storageUri: `${library}/cv-models/resnet50-onnx-triton.zip`,
  },
  'text2vec-base-chinese-triton': {
    ...savedModel,
    ...triton,
    model: 'text2vec-base-chinese',
    task: 'sentence-embedding',
    storageUri: `${library}/nlp-models/text2vec-base-chinese-triton.zip`,
    requests: ['1', '8Gi'],
    limits: ['1', '8Gi'],
  },
  'yelp-polarity-triton': {
    ...savedModel,
    ...triton,
    ...large,
    model: 'bert-base-uncased-yelp-polarity',
    task: 'text-classification',
    storageUri: `${library}/nlp-models/yelp-polarity-triton.zip`,
  },
  'yolov5s-tfserving': {
    ...savedModel,
    ...tfServing,
    ...small,
    model: 'yolov5s',
    task: 'object-detection',
    storageUri: `${library}/cv-models/yolov5s-tfserving.zip`,
  },
  'yolox-onnx-triton': {
    ...onnx,
    ...triton,
    ...large,
    model: 'yolox',
    task: 'object-detection',
    storageUri: `${library}/cv-models/yolox-onnx-triton.zip`,
  },
};

export const publicSample: SampleExpectation = {
  ...pickle,
  model: 'sklearn-iris',
  task: 'tabular-classification',
  runtime: 'SKLearn',
  protocol: 'V1',
  storageUri: 'gs://kfserving-examples/models/sklearn/1.0/model',
  requests: ['100m', '512Mi'],
  limits: ['1', '1Gi'],
};

export const samples: Readonly<Record<string, SampleExpectation>> = { ...librarySamples, 'sklearn-iris': publicSample };
