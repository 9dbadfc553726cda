import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { ModelProfileSpec } from '../../../api/model-profile/index.ts';
import type { InferenceServiceObject, PodObject } from '../../../kserve/observation.ts';
import type { Cached } from '../../../kube/store.ts';
import { aProfile, aTargetPod } from '../testing/objects.ts';
import { resolveTarget, type TargetFacts } from './resolve.ts';
import { targetKeyOf, targetLabelOf } from './target-key.ts';
import { changeBetween, podsState } from './target-pods.ts';
import { judgeUrl } from './url-policy.ts';

const nothing: TargetFacts = { pods: [], targetHosts: [] };
const metadata = {
  name: 'iris',
  namespace: 'models',
  uid: 'u',
  resourceVersion: '1',
  creationTimestamp: '2026-11-21T12:00:00Z',
  generation: 2,
};

function aDeployment(status: object = {}, runtime: object = { type: 'Triton' }): Cached<ModelDeployment> {
  return {
    apiVersion: 'modelwright.dev/v1alpha1',
    kind: 'ModelDeployment',
    metadata,
    spec: { runtime, source: { storageUri: 'https://user:secret@host/x?sig=abc' } },
    status: {
      conditions: [
        { type: 'Ready', status: 'True', reason: 'Ready', message: '', lastTransitionTime: '2026-11-21T12:00:00Z', observedGeneration: 2 },
      ],
      addresses: { internal: { url: 'http://iris-predictor.models.svc.cluster.local' } },
      runtime: { image: 'triton:1', digest: 'sha256:1' },
      ...status,
    },
  } as unknown as Cached<ModelDeployment>;
}

function aService(change: { metadata?: object; status?: object } = {}): Cached<InferenceServiceObject> {
  return {
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: { ...metadata, ...change.metadata },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }],
      address: { url: 'http://iris.models.svc.cluster.local/v1/models/iris:predict' },
      ...change.status,
    },
  } as unknown as Cached<InferenceServiceObject>;
}

const pod = (name: string, ip: string): Cached<PodObject> =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadata, name, uid: name },
    spec: { nodeName: 'gpu-1' },
    status: {
      podIP: ip,
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ name: 'c', restartCount: 0, imageID: 'i@sha256:1' }],
    },
  }) as unknown as Cached<PodObject>;

const resolve = (target: ModelProfileSpec['target'], facts: Partial<TargetFacts>) =>
  resolveTarget(aProfile({ target }), { ...nothing, ...facts });
const verdict = (target: ModelProfileSpec['target'], facts: Partial<TargetFacts>) => {
  const state = resolve(target, facts);
  return state.kind === 'NotReady' || state.kind === 'Refused' ? `${state.kind} ${state.reason}` : state.kind;
};

