/**
 * Every call of an upload meets every fault, once, a few times or always. Whatever happens: no half or changed package is ever there under
 * its name, a `storageUri` is returned for complete content only, and the next push sends only what is missing.
 * MODELWRIGHT_FAULT_TRIALS sets how many trials are run (240 when unset), MODELWRIGHT_FAULT_SEED their order.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Settings } from '../../src/packaging/azure/credentials.ts';
import { parseRepository, type Repository } from '../../src/packaging/azure/repository.ts';
import { PackagingError } from '../../src/packaging/errors.ts';
import type { Manifest } from '../../src/packaging/manifest.ts';
import { writePackageFile } from '../../src/packaging/package-file.ts';
import { pushPackage } from '../../src/packaging/push.ts';
import { listSource } from '../../src/packaging/source-folder.ts';
import { type Azure, account, type Misbehave, startAzure } from './support/azure.ts';

const calls = ['properties', 'list', 'stage', 'commit', 'verify', 'manifest'] as const;
type Call = (typeof calls)[number];
const faults = ['timeout', '503', '503 with Retry-After', '412', '409', 'cut before', 'cut after', 'wrong bytes'] as const;
type Fault = (typeof faults)[number];
const blockBytes = 256 << 10;
const retry = { attempts: 4, delayMilliseconds: 2, maxDelayMilliseconds: 20, timeoutMilliseconds: 250 };

function callOf({ method, url = '' }: IncomingMessage): Call {
  const query = new URL(url, 'http://x').searchParams;
  if (method === 'HEAD') return 'properties';
  if (query.get('comp') === 'block') return 'stage';
  if (query.get('comp') === 'blocklist')
    return method === 'PUT' ? 'commit' : query.get('blocklisttype') === 'committed' ? 'verify' : 'list';
  return 'manifest';
}

/** Does the fault to the nth call of a kind and to the ones after it, `times` in all. */
function misbehaveWith(call: Call, fault: Fault, first: number, times: number): { misbehave: Misbehave; hits: () => number } {
  let seen = 0;
  let hits = 0;
  return {
    hits: () => hits,
    async misbehave(incoming, response, body, forward) {
      if (callOf(incoming) !== call) return false;
      seen += 1;
      if (seen < first || seen >= first + times) return false;
      hits += 1;
      switch (fault) {
        case 'timeout':
          // The client gives up on its own and closes the connection.
          return true;
        case '503':
        case '503 with Retry-After':
          response.writeHead(503, { 'x-ms-error-code': 'ServerBusy', ...(fault === '503' ? {} : { 'retry-after': '0' }) }).end();
          return true;
        case '412':
          response.writeHead(412, { 'x-ms-error-code': 'ConditionNotMet' }).end();
          return true;
        case '409':
          response.writeHead(409, { 'x-ms-error-code': 'BlobBeingRehydrated' }).end();
          return true;
        case 'cut before':
          response.destroy();
          return true;
        case 'cut after':
          await forward();
          response.destroy();
          return true;
        case 'wrong bytes': {
          if (body.length === 0) return false;
          const changed = Buffer.from(body);
          changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 0x55;
          const answer = await forward(changed);
          response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length }).end(answer.body);
          return true;
        }
        default:
          return fault satisfies never;
      }
    },
  };
}

