import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dialectOf } from './dialect.ts';
import { packageUriPattern, renderLocation } from './model-location.ts';

const sha = 'a'.repeat(64);
const uri = `https://models.blob.core.chinacloudapi.cn/models/packages/${sha}/model.zip`;
const dialect = (minor: number, hasStorageContainer = true) => ({ ...dialectOf({ major: 0, minor }), hasStorageContainer });

describe('who downloads a model', () => {
  it('is our storage container, by its name, from KServe 0.20 on', () => {
    assert.deepEqual(renderLocation({ storageUri: uri }, dialect(20)), {
      storageUri: uri,
      predictor: { storageContainerName: 'modelwright' },
      annotations: {},
    });
  });

  for (const minor of [11, 15, 19]) {
    it(`is our storage container, by a scheme of its own, on KServe 0.${minor}`, () => {
      const { storageUri, predictor } = renderLocation({ storageUri: uri }, dialect(minor));
      assert.deepEqual([storageUri, predictor], [uri.replace('https', 'modelwright'), {}]);
      // The stock container's expressions are not anchored.
      assert.doesNotMatch(storageUri, /https?:\/\/(.+)\/(.+)/);
    });
  }

  it('is the stock initializer before 0.11, and where ours is not there', () => {
    for (const one of [dialect(9), dialect(20, false), dialect(15, false)])
      assert.equal(renderLocation({ storageUri: uri }, one).storageUri, uri);
  });

  it('finds its Secret by the annotation that KServe knows', () => {
    const { annotations } = renderLocation({ storageUri: uri, secretName: 'iris-read' }, dialect(15));
    assert.deepEqual(annotations, { 'serving.kserve.io/storageSecretName': 'iris-read' });
  });

  const read = [
    uri,
    `https://models.blob.core.windows.net/models/${sha}`,
    `https://models.blob.core.windows.net/models/${sha}/`,
    `https://models.blob.core.usgovcloudapi.net/c/p/q/${sha}/model.zip`,
  ];
  const left = [
    uri.replace('https', 'http'),
    `${uri}?sig=x`,
    `${uri}#x`,
    `https://models.example.com/${sha}/model.zip`,
    `https://models.blob.core.windows.net.evil.org/models/${sha}`,
    `https://evil.org/https://models.blob.core.windows.net/models/${sha}`,
    `https://models.blob.core.windows.net/models/${sha}/other.zip`,
    `https://models.blob.core.windows.net/models/${sha.slice(1)}`,
    'gs://bucket/iris',
  ];
  for (const one of read) it(`is ours for ${one}`, () => assert.match(one, new RegExp(packageUriPattern)));
  for (const one of left) it(`is not ours for ${one}`, () => assert.doesNotMatch(one, new RegExp(packageUriPattern)));
});
