import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KubeConfig } from '@kubernetes/client-node';
import { kubeconfig } from './kubeconfig.ts';

test('client libraries read the file: server, authority, user and key', () => {
  const text = kubeconfig({ cluster: 'c', user: 'u', server: 'https://127.0.0.1:1234', ca: 'CA', client: { cert: 'CERT', key: 'KEY' } });
  const config = new KubeConfig();
  config.loadFromString(text);
  assert.equal(config.getCurrentContext(), 'c');
  assert.equal(config.getCurrentCluster()?.server, 'https://127.0.0.1:1234');
  assert.equal(config.getCurrentCluster()?.caData, Buffer.from('CA').toString('base64'));
  assert.equal(config.getCurrentUser()?.certData, Buffer.from('CERT').toString('base64'));
  assert.equal(config.getCurrentUser()?.keyData, Buffer.from('KEY').toString('base64'));
});
