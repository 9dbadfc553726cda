import assert from 'node:assert/strict';
import { it } from 'node:test';
import { loadAll } from 'js-yaml';
import { withImage } from './manifests.ts';

const yaml = `
kind: Deployment
spec:
  replicas: 2
  template:
    spec:
      serviceAccountName: modelwright
      containers:
        - name: operator
          image: modelwright:0.1.0
          env:
            - {name: MODELWRIGHT_IMAGE, value: modelwright:0.1.0}
            - {name: OTHER, value: x}
---
kind: ConfigMap
data: {image: modelwright:0.1.0}
`;

it('puts an image into Deployments, where pods run it and where the operator hands it on, and nowhere else', () => {
  const image = 'mirror.example/modelwright@sha256:00';
  assert.deepEqual(loadAll(withImage(yaml, image)), [
    {
      kind: 'Deployment',
      spec: {
        replicas: 2,
        template: {
          spec: {
            serviceAccountName: 'modelwright',
            containers: [
              {
                name: 'operator',
                image,
                env: [
                  { name: 'MODELWRIGHT_IMAGE', value: image },
                  { name: 'OTHER', value: 'x' },
                ],
              },
            ],
          },
        },
      },
    },
    { kind: 'ConfigMap', data: { image: 'modelwright:0.1.0' } },
  ]);
});
