import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Cached } from '../../kube/store.ts';
import { factsFrom } from './facts.ts';
import type { ConfigMap, Deployment } from './resources.ts';

const discovered = { resources: [] };
const unread = {
  discovered,
  inferenceServiceConfigs: undefined,
  controllers: undefined,
  clusterServingRuntimes: undefined,
  knativeConfigs: undefined,
};

function configMap(namespace: string, name: string, data: Record<string, string> = {}): Cached<ConfigMap> {
  const metadata = { namespace, name, uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
}

function controller(namespace: string, image: string): Cached<Deployment> {
  const { metadata } = configMap(namespace, 'kserve-controller-manager');
  const containers = [
    { name: 'kube-rbac-proxy', image: 'proxy:v1' },
    { name: 'manager', image },
  ];
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: { template: { spec: { containers } } } };
}

describe('the facts of a cluster', () => {
  it('leave out what could not be read', () => assert.deepEqual(factsFrom(unread), { resources: [] }));

  it('take KServe’s settings from its usual namespace, whatever copies lie about', () => {
    const configs = ['attic', 'kubeflow', 'kserve'].map((namespace) => configMap(namespace, 'inferenceservice-config'));
    assert.equal(factsFrom({ ...unread, inferenceServiceConfigs: configs }).inferenceServiceConfig?.namespace, 'kserve');
    assert.equal(factsFrom({ ...unread, inferenceServiceConfigs: configs.slice(0, 1) }).inferenceServiceConfig?.namespace, 'attic');
  });
  it('take them from the namespace that was given, and from no other', () => {
    const configs = [configMap('kserve', 'inferenceservice-config')];
    assert.equal(factsFrom({ ...unread, inferenceServiceConfigs: configs }, 'ml').inferenceServiceConfig, undefined);
  });
  it('name the image of the controller beside its settings', () => {
    const sources = {
      ...unread,
      inferenceServiceConfigs: [configMap('kubeflow', 'inferenceservice-config')],
      controllers: [controller('old', 'kserve/kserve-controller:v0.7.0'), controller('kubeflow', 'kserve/kserve-controller:v0.20.0')],
    };
    assert.equal(factsFrom(sources).controllerImage, 'kserve/kserve-controller:v0.20.0');
  });
  it('have Knative’s flags from its own namespace', () => {
    const knativeConfigs = [
      configMap('team', 'config-features', { 'kubernetes.podspec-tolerations': 'enabled' }),
      configMap('knative-serving', 'config-features', { 'kubernetes.podspec-tolerations': 'disabled' }),
    ];
    assert.deepEqual(factsFrom({ ...unread, knativeConfigs }).knative, {
      configFeatures: { 'kubernetes.podspec-tolerations': 'disabled' },
    });
  });
});