describe('an upload that meets faults', { timeout: 1_800_000 }, () => {
  let azure: Azure;
  let work: string;
  let zip: { path: string; manifest: Manifest };
  let settings: Settings;
  const trials = Number(process.env['MODELWRIGHT_FAULT_TRIALS'] ?? 240);
  let state = Number(process.env['MODELWRIGHT_FAULT_SEED'] ?? 1);
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >>> 8) % below;
  };

  before(async () => {
    azure = await startAzure();
    await azure.container('faults').create();
    work = await mkdtemp(join(tmpdir(), 'modelwright-faults-'));
    settings = async (name) => (name === 'AZURE_STORAGE_ACCESS_KEY' ? azure.key : undefined);
    const content = Buffer.concat(Array.from({ length: 60_000 }, (_, index) => createHash('sha256').update(String(index)).digest()));
    await writeFile(join(work, 'model.onnx'), content);
    zip = await writePackageFile(await listSource(join(work, 'model.onnx')), join(work, 'model.zip'), undefined);
  });
  after(async () => {
    await azure?.[Symbol.asyncDispose]();
    await rm(work, { recursive: true, force: true });
  });

  const repositoryOf = (trial: string): Repository => parseRepository(`az://${account}/faults/${trial}`);
  /** A push while the service misbehaves gives up soon; one that has to succeed is patient. */
  const push = (repository: Repository, options = retry) =>
    pushPackage(zip.path, zip.manifest, repository, { settings, blockBytes, retry: options });

  /** What the service holds for the package: nothing, some blocks, or the whole content. Anything else fails the trial. */
  async function stored(repository: Repository): Promise<{ complete: boolean; stagedBytes: number }> {
    azure.misbehave = undefined;
    const blob = azure.container('faults').getBlockBlobClient(`${repository.prefix}/${zip.manifest.sha256}/model.zip`);
    const list = await blob.getBlockList('all').catch((error: { statusCode?: number }) => {
      if (error.statusCode === 404) return undefined;
      throw error;
    });
    const stagedBytes = (list?.uncommittedBlocks ?? []).reduce((sum, { size }) => sum + size, 0);
    if (list?.committedBlocks === undefined || list.committedBlocks.length === 0) return { complete: false, stagedBytes };
    const digest = createHash('sha256')
      .update(await blob.downloadToBuffer())
      .digest('hex');
    assert.equal(digest, zip.manifest.sha256, 'a half or changed package is there under its name');
    return { complete: true, stagedBytes };
  }

  async function finish(repository: Repository): Promise<void> {
    const before = await stored(repository);
    const again = await push(repository, { ...retry, timeoutMilliseconds: 60_000 });
    const total = zip.manifest.sizeBytes;
    // What was under way when a process was killed may still arrive after the service was asked what it holds.
    const missing = before.complete ? 0 : total - before.stagedBytes;
    assert.ok(again.sentBytes <= missing, `the next push sends what is missing and no more: ${again.sentBytes} of ${missing} bytes`);
    if (again.uploaded) assert.equal(again.sentBytes + again.resumedBytes, total);
    assert.equal((await stored(repository)).complete, true);
    const manifest = await azure
      .container('faults')
      .getBlobClient(`${repository.prefix}/_manifests/${zip.manifest.sha256}.json`)
      .downloadToBuffer();
    assert.equal((JSON.parse(manifest.toString()) as Manifest).sha256, zip.manifest.sha256);
  }

  it(`keeps its promises in ${trials} trials`, async () => {
    const outcome: Record<string, number> = {};
    for (let trial = 0; trial < trials; trial += 1) {
      const call = calls[trial % calls.length] ?? 'stage';
      const fault = faults[Math.floor(trial / calls.length) % faults.length] ?? '503';
      const times = [1, 2, 1000][Math.floor(trial / (calls.length * faults.length)) % 3] ?? 1;
      const first = call === 'stage' ? 1 + random(7) : 1 + random(call === 'properties' ? 2 : 1);
      const repository = repositoryOf(`t${trial}`);
      const bad = misbehaveWith(call, fault, first, times);
      azure.misbehave = bad.misbehave;
      const result = await push(repository).then(
        (value) => value,
        (error: unknown) => error,
      );
      const hits = bad.hits();
      const label = `trial ${trial}: ${fault} at ${call} ${first}, ${times} times`;
      try {
        if (result instanceof Error) assert.ok(result instanceof PackagingError, `${label}: ${String(result)}`);
        else assert.equal((await stored(repository)).complete, true);
        await finish(repository);
      } catch (error) {
        throw new Error(label, { cause: error });
      }
      const key = hits === 0 ? 'not reached' : result instanceof Error ? 'failed, then finished by the next push' : 'overcome';
      outcome[key] = (outcome[key] ?? 0) + 1;
    }
    console.log(`    ${trials} trials: ${JSON.stringify(outcome)}`);
    assert.ok((outcome['overcome'] ?? 0) > 0 && (outcome['failed, then finished by the next push'] ?? 0) > 0);
  });

  it('is killed at any request, and the next push continues', async () => {
    const kills = Math.max(6, Math.round(trials / 12));
    for (let kill = 0; kill < kills; kill += 1) {
      const repository = repositoryOf(`k${kill}`);
      const at = 1 + (kill % 13);
      const script = join(work, 'push.ts');
      await writeFile(script, childProgram(repository.prefix, zip));
      let requests = 0;
      const child = spawn(process.execPath, [script], {
        env: { ...azure.environment(), AZURE_STORAGE_ACCESS_KEY: azure.key },
        stdio: 'ignore',
      });
      const gone = new Promise((resolve) => child.once('exit', resolve));
      azure.misbehave = async (_incoming, response, _body, forward) => {
        requests += 1;
        if (requests !== at) return false;
        // Half of the time the service still gets the request.
        if (kill % 2 === 0) await forward();
        child.kill('SIGKILL');
        response.destroy();
        return true;
      };
      await gone;
      await finish(repository);
    }
    console.log(`    ${kills} kills`);
  });
});

/** A process of its own that pushes the package, to be killed. */
function childProgram(prefix: string, zip: { path: string; manifest: Manifest }): string {
  const source = (path: string) => JSON.stringify(new URL(`../../src/packaging/${path}`, import.meta.url).href);
  return `
    import { pushPackage } from ${source('push.ts')};
    import { parseRepository } from ${source('azure/repository.ts')};
    import { settingsFrom } from ${source('azure/credentials.ts')};
    await pushPackage(${JSON.stringify(zip.path)}, ${JSON.stringify(zip.manifest)}, parseRepository('az://${account}/faults/${prefix}'), {
      settings: settingsFrom(process.env), blockBytes: ${blockBytes},
    });`;
}
