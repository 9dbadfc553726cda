import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { dialectOf } from './dialect.ts';
import { readServing } from './read-status.ts';
import { crashLoop, ended, first, notAvailable, waiting } from './testing/check-serving.ts';
import { condition, deploymentOf, event, image, observe, pod, readyService, revision, service } from './testing/observed.ts';

describe('the words of a container', () => {
  const uri = 'https://a.blob.core.chinacloudapi.cn/m/x.zip?sv=2021&sig=s3cr3t%3D';
  const failed = first(undefined, {}, crashLoop(1, 'Error', `Traceback\nRuntimeError: HTTP access denied for '${uri}'`));
  it('are shown without the signature that KServe prints', () => {
    const { cause } = readServing(failed);
    const text = JSON.stringify(cause);
    assert.ok(!text.includes('s3cr3t') && !text.includes('2021'), text);
    assert.match(cause?.message ?? '', /HTTP access denied for 'https:\/\/a\.blob\.core\.chinacloudapi\.cn\/m\/x\.zip\?/);
  });
  it('are asked for once: of the run before where the container waits', () => {
    const wanted = readServing(failed).wantsLogsOf;
    assert.deepEqual(wanted, [{ pod: 'iris-predictor-v1', container: 'storage-initializer', previous: true }]);
    const fetched = wanted.map((request) => ({ ...request, text: 'line 1\nline 2 token=abc\n' }));
    const again = readServing({ ...failed, logs: fetched });
    assert.deepEqual([again.wantsLogsOf, again.cause?.logTail], [[], 'line 1\nline 2 token=REDACTED']);
  });
  it('are those of the present run where it has just ended, or has used up its time', () => {
    const now = readServing(first({ state: { terminated: ended(1, 'Error') } }));
    assert.deepEqual(now.wantsLogsOf, [{ pod: 'iris-predictor-v1', container: 'kserve-container', previous: false }]);
    const late = first(
      { ready: false, state: { running: {} } },
      {
        deployments: [
          deploymentOf({ ...notAvailable, conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded', 'late')] }),
        ],
      },
    );
    const request = { pod: 'iris-predictor-v1', container: 'kserve-container', previous: false };
    assert.deepEqual(readServing(late).wantsLogsOf, [request]);
    assert.equal(
      readServing({ ...late, logs: [{ ...request, text: 'No versions of servable found' }] }).cause?.logTail,
      'No versions of servable found',
    );
  });
});

describe('an image pull', () => {
  const why = 'rpc error: code = Unknown desc = failed to pull and unpack image "x": no such host';
  const events = [event('Pod', 'iris-predictor-v1', 'Failed', `Failed to pull image "x": ${why}`)];
  it('has the same words while it is tried and while it waits', () => {
    const texts = [
      first(waiting('ErrImagePull', why)),
      first(waiting('ImagePullBackOff', `Back-off pulling image "x": ErrImagePull: ${why}`)),
      first(waiting('ImagePullBackOff', 'Back-off pulling image "x"'), { events }),
    ].map((observation) => readServing(observation).message);
    assert.match(texts[0] ?? '', /cannot be pulled: no such host\. To solve it: the node cannot reach docker\.io/);
    assert.deepEqual(new Set(texts).size, 1, texts.join('\n'));
  });
});

describe('what is served', () => {
  const digest = `sha256:${'cd'.repeat(32)}`;
  it('is told with its addresses, image and digest', () => {
    const serving = readServing(
      observe({
        inferenceService: readyService(),
        pods: [pod({ main: { ready: true, state: { running: {} }, imageID: `docker.io/kserve/sklearnserver@${digest}` }, ready: true })],
        deployments: [deploymentOf()],
      }),
    );
    assert.deepEqual(serving.addresses, {
      external: {
        url: 'http://iris-models.example.com',
        host: 'iris-models.example.com',
        predictUrl: 'http://iris-models.example.com/v1/models/iris:predict',
      },
      internal: {
        url: 'http://iris-predictor.models.svc.cluster.local',
        predictUrl: 'http://iris-predictor.models.svc.cluster.local/v1/models/iris:predict',
      },
    });
    assert.deepEqual(serving.runtime, { name: 'kserve-sklearnserver', image, digest, managedVia: 'ClusterServingRuntime', protocol: 'V1' });
  });
  it('has the path of its protocol and the name of its package', () => {
    const of = (spec: Parameters<typeof observe>[0]) =>
      readServing(observe({ inferenceService: readyService(), ...spec })).addresses.external?.predictUrl;
    assert.equal(
      of({ spec: { runtime: { type: 'Triton' }, model: { name: 'resnet50' } } }),
      'http://iris-models.example.com/v2/models/resnet50/infer',
    );
    assert.equal(of({ spec: { runtime: { type: 'Triton', protocol: 'GRPCV2' } } }), undefined);
    assert.equal(
      of({ spec: {}, inferenceService: readyService({ url: 'https://example.com:8443/serving/models/iris/' }) }),
      'https://example.com:8443/serving/models/iris/v1/models/iris:predict',
    );
  });
  it('has its path once on KFServing 0.6, which gives one itself', () => {
    const inferenceService = readyService({ address: { url: 'http://iris.models.svc.cluster.local/v1/models/iris:predict' } });
    const serving = readServing(observe({ inferenceService, dialect: dialectOf('kfserving-0.6'), mode: 'Knative' }));
    assert.deepEqual(serving.addresses.internal, {
      url: 'http://iris.models.svc.cluster.local',
      predictUrl: 'http://iris.models.svc.cluster.local/v1/models/iris:predict',
    });
    assert.equal(serving.runtime.managedVia, 'ConfigMap');
  });
});

describe('anything else', () => {
  const word = fc.constantFrom(
    'True',
    'False',
    'Ready',
    'PodScheduled',
    'Unschedulable',
    'CrashLoopBackOff',
    'ErrImagePull',
    'OOMKilled',
    'Progressing',
    '',
  );
  const condition = fc.record({ type: word, status: word, reason: word, message: fc.string() }, { requiredKeys: [] });
  const terminated = fc.record({ reason: word, message: fc.string(), exitCode: fc.nat(255) }, { requiredKeys: [] });
  const waitingState = fc.record({ reason: word, message: fc.string() }, { requiredKeys: [] });
  const state = fc.record({ waiting: waitingState, terminated, running: fc.constant({}) }, { requiredKeys: [] });
  const container = fc.record(
    {
      name: fc.constantFrom('kserve-container', 'storage-initializer'),
      ready: fc.boolean(),
      restartCount: fc.nat(3),
      state,
      lastState: fc.record({ terminated }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  );
  const status = fc.record(
    { phase: word, conditions: fc.array(condition), initContainerStatuses: fc.array(container), containerStatuses: fc.array(container) },
    { requiredKeys: [] },
  );
  const pods = fc.array(
    status.map((podStatus) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, status: podStatus })),
    { maxLength: 3 },
  );
  const conditions = fc.array(condition, { maxLength: 4 });
  it('is read without an error, the same way each time, and every failure has a sentence with a remedy', () => {
    fc.assert(
      fc.property(pods, conditions, conditions, fc.constantFrom('Standard', 'Knative'), (somePods, ofService, ofDeployment, mode) => {
        const observation = observe({
          mode,
          inferenceService: service(ofService, { components: { predictor: { latestCreatedRevision: 'r' } } }),
          pods: somePods,
          deployments: [
            { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'iris-predictor' }, status: { conditions: ofDeployment } },
          ],
          revisions: [revision('r', ...ofDeployment)],
        });
        const serving = readServing(observation);
        assert.deepEqual(readServing(observation), serving);
        assert.notEqual(serving.message, '');
        if (serving.state === 'Failed')
          assert.ok(serving.cause?.message !== undefined && /To solve it: |if it happens again/.test(serving.cause.message));
      }),
    );
  });
});
