import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { KSERVE_RELEASES } from '../kserve-releases.ts';
import { webhooks, withImages } from './kserve.ts';

const base = mkdtempSync(join(tmpdir(), 'modelwright-kserve-'));
after(() => rmSync(base, { recursive: true, force: true }));

const MANIFESTS = `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: { name: inferenceservice.serving.kserve.io }
webhooks:
  - clientConfig: { caBundle: Cg==, service: { name: $(webhookServiceName), path: /mutate-pods } }
    failurePolicy: Fail
    name: inferenceservice.kserve-webhook-server.pod-mutator
    objectSelector: { matchExpressions: [{ key: serving.kserve.io/inferenceservice, operator: Exists }] }
    admissionReviewVersions: ["v1beta1"]
---
`;

test('webhooks get an address on this machine and keep what they select', () => {
  const file = join(base, 'manifests.yaml');
  writeFileSync(file, MANIFESTS);
  const [configuration, ...rest] = webhooks(file, KSERVE_RELEASES['0.20.0'], 9444, 'CA');
  assert.deepEqual(rest, []);
  assert.deepEqual(configuration?.webhooks, [
    {
      clientConfig: { url: 'https://127.0.0.1:9444/mutate-pods', caBundle: Buffer.from('CA').toString('base64') },
      failurePolicy: 'Fail',
      name: 'inferenceservice.kserve-webhook-server.pod-mutator',
      objectSelector: { matchExpressions: [{ key: 'serving.kserve.io/inferenceservice', operator: 'Exists' }] },
      admissionReviewVersions: ['v1'],
    },
  ]);
  assert.deepEqual(webhooks(file, KSERVE_RELEASES['0.7.0'], 9443, 'CA')[0]?.webhooks?.[0]?.admissionReviewVersions, ['v1beta1']);
});

test('images that a release fills in at packaging carry its version; those of others stay', () => {
  assert.equal(withImages('image: kserve/storage-initializer:latest', '0.20.0'), 'image: kserve/storage-initializer:v0.20.0');
  assert.equal(withImages('image: kserve/huggingfaceserver:latest-gpu', '0.20.0'), 'image: kserve/huggingfaceserver:v0.20.0-gpu');
  assert.equal(withImages('image: vllm/vllm-openai:latest', '0.20.0'), 'image: vllm/vllm-openai:latest');
  assert.equal(withImages('image: kserve/sklearnserver:v0.9.0', '0.9.0'), 'image: kserve/sklearnserver:v0.9.0');
});
