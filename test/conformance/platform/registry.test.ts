/** Images of runtimes on real registries (Debian's docker-registry): pinned, ranged, private, unreachable; and what Knative's own resolver makes of them. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { createAuthority } from '../../../hack/controlplane/x509.ts';
import { OperatorProcess } from '../../integration/deployment/operator-process.ts';
import { conditionOf, declare, isReady, type Platform, platformWhere } from '../../integration/platform/objects.ts';
import { ownPlane } from '../../integration/platform/own-plane.ts';
import { apply, eventually, freshNamespace, get, kubectl, list } from '../../support/cluster.ts';
import { account, Pusher, pullSecretData, RegistryProcess, registryProgram } from '../../support/docker-registry.ts';

interface Model {
  readonly status?: {
    readonly runtime?: { readonly image?: string };
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string; readonly message: string }[];
  };
}

interface Revision {
  readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
  readonly spec: {
    readonly imagePullSecrets?: readonly { readonly name: string }[];
    readonly containers: readonly { readonly args?: readonly string[] }[];
  };
  readonly status?: { readonly containerStatuses?: readonly { readonly imageDigest?: string }[] };
}

const found = await registryProgram();
const program = 'program' in found ? found.program : '';
const skip = 'missing' in found ? found.missing : false;
const systemNamespace = 'modelwright-system';

describe('images of runtimes on a registry', { timeout: 900_000, skip }, () => {
  let plane: ControlPlane;
  let operator: OperatorProcess;
  let namespace: string;
  let registry: RegistryProcess;
  let pusher: Pusher;
  let image: string;
  let first: string;

  before(async () => {
    plane = await ownPlane('conformance', { nodes: 'fake', kserve: '0.20.0', knative: true });
    namespace = (await freshNamespace('registry')).name;
    operator = await OperatorProcess.start([namespace], ['--system-namespace', systemNamespace]);
    const role = new URL('../../../manifests/operator/repositories.yaml', import.meta.url).pathname;
    await kubectl(['apply', '--server-side', '--force-conflicts', '-f', role]);
    registry = await RegistryProcess.start(program);
    pusher = new Pusher(registry, 'triton/server');
    image = `${registry.host}/triton/server`;
    await pusher.image('20.08-py3');
    first = (await pusher.index('20.10-py3', ['amd64', 'arm64'])).index;
    await pusher.image('20.10-py3-min');
    await pusher.image('21.02-py3');
  });
  after(async () => {
    await operator?.[Symbol.asyncDispose]();
    await registry?.[Symbol.asyncDispose]();
    await plane?.stop();
  });

  const model = (name: string, spec: object = {}) =>
    apply({
      apiVersion: 'modelwright.dev/v1alpha1',
      kind: 'ModelDeployment',
      metadata: { name, namespace },
      spec: {
        runtime: { type: 'Triton' },
        deploymentMode: 'Knative',
        source: { storageUri: 'gs://bucket/resnet50' },
        resources: { limits: { cpu: '100m', memory: '128Mi' } },
        ...spec,
      },
    });
  const modelWhere = (name: string, wanted: (model: Model) => boolean) =>
    eventually(() => get<Model>('modeldeployments.modelwright.dev', name, namespace), wanted, 120);
  const readyOf = ({ status }: Model) => status?.conditions?.find(({ type }) => type === 'Ready');
  const serves = (digest: string) => (seen: Model) =>
    readyOf(seen)?.status === 'True' && seen.status?.runtime?.image?.endsWith(`@${digest}`) === true;
  const revisionsOf = async (name: string) =>
    (await list<Revision>('revisions.serving.knative.dev', namespace)).filter(
      ({ metadata }) => metadata.labels['serving.kserve.io/inferenceservice'] === name,
    );
  const modelwright = async (...args: string[]) => {
    const main = new URL('../../../src/cli/main.ts', import.meta.url).pathname;
    return (await promisify(execFile)(process.execPath, [main, ...args, '--kubeconfig', plane.kubeconfig])).stdout;
  };
  const pinned = (version: string, more: object = {}) => ({ type: 'Triton', image, version, pinDigests: true, ...more });
  const declareTriton = (runtime: object, more: object = {}) =>
    declare({ runtimes: [runtime], rollout: { strategy: 'Immediate', maxUnavailable: 4 }, ...more });
  const troubled = (reason: string) => (seen: Platform) => conditionOf(seen, 'RuntimesReady')?.reason === reason;
  const messageOf = (platform: Platform) => conditionOf(platform, 'RuntimesReady')?.message ?? '';

  it('are pinned: models get the digest behind the tag, Knative has nothing to resolve, and the status says what was asked when', async () => {
    await declareTriton(pinned('20.10-py3'));
    const { status } = await platformWhere(isReady);
    assert.equal(status?.runtimes?.[0]?.image, `${image}@${first}`);
    const [resolution] = status.resolutions ?? [];
    assert.deepEqual(
      [resolution?.image, resolution?.version, resolution?.platforms],
      [image, { wanted: '20.10-py3', tag: '20.10-py3', digest: first }, ['linux/amd64', 'linux/arm64']],
    );
    assert.ok(Date.parse(resolution?.resolvedTime ?? '') > 0);
    await model('pinned');
    await modelWhere('pinned', serves(first));
    assert.match(await modelwright('images', 'ls'), new RegExp(`20\\.10-py3 → ${first.slice(0, 19)}…, linux/amd64 linux/arm64, 2`));
  });

  it('stay when the tag moves, and follow when somebody asks for it', async () => {
    const second = await pusher.image('20.10-py3');
    await kubectl(['annotate', 'servingplatforms.modelwright.dev', 'default', 'example.com/touched=yes']);
    await model('unmoved');
    await modelWhere('unmoved', serves(first));
    // A restored backup has no status: what was resolved is found on our runtime.
    await kubectl([
      'patch',
      'servingplatforms.modelwright.dev',
      'default',
      '--subresource=status',
      '--type=json',
      '-p',
      '[{"op":"remove","path":"/status"}]',
    ]);
    const restored = await platformWhere((seen) => isReady(seen) && seen.status?.runtimes !== undefined);
    assert.equal(restored.status?.resolutions?.[0]?.version.digest, first);
    await modelWhere('unmoved', serves(first));
    assert.match(await modelwright('images', 'update', 'Triton'), /Triton: the registry is asked again/);
    await modelWhere('pinned', serves(second));
    await modelWhere('unmoved', serves(second));
    const { status } = await platformWhere(isReady);
    assert.deepEqual(status?.resolutions?.[0]?.platforms, ['linux/amd64']);
    await kubectl(['delete', 'modeldeployments.modelwright.dev', 'unmoved', '-n', namespace]);
  });

  it('are pinned for one platform where that is asked for, and refused where there is none', async () => {
    const { images } = await pusher.index('22.01-py3', ['amd64', 'arm64']);
    await declareTriton(pinned('22.01-py3', { platform: 'linux/arm64' }));
    await platformWhere((seen) => seen.status?.runtimes?.[0]?.image === `${image}@${images[1]}`);
    await declareTriton(pinned('22.01-py3', { platform: 'linux/s390x' }));
    const platform = await platformWhere(troubled('NoSuchPlatform'));
    assert.match(messageOf(platform), /not for linux\/s390x, only for linux\/amd64, linux\/arm64/);
    assert.equal(platform.status?.runtimes?.[0]?.image, `${image}@${images[1]}`);
  });

  it('are the highest of a range when it is declared, with the variant of the image that KServe ships', async () => {
    await declareTriton({ type: 'Triton', image, version: '20.x' });
    const { status } = await platformWhere(isReady);
    assert.equal(status?.runtimes?.[0]?.image, `${image}:20.10-py3`);
    await pusher.image('20.12-py3');
    await declareTriton({ type: 'Triton', image, version: '20.x', imagePullSecrets: ['unrelated'] });
    await platformWhere((seen) => isReady(seen) && seen.status?.runtimes?.[0]?.image === `${image}:20.10-py3`);
    await modelwright('images', 'update');
    await platformWhere((seen) => isReady(seen) && seen.status?.runtimes?.[0]?.image === `${image}:20.12-py3`);
    await declareTriton({ type: 'Triton', image, version: '20.x-sdk' });
    const platform = await platformWhere(troubled('NoMatchingTag'));
    assert.match(
      messageOf(platform),
      /no tag in 20\.x-sdk; there are tags in it with -py3, -py3-min, so name the variant.*until then models get .*:20\.12-py3/,
    );
  });

  it('outlive a registry that is away: what was pinned stays, the condition names the cause, and work resumes by itself', async () => {
    await declareTriton(pinned('20.08-py3'));
    const { status } = await platformWhere(isReady);
    const before = status?.runtimes?.[0]?.image ?? '';
    const { port, root } = registry;
    await using away = await RegistryProcess.start(program);
    await declareTriton({ ...pinned('20.08-py3'), image: `${away.host}/triton/server` });
    await platformWhere(troubled('NoSuchRepository'));
    await away[Symbol.asyncDispose]();
    await declareTriton({ ...pinned('21.02-py3'), image: `${away.host}/triton/server` });
    const platform = await platformWhere(troubled('Unreachable'));
    assert.match(messageOf(platform), /cannot be reached \(ECONNREFUSED\).*as before$/);
    assert.equal(platform.status?.runtimes?.[0]?.image, before);
    await modelWhere('pinned', serves(before.split('@')[1] ?? ''));
    await using back = await RegistryProcess.start(program, { port: away.port, root });
    assert.notEqual(back.port, port);
    await platformWhere(
      (seen) => isReady(seen) && seen.status?.runtimes?.[0]?.image.startsWith(`${back.host}/triton/server@sha256:`) === true,
    );
    await declareTriton(pinned('20.08-py3'));
    await platformWhere((seen) => isReady(seen) && seen.status?.runtimes?.[0]?.image === before);
  });

  it('are read from a private registry with a pull secret of the operator', async () => {
    await using guarded = await RegistryProcess.start(program, { auth: 'Token', root: registry.root });
    const runtime = { ...pinned('21.02-py3'), image: `${guarded.host}/triton/server` };
    await declareTriton(runtime);
    const closed = await platformWhere(troubled('Unauthorized'));
    assert.match(messageOf(closed), /wants credentials for triton\/server; give spec\.registries a pullSecret/);
    const registries = [{ host: guarded.host, pullSecret: 'registry' }];
    await declareTriton(runtime, { registries });
    const missing = await platformWhere((seen) => /is not there/.test(messageOf(seen)));
    assert.match(messageOf(missing), /Secret modelwright-system\/registry, which spec\.registries names, is not there/);
    await apply({
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/dockerconfigjson',
      metadata: { name: 'registry', namespace: systemNamespace },
      data: pullSecretData(guarded.host),
    });
    await declareTriton({ ...runtime, imagePullSecrets: [] }, { registries });
    await platformWhere((seen) => isReady(seen) && seen.status?.runtimes?.[0]?.image.startsWith(`${guarded.host}/`) === true);
  });

  it('are read over TLS with the authority that is declared', async () => {
    const authority = { commonName: 'registry-authority', ...createAuthority('registry-authority') };
    await using secure = await RegistryProcess.start(program, { authority, root: registry.root });
    const runtime = { ...pinned('21.02-py3'), image: `${secure.host}/triton/server` };
    await declareTriton(runtime, { registries: [{ host: secure.host, plainHTTP: false }] });
    const platform = await platformWhere(troubled('TLS'));
    assert.match(messageOf(platform), /is not trusted .*add its authority to spec\.registries\[\]\.caBundle/);
    await declareTriton(runtime, { registries: [{ host: secure.host, caBundle: authority.cert }] });
    await platformWhere((seen) => isReady(seen) && seen.status?.runtimes?.[0]?.image.startsWith(`${secure.host}/`) === true);
  });

  it('have their arguments and protocols from the declaration, and a model that wants another protocol is told', async () => {
    await declareTriton(pinned('21.02-py3', { args: ['--strict-readiness=true'], protocols: ['V2'] }));
    await platformWhere(isReady);
    await model('arguments');
    await modelWhere('arguments', (seen) => readyOf(seen)?.status === 'True');
    const [revision] = await revisionsOf('arguments');
    assert.equal(revision?.spec.containers[0]?.args?.at(-1), '--strict-readiness=true');
    await model('other-protocol', { runtime: { type: 'Triton', protocol: 'GRPCV2' } });
    const refused = await modelWhere('other-protocol', (seen) => readyOf(seen)?.reason === 'ProtocolNotSupported');
    assert.match(readyOf(refused)?.message ?? '', /speaks v2 and not grpc-v2/);
    await kubectl(['delete', 'modeldeployments.modelwright.dev', 'arguments', 'other-protocol', '-n', namespace]);
  });

  it('have to come from where the policy says, declared ones and those that KServe ships', async () => {
    await declareTriton(pinned('21.02-py3'), { policy: { runtimeRegistries: [registry.host] } });
    await platformWhere(isReady);
    await model('tf', { runtime: { type: 'TFServing' }, deploymentMode: 'Standard' });
    const refused = await modelWhere('tf', (seen) => readyOf(seen)?.reason === 'RuntimeImageNotAllowed');
    assert.match(readyOf(refused)?.message ?? '', /does not allow model servers from tensorflow\/serving/);
    await declareTriton(pinned('21.02-py3'), { policy: { runtimeRegistries: [`${registry.host}/other`, 'index.docker.io/tensorflow'] } });
    const platform = await platformWhere(troubled('ImageNotAllowed'));
    assert.match(messageOf(platform), /spec\.runtimes\[Triton\]: spec\.policy\.runtimeRegistries does not allow images of/);
    await modelWhere('tf', (seen) => readyOf(seen)?.reason !== 'RuntimeImageNotAllowed');
    await kubectl(['delete', 'modeldeployments.modelwright.dev', 'tf', '-n', namespace]);
  });

  describe('whose tag Knative resolves', () => {
    const failure = (name: string, wanted: (cause: string, reason: string | undefined) => boolean) =>
      platformWhere((seen) =>
        (seen.status?.tagResolution?.failedRevisions ?? []).some((one) => one.name.startsWith(`${name}-`) && wanted(one.cause, one.reason)),
      );
    const forget = (name: string) => kubectl(['delete', 'modeldeployments.modelwright.dev', name, '-n', namespace]);

    it('fail for want of credentials, and are resolved with a pull secret of their own', async () => {
      await using guarded = await RegistryProcess.start(program, { auth: 'Token', root: registry.root });
      const runtime = { type: 'Triton', image: `${guarded.host}/triton/server`, version: '21.02-py3' };
      await declareTriton(runtime, { tagResolution: {} });
      await platformWhere(isReady);
      await model('private');
      await failure(
        'private',
        (cause, reason) => reason === 'Unauthorized' && /wants credentials; give the pods an imagePullSecret/.test(cause),
      );
      await apply({
        apiVersion: 'v1',
        kind: 'Secret',
        type: 'kubernetes.io/dockerconfigjson',
        metadata: { name: 'pull', namespace },
        data: pullSecretData(guarded.host),
      });
      await declareTriton({ ...runtime, imagePullSecrets: ['pull'] }, { tagResolution: {} });
      await modelWhere('private', (seen) => readyOf(seen)?.status === 'True');
      const revision = (await revisionsOf('private')).find(({ status }) => (status?.containerStatuses?.length ?? 0) > 0);
      assert.deepEqual(revision?.spec.imagePullSecrets, [{ name: 'pull' }]);
      assert.match(revision?.status?.containerStatuses?.[0]?.imageDigest ?? '', new RegExp(`^${guarded.host}/triton/server@sha256:`));
      assert.ok(
        guarded.tokens?.requests.some(
          ({ authorization }) => authorization === `Basic ${Buffer.from(`${account.username}:${account.password}`).toString('base64')}`,
        ),
      );
      await forget('private');
    });

    it('fail on a tag that is not there, and we say that the registry says so', async () => {
      await declareTriton({ type: 'Triton', image, version: '99.99-py3' }, { tagResolution: {} });
      await platformWhere(isReady);
      await model('untagged');
      await failure(
        'untagged',
        (cause, reason) =>
          reason === 'NoSuchTag' && /has no tag 99\.99-py3 in triton\/server, so the pods could not pull it either/.test(cause),
      );
      await pusher.image('99.99-py3');
      await modelWhere('untagged', (seen) => readyOf(seen)?.status === 'True');
      await forget('untagged');
    });

    const ill: readonly [what: string, answer: RequestListener, reason: string, words: RegExp][] = [
      [
        'limits',
        (_, response) => void response.writeHead(429, { 'retry-after': '60' }).end(),
        'RateLimited',
        /limits how often it may be asked/,
      ],
      ['answers nothing', () => undefined, 'Timeout', /did not answer in time/],
    ];
    for (const [what, answer, reason, words] of ill) {
      it(`fail where the registry ${what}`, async () => {
        await using server = await answering(answer);
        const name = reason.toLowerCase();
        await declareTriton({ type: 'Triton', image: `${server.host}/team/server`, version: '1' }, { tagResolution: {} });
        await platformWhere(isReady);
        await model(name);
        await failure(name, (cause, seen) => seen === reason && words.test(cause));
        await forget(name);
      });
    }

    it('fail where nobody listens', async () => {
      const server = await answering(() => undefined);
      await server[Symbol.asyncDispose]();
      await declareTriton({ type: 'Triton', image: `${server.host}/team/server`, version: '1' }, { tagResolution: {} });
      await platformWhere(isReady);
      await model('unreachable');
      await failure('unreachable', (cause, reason) => reason === 'Unreachable' && /cannot be reached/.test(cause));
      await forget('unreachable');
    });
  });

  it('leave no password in the status, the events or the log', async () => {
    const everything = [
      await kubectl(['get', 'servingplatforms.modelwright.dev,modeldeployments.modelwright.dev', '-A', '-o', 'json']),
      await kubectl(['get', 'events', '-A', '-o', 'json']),
      JSON.stringify(operator.lines),
    ].join('');
    assert.ok(!everything.includes(account.password));
    assert.ok(!everything.includes(Buffer.from(`${account.username}:${account.password}`).toString('base64')));
    assert.deepEqual(operator.errors(), []);
  });
});

async function answering(listener: RequestListener): Promise<{ readonly host: string } & AsyncDisposable> {
  const server: Server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
