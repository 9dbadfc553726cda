import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ListedBlob, lintBlobListing } from './blob-listing.ts';
import type { KServeVersion } from './kserve-version.ts';
import { parseStorageUri } from './storage-uri.ts';

const v = (minor: number): KServeVersion => ({ major: 0, minor });
const blob = (name: string, sizeBytes = 10): ListedBlob => ({ name, sizeBytes });
const codes = (path: string, blobs: ListedBlob[], version: KServeVersion = v(20)) =>
  lintBlobListing(parseStorageUri(`https://acct.blob.core.windows.net/c/${path}`, version), blobs, version).map(({ code }) => code);

describe("the blobs under a storageUri, with KServe's eyes", () => {
  it('one zip alone in its folder is right from 0.7 on', () => {
    assert.deepEqual(codes('m/d', [blob('m/d/model.zip')], v(7)), []);
    assert.deepEqual(codes('m/d', [blob('m/d/model.zip')], 'kfserving-0.6'), ['MW-L0743']);
  });
  it('an unpacked tree is right everywhere', () => {
    assert.deepEqual(codes('m/d', [blob('m/d/1/saved_model.pb'), blob('m/d/1/variables/x')], 'kfserving-0.6'), []);
  });
  it('nothing there', () => assert.deepEqual(codes('m/d', []), ['MW-L0740']));
  it('a sibling with the same prefix is mixed in', () => {
    assert.deepEqual(codes('m/foo', [blob('m/foo/a.onnx'), blob('m/foo-v2/a.onnx')]), ['MW-L0741']);
    assert.deepEqual(codes('m/foo/1', [blob('m/foo/1/x.zip'), blob('m/foo/10/x.zip')]), ['MW-L0741', 'MW-L0742']);
  });
  it('a side-car keeps the zip packed', () => {
    assert.deepEqual(codes('m/d', [blob('m/d/model.zip'), blob('m/d/model.zip.sha256')]), ['MW-L0742']);
  });
  it('a directory marker matters until 0.16', () => {
    const blobs = [blob('m/d', 0), blob('m/d/model.zip')];
    assert.deepEqual(codes('m/d', blobs, v(16)), ['MW-L0744']);
    assert.deepEqual(codes('m/d', blobs, v(17)), []);
  });
  it('empty files of a tree vanish', () => {
    assert.deepEqual(codes('m/d', [blob('m/d/__init__.py', 0), blob('m/d/model.py')]), ['MW-L0745']);
  });
});