describe('a ModelDeployment as target', () => {
  const target = { modelDeployment: 'iris' };
  it('is waited for until its latest spec serves', () => {
    assert.equal(verdict(target, {}), 'NotReady TargetNotFound');
    assert.equal(verdict(target, { deployment: aDeployment({ conditions: [] }) }), 'NotReady TargetNotReady');
    const old = [{ type: 'Ready', status: 'True', observedGeneration: 1 }];
    assert.equal(verdict(target, { deployment: aDeployment({ conditions: old }) }), 'NotReady TargetNotReady');
    assert.equal(verdict(target, { deployment: aDeployment({ addresses: {} }) }), 'NotReady TargetNotReady');
  });

  it('is spoken to as its runtime speaks, by the name of its model', () => {
    const state = resolve(target, { deployment: aDeployment({}, { type: 'SKLearn' }) });
    assert.ok(state.kind === 'Ready');
    assert.deepEqual(
      [state.target.url, state.target.protocol, state.target.modelName],
      ['http://iris-predictor.models.svc.cluster.local', 'V1', 'iris'],
    );
    const grpc = resolve(target, { deployment: aDeployment({}, { type: 'Triton', protocol: 'GRPCV2' }) });
    assert.equal(grpc.kind === 'Ready' && grpc.target.url, 'grpc://iris-predictor.models.svc.cluster.local');
  });

  it('tells what the figures are of, without secrets', () => {
    const state = resolve(target, { deployment: aDeployment(), pods: [pod('a', '10.0.0.1')], group: 'serving.kserve.io' });
    assert.ok(state.kind === 'Ready');
    assert.equal(state.target.provenance.imageDigest, 'sha256:1');
    assert.deepEqual(state.target.provenance.nodes, ['gpu-1']);
    assert.doesNotMatch(JSON.stringify(state), /secret|abc/);
  });

  it('is asked for its metrics at a pod, and for statistics too where the Service would mix several', () => {
    const one = resolve(target, { deployment: aDeployment(), pods: [pod('a', '10.0.0.1')], group: 'serving.kserve.io' });
    assert.ok(one.kind === 'Ready');
    assert.deepEqual([one.target.metricsUrl, one.target.statsUrl], ['http://10.0.0.1:8002/metrics', undefined]);
    const two = resolve(target, {
      deployment: aDeployment(),
      pods: [pod('a', '10.0.0.1'), pod('b', 'fd00::1')],
      group: 'serving.kserve.io',
    });
    assert.equal(two.kind === 'Ready' && two.target.statsUrl, 'http://10.0.0.1:8080');
  });

  it('is refused where its address is not one of this namespace', () => {
    for (const url of [
      'http://iris.victims.svc.cluster.local',
      'http://169.254.169.254',
      'http://localhost:8080',
      'http://evil.example.com',
      'no url',
    ]) {
      assert.equal(verdict(target, { deployment: aDeployment({ addresses: { internal: { url } } }) }), 'Refused TargetElsewhere', url);
    }
  });
});

describe('an InferenceService as target', () => {
  const target = { inferenceService: 'iris' };
  const ownedBy = (kind: string) => ({ ownerReferences: [{ apiVersion: 'x', kind, name: 'owner', uid: 'o', controller: true }] });
  it('is waited for until it is ready', () => {
    assert.equal(verdict(target, { service: 'Unread' }), 'Unread');
    assert.equal(verdict(target, {}), 'NotReady TargetNotFound');
    assert.equal(verdict(target, { service: aService({ status: { conditions: [] } }) }), 'NotReady TargetNotReady');
    assert.equal(verdict(target, { service: aService({ metadata: { deletionTimestamp: 'now' } }) }), 'NotReady TargetNotReady');
  });

  it('is loaded at its base address', () => {
    const state = resolve(target, { service: aService() });
    assert.equal(state.kind === 'Ready' && state.target.url, 'http://iris.models.svc.cluster.local');
  });

  it('is refused where it belongs to a ModelDeployment, is a copy made for a run, or points elsewhere', () => {
    assert.equal(verdict(target, { service: aService({ metadata: ownedBy('ModelDeployment') }) }), 'Refused TargetOwned');
    assert.equal(verdict(target, { service: aService({ metadata: ownedBy('ModelProfile') }) }), 'Refused TargetTemporary');
    assert.equal(
      verdict(target, { service: aService({ metadata: { labels: { 'modelwright.dev/profile-uid': 'x' } } }) }),
      'Refused TargetTemporary',
    );
    assert.equal(
      verdict(target, { service: aService({ status: { address: { url: 'http://iris.victims.svc.cluster.local' } } }) }),
      'Refused TargetElsewhere',
    );
  });
});

