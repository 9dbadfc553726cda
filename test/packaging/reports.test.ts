/** Archives of full reports in a repository, on Azurite: which are deleted, and which stay. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { StorageSharedKeyCredential } from '@azure/storage-blob';
import { runsToldOf, sweepReports } from '../../src/controllers/profile/report/reclaim.ts';
import type { Repository } from '../../src/packaging/azure/repository.ts';
import { Shelf } from '../../src/packaging/azure/shelf.ts';
import { noLogger } from '../../src/telemetry/logger.ts';
import { type Azure, account, hosts, startAzure } from './support/azure.ts';

const [running, latest, past, forgotten] = ['r00000000001', 'r00000000002', 'r00000000003', 'r00000000004'];
const iris = 'iris-01234567';
const hour = 3_600_000;

describe('archives of full reports', { timeout: 120_000 }, () => {
  let azure: Azure;
  let shelf: Shelf;
  before(async () => {
    azure = await startAzure({ tls: true });
    await azure.container('models').create();
    const place: Repository = {
      account,
      cloud: 'Public',
      endpoint: `https://${hosts.Public}`,
      container: 'models',
      prefix: 'p/team-01234567',
    };
    shelf = new Shelf(place, { kind: 'key', credential: new StorageSharedKeyCredential(account, azure.key) });
  });
  after(() => azure?.[Symbol.asyncDispose]());

  const put = (name: string) => azure.container('models').getBlockBlobClient(name).upload('x', 1);
  const there = async () => {
    const found: string[] = [];
    for await (const { name } of azure.container('models').listBlobsFlat()) found.push(name);
    return found.sort();
  };
  const archive = (run: string | undefined, folder = iris) => `p/team-01234567/_reports/${folder}/iris-${run}-0-0.zip`;
  const options = (runs: readonly (string | undefined)[], now = Date.now() + hour) => ({
    declared: { name: 'default', reclaimAfterSeconds: 600 },
    now,
    known: async () => new Map([[iris, new Set(runs.filter((run) => run !== undefined))]]),
  });

  it('stay while their profile tells of their run, and go when it does not any more, or is gone', async () => {
    await Promise.all([latest, past, forgotten].map((run) => put(archive(run))));
    await put(archive(latest, 'gone-89abcdef'));
    await sweepReports(shelf, options([latest, past]), noLogger);
    assert.deepEqual(await there(), [archive(latest), archive(past)]);
  });

  it('stay until they are old enough, which is told', async () => {
    const now = Date.now();
    const wait = await sweepReports(shelf, options([latest], now), noLogger);
    assert.ok(wait > 0 && wait <= 600_000, `${wait}`);
    assert.deepEqual(await there(), [archive(latest), archive(past)]);
    assert.ok((await sweepReports(shelf, options([latest, past], now), noLogger)) > hour, 'nothing to wait for');
  });

  it('are all that is deleted: not what else lies there, nor in folders of others', async () => {
    const others = [
      `p/team-01234567/_reports/${iris}/notes.zip`,
      `p/team-01234567/_reports/iris-${past}-0-0.zip`,
      `p/team-89abcdef/_reports/${iris}/iris-${past}-0-0.zip`,
      `p/team-01234567/${iris}/iris-${past}-0-0.zip`,
    ];
    await Promise.all(others.map(put));
    await sweepReports(shelf, options([]), noLogger);
    assert.deepEqual(await there(), others.toSorted());
  });

  it('are told of by the run that goes on, that of the results, and the history', () => {
    const status = {
      run: { id: running, state: 'Running', specHash: 'h', queuedTime: 'x' },
      measuring: { run: running, resultsOf: latest },
      history: [{ id: past, completionTime: 'x', specHash: 'h', sloMet: 'True' }],
    } as const;
    assert.deepEqual([...runsToldOf({ status } as never)], [running, latest, past]);
    assert.deepEqual([...runsToldOf({})], []);
  });
});
