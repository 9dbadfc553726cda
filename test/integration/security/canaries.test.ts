/**
 * Secrets in the forms in which storage initializers, model servers and clouds print them, told to the operator through KServe's status: none of
 * them comes out in status, events, log or metrics.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { apply, applyCrds, eventually, list } from '../../support/cluster.ts';
import { installInferenceServices, playStatus } from '../deployment/light-kserve.ts';
import { aModel, type Deployed, deployed, serviceIfAny } from '../deployment/objects.ts';
import { OperatorProcess } from '../deployment/operator-process.ts';
import { ownControlPlane } from '../deployment/stage.ts';

const namespace = 'canaries';
/** Replaced by a text that occurs nowhere else. */
const forms: readonly string[] = [
  'failed to get https://a.blob.core.windows.net/c/m.zip?sv=2024-01-01&sr=b&sig=CANARY',
  'failed to get https://a.blob.core.windows.net/c/m.zip?SIG=CANARY&se=2030',
  "GET 'https://h/x?token=CANARY' 403",
  'GET "https://h/x?X-Amz-Signature=CANARY" 403',
  'GET https://h/x?X-Goog-Security-Token=CANARY: 403',
  'GET https://user:CANARY@h/x failed',
  'GET ftp://CANARY@h/x failed',
  'redirected to (https://h/x?code=CANARY).',
  'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=CANARY;EndpointSuffix=core.windows.net',
  'BlobEndpoint=https://a;SharedAccessSignature=CANARY',
  'Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=CANARY',
  'sig=CANARY',
  'AZURE_CLIENT_SECRET=CANARY',
  'AZURE_STORAGE_ACCESS_KEY: CANARY',
  'AWS_SECRET_ACCESS_KEY=CANARY',
  'aws_secret_access_key = CANARY',
  'HF_TOKEN="CANARY"',
  "export GITHUB_TOKEN='CANARY'",
  'clientSecret: CANARY',
  '{"client_secret":"CANARY"}',
  '{"clientSecret": "CANARY", "tenant": "x"}',
  '{"access_token":"CANARY","expires_in":3600}',
  '{"password":"CANARY"}',
  "{'password': 'CANARY'}",
  'password=CANARY',
  'passwd: CANARY',
  'api-key: CANARY',
  'x-api-key=CANARY',
  'private_key=CANARY',
  'Authorization: Bearer CANARY',
  'Authorization: Basic CANARY',
  'authorization=Bearer CANARY',
  '-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----',
  '-----BEGIN RSA PRIVATE KEY-----\nCANARY',
  'jwt eyJhbGciOiJIUzI1NiJ9.CANARY.c2ln',
  'key AKIACANARY refused',
  'token ghp_CANARYCANARY refused',
  'token hf_CANARYCANARY refused',
];

const canaries = forms.map((form, index) => {
  // Sixteen capital letters and digits, as the shortest of the forms wants; AKIA takes as many.
  const secret = `C${String(index).padStart(3, '0')}ANARY${String(index * 7919 + 1_000_000).slice(-7)}`;
  return { name: `canary-${index}`, secret, text: form.replaceAll('CANARY', secret) };
});

describe('a secret in what KServe says of a model', () => {
  let plane: ControlPlane;
  let operator: OperatorProcess;
  let models: Deployed[];
  let told: string;
  before(async () => {
    plane = await ownControlPlane();
    await applyCrds();
    await installInferenceServices();
    await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    operator = await OperatorProcess.start([namespace], ['--log-level', 'debug']);
    await apply(canaries.map(({ name }) => aModel(name, namespace)));
    for (const { name, text } of canaries) {
      await eventually(
        () => serviceIfAny(name, namespace),
        (service) => service !== undefined,
      );
      await playStatus(name, namespace, failing(text));
    }
    models = await Promise.all(
      canaries.map(({ name }) =>
        eventually(
          () => deployed(name, namespace),
          ({ status }) => status?.lastError !== undefined,
          120,
        ),
      ),
    );
    told = JSON.stringify(await list('events', namespace)) + (await operator.metrics('')).join('\n');
  });
  after(async () => {
    await operator?.[Symbol.asyncDispose]();
    await plane?.stop();
  });

  for (const [index, { secret, text }] of canaries.entries()) {
    const form = forms[index];
    it(`stays out of status: ${JSON.stringify(form)}`, () => {
      const status = JSON.stringify(models[index]?.status);
      assert.ok(text.includes(secret));
      assert.ok(!status.includes(secret), status);
    });
  }

  it('stays out of events and metrics', () => assert.deepEqual(found(told), []));
  it('stays out of the log, at its most talkative', () =>
    assert.deepEqual(found(operator.lines.map((line) => JSON.stringify(line)).join('\n')), []));

  it('while what is no secret is passed on: the test would see one', async () => {
    const [model] = models;
    assert.match(JSON.stringify(model?.status), /a\.blob\.core\.windows\.net/);
    assert.match(told, /canary-0/);
    const service = await serviceIfAny('canary-0', namespace);
    assert.ok(JSON.stringify(service).includes(canaries[0]?.secret ?? '-'), 'KServe has said it');
  });
});

/** Names of the canaries in a text. */
function found(text: string): string[] {
  return canaries.filter(({ secret }) => text.includes(secret)).map(({ name }) => name);
}

/** What KServe 0.20 says when the storage initializer has failed. */
function failing(message: string): object {
  return {
    conditions: [
      { type: 'Ready', status: 'False', reason: 'MinimumReplicasUnavailable', message },
      { type: 'PredictorReady', status: 'False', reason: 'MinimumReplicasUnavailable', message },
    ],
    deploymentMode: 'Standard',
    modelStatus: {
      transitionStatus: 'BlockedByFailedLoad',
      states: { activeModelState: '', targetModelState: 'FailedToLoad' },
      lastFailureInfo: { location: '', reason: 'ModelLoadFailed', message, exitCode: 1 },
    },
  };
}