describe('a URL as target', () => {
  const rows: readonly [url: string, hosts: readonly string[], addresses: readonly string[] | undefined][] = [
    ['http://models.example.com', [], undefined],
    ['http://models.example.com', ['models.example.com'], ['public', 'private']],
    ['http://MODELS.example.com', ['models.example.com'], ['public', 'private']],
    ['http://models.example.com', ['other.example.com'], undefined],
    ['http://a.example.com', ['*.example.com'], ['public']],
    ['http://example.com', ['*.example.com'], undefined],
    ['http://evilexample.com', ['*.example.com'], undefined],
    ['http://a.example.com.evil.org', ['*.example.com'], undefined],
    ['http://models.example.com:8000', ['models.example.com:8000'], ['public', 'private']],
    ['http://models.example.com', ['models.example.com:8000'], undefined],
    ['https://models.example.com', ['models.example.com:443'], ['public', 'private']],
    ['http://a.example.com', ['*.example.com', '10.0.0.0/8'], ['public', '10.0.0.0/8']],
    ['http://10.1.2.3', ['10.0.0.0/8'], ['10.0.0.0/8']],
    ['http://10.1.2.3', ['*.example.com'], undefined],
    ['http://8.8.8.8', ['dns.google'], undefined],
    ['http://127.0.0.1:8000', ['localhost'], undefined],
    ['http://127.0.0.1:8000', ['127.0.0.1'], ['127.0.0.1']],
    ['http://2130706433/', ['*.example.com'], undefined],
    ['http://0x7f.1/', ['127.0.0.1'], ['127.0.0.1']],
    ['http://[::1]:80', ['::1'], ['::1']],
    ['http://[::ffff:10.0.0.1]', ['10.0.0.0/8'], ['10.0.0.0/8']],
    ['http://[fe80::1]', ['fd00::/8'], undefined],
    ['http://kubernetes.default.svc', ['*.example.com'], undefined],
    ['http://metadata.google.internal', [], undefined],
  ];
  for (const [url, hosts, addresses] of rows) {
    it(`${url} with ${hosts.join(', ') || 'nothing'} allowed: ${addresses?.join(', ') ?? 'refused'}`, () => {
      const judged = judgeUrl(url, hosts);
      assert.deepEqual(judged.allowed ? judged.addresses : undefined, addresses);
    });
  }

  it('is refused with the field of the policy that would allow it', () => {
    const state = resolve({ url: 'http://models.example.com', modelName: 'm' }, {});
    assert.match(state.kind === 'Refused' ? state.message : '', /models\.example\.com.*spec\.policy\.targetHosts/);
  });
});

describe('what two runs must not load at once', () => {
  const key = (target: ModelProfileSpec['target']) => targetKeyOf(aProfile({ target }));
  it('is one service by whatever kind it is named, and one host by whatever path', () => {
    assert.equal(key({ modelDeployment: 'iris' }), key({ inferenceService: 'iris' }));
    assert.equal(key({ url: 'http://h:8000/a' }), key({ url: 'http://H:8000/b' }));
    assert.notEqual(key({ url: 'http://h:8000' }), key({ url: 'http://h:8001' }));
    assert.equal(targetLabelOf(aProfile({ target: { url: 'http://h:8000/token/x' } })), 'h:8000');
  });
});

describe('what happened to the pods', () => {
  const one = podsState([aTargetPod()]);
  const rows: readonly [string, string, ReturnType<typeof changeBetween>][] = [
    ['nothing', podsState([aTargetPod()]), undefined],
    ['a restart', podsState([aTargetPod({ restarts: 1 })]), 'TargetRestarted'],
    ['a new pod', podsState([aTargetPod({ uid: 'x' })]), 'TargetRescaled'],
    ['a pod that is not ready yet', podsState([aTargetPod(), aTargetPod({ uid: 'x', ready: false })]), undefined],
    ['another image', podsState([aTargetPod({ uid: 'x', images: ['other'] })]), 'TargetImageChanged'],
    ['none left', podsState([aTargetPod({ ready: false })]), 'TargetNotReady'],
  ];
  for (const [what, now, change] of rows) it(what, () => assert.equal(changeBetween(one, now), change));
  it('does not count coming up from nothing', () => assert.equal(changeBetween('', one), undefined));
});
