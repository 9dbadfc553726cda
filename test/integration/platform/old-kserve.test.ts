/** Where the ConfigMap decides images: ranges from a real registry, what cannot be had there, and a KServe in another namespace. KServe itself is not needed. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { apply, eventually, get } from '../../support/cluster.ts';
import { Pusher, RegistryProcess, registryProgram } from '../../support/docker-registry.ts';
import { inferenceServiceDefinition } from '../deployment/light-kserve.ts';
import { OperatorProcess } from '../deployment/operator-process.ts';
import { type ConfigMap, conditionOf, declare, isReady, platformWhere, removePlatform } from './objects.ts';
import { ownPlane } from './own-plane.ts';

const found = await registryProgram();
const skip = 'missing' in found ? found.missing : false;
const predictors = '{ "triton": {"image": "nvcr.io/nvidia/tritonserver", "defaultImageVersion": "20.08-py3"} }\n';

let plane: ControlPlane;
let operator: OperatorProcess;

const configIn = (namespace: string) => get<ConfigMap>('configmap', 'inferenceservice-config', namespace);
const textIn = async (namespace: string) => (await configIn(namespace)).data?.['predictors'];

before(async () => {
  plane = await ownPlane('integration');
  const { spec, ...definition } = inferenceServiceDefinition;
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  const configMap = (namespace: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'inferenceservice-config', namespace },
    data: { predictors },
  });
  const namespaces = ['kserve', 'serving'];
  await apply([
    ...namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    ...namespaces.map(configMap),
    { ...definition, spec: { ...spec, versions: spec.versions.map((version) => ({ ...version, schema })) } },
  ]);
  operator = await OperatorProcess.start(['default']);
});
after(async () => {
  await operator?.[Symbol.asyncDispose]();
  await plane?.stop();
});

describe('a range where the ConfigMap decides', { skip }, () => {
  let registry: RegistryProcess;
  before(async () => {
    registry = await RegistryProcess.start('program' in found ? found.program : '');
    const pusher = new Pusher(registry, 'nvidia/tritonserver');
    for (const tag of ['20.08-py3', '20.10-py3', '20.12-py3-sdk', '21.02-py3']) await pusher.image(tag);
  });
  after(() => registry?.[Symbol.asyncDispose]());

  it('is a tag in it, with the variant of what is shipped', async () => {
    await declare({ runtimes: [{ type: 'Triton', image: `${registry.host}/nvidia/tritonserver`, version: '20.x' }] });
    const { status } = await platformWhere(isReady);
    assert.deepEqual(status?.resolutions?.[0]?.version, { wanted: '20.x', tag: '20.10-py3' });
    const expected = predictors.replace('nvcr.io', registry.host).replace('20.08', '20.10');
    assert.equal(await textIn('kserve'), expected);
  });

  it('keeps its tag while the next one cannot be had', async () => {
    await declare({ runtimes: [{ type: 'Triton', image: `${registry.host}/nvidia/nothing`, version: '^21.01' }] });
    const platform = await platformWhere((seen) => conditionOf(seen, 'RuntimesReady')?.reason === 'NoSuchRepository');
    assert.match(conditionOf(platform, 'Ready')?.message ?? '', /models get .*\/nvidia\/tritonserver:20\.10-py3, as before/);
    assert.equal(await textIn('kserve'), predictors.replace('nvcr.io', registry.host).replace('20.08', '20.10'));
    await declare({ runtimes: [{ type: 'Triton', image: `${registry.host}/nvidia/tritonserver`, version: '^21.01' }] });
    await platformWhere((seen) => isReady(seen) && seen.status?.resolutions?.[0]?.version.tag === '21.02-py3');
  });
});

describe('where the ConfigMap decides', () => {
  const refused: readonly [what: string, more: object, reason: string, words: RegExp][] = [
    ['digests', { pinDigests: true }, 'DigestNotPossible', /give a tag without pinDigests, or install KServe 0\.8/],
    ['arguments', { args: ['--x'] }, 'ArgumentsNotPossible', /spec\.runtimes\[Triton\]\.args/],
    ['protocols', { protocols: ['V2'] }, 'ProtocolsNotPossible', /spec\.runtimes\[Triton\]\.protocols/],
  ];
  for (const [what, more, reason, words] of refused) {
    it(`${what} are refused, and the text is as it was`, async () => {
      await declare({ runtimes: [{ type: 'Triton', version: '20.10-py3', ...more }] });
      const platform = await platformWhere((seen) => conditionOf(seen, 'RuntimesReady')?.reason === reason);
      assert.match(conditionOf(platform, 'Ready')?.message ?? '', words);
      await eventually(
        () => textIn('kserve'),
        (text) => text === predictors,
      );
    });
  }
});

describe('a KServe in another namespace', () => {
  it('is spoken to where spec.kserve.namespace says, as soon as it says so', async () => {
    const runtimes = [{ type: 'Triton', version: '20.10-py3' }];
    await declare({ runtimes, kserve: { namespace: 'serving' } });
    await eventually(
      () => textIn('serving'),
      (text) => text?.includes('20.10-py3') === true,
    );
    assert.equal(await textIn('kserve'), predictors);
    await platformWhere(isReady);
  });

  it('that is not there is said', async () => {
    await declare({ kserve: { namespace: 'nowhere' } });
    const platform = await platformWhere((seen) => conditionOf(seen, 'Ready')?.reason === 'ConfigMapMissing');
    assert.match(
      conditionOf(platform, 'Ready')?.message ?? '',
      /spec\.kserve\.namespace: there is no ConfigMap inferenceservice-config in namespace nowhere/,
    );
  });

  it('has its text back when the ServingPlatform goes', async () => {
    await declare({ kserve: { namespace: 'serving' }, runtimes: [{ type: 'Triton', version: '20.10-py3' }] });
    await platformWhere(isReady);
    await removePlatform();
    assert.equal(await textIn('serving'), predictors);
    assert.equal(await textIn('kserve'), predictors);
    assert.deepEqual(operator.errors(), []);
  });
});
