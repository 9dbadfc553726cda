/**
 * What people get wrong when they deploy a model. Each time the ModelDeployment says what is wrong and which field to change; when it is
 * changed the model answers, and nothing of the failed attempt is left.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ModelDeployment } from '../../src/api/model-deployment/index.ts';
import { controlPlane, eventually, get, kubectl, list } from '../support/cluster.ts';
import { pushEnvironment } from './support/azure.ts';
import { tellsFlowersApart } from './support/flowers.ts';
import { deploy, predictors, readyReason, untilReady, type Wanted } from './support/model.ts';
import { modelwright, push, useModels } from './support/world.ts';

interface Mistake {
  /** Name of the model. */
  readonly name: string;
  readonly what: string;
  /** What is wrong about the model. */
  readonly wrong: (right: string) => Promise<Wanted>;
  readonly reason: string;
  readonly stage: string;
  /** Of the condition's message. */
  readonly says: RegExp;
  /** Of the server's last words. */
  readonly logTail?: RegExp;
}

interface Event {
  readonly reason: string;
  readonly type: string;
  readonly involvedObject: { readonly kind: string; readonly name: string };
}

describe('a model with a mistake', () => {
  const models = useModels();
  let broken: string;
  before(async () => {
    broken = await mkdtemp(join(tmpdir(), 'modelwright-broken-'));
    await writeFile(join(broken, 'model.joblib'), 'this is no model');
  });
  after(() => rm(broken, { recursive: true, force: true }));

  /** Who packages what is no model is told so, and has to insist. */
  async function pushBroken(): Promise<string> {
    const args = ['push', broken, '--to', 'az://modelwright/models/packages', '--force'];
    return (await modelwright(args, pushEnvironment(controlPlane()))).trim();
  }

  const mistakes: readonly Mistake[] = [
    {
      name: 'lost',
      what: 'a package that is not there',
      wrong: async (right) => ({ storageUri: right.replace(/[0-9a-f]{64}$/, '0'.repeat(64)) }),
      reason: 'DownloadFailed',
      stage: 'Download',
      says: /(not found|no model found|does not exist).*To solve it/i,
    },
    {
      name: 'unpulled',
      what: 'an image that no registry has',
      wrong: async (storageUri) => ({ storageUri, version: '9.9.9' }),
      reason: 'ImagePullFailed',
      stage: 'ImagePull',
      says: /sklearn-server:9\.9\.9 cannot be pulled: .*not found.*spec\.runtime\.version/,
    },
    {
      name: 'small',
      what: 'less memory than its server needs',
      wrong: async (storageUri) => ({ storageUri, memory: '60Mi' }),
      reason: 'OutOfMemory',
      stage: 'Running',
      says: /limit of 60Mi.*spec\.resources\.limits\.memory/,
    },
    {
      name: 'broken',
      what: 'a file that is no model, at which its server stops again and again',
      wrong: async () => ({ storageUri: await pushBroken() }),
      reason: 'CrashLoop',
      stage: 'Running',
      says: /kserve-container stops with exit code 1.*To solve it/s,
      logTail: /model\.py|joblib|pickle|Traceback/,
    },
  ];

  for (const { name, what, wrong, reason, stage, says, logTail } of mistakes)
    it(`${what}: says so, and answers when it is put right`, async () => {
      const right = await push(models.sources.SKLearn);
      await deploy(models.namespace, name, await wrong(right));
      const condition = await readyReason(models.namespace, name, (seen) => seen.reason === reason && says.test(seen.message));
      assert.equal(condition.status, 'False');
      const failed = await eventually(
        () => get<ModelDeployment>('modeldeployment', name, models.namespace),
        ({ status }) => status?.lastError?.reason === reason && (logTail === undefined || logTail.test(status.lastError.logTail ?? '')),
        120,
      );
      assert.equal(failed.status?.lastError?.stage, stage);
      await eventually(
        async () => (await list<Event>('events', models.namespace)).filter(({ involvedObject }) => involvedObject.name === name),
        (events) =>
          events.some((event) => event.involvedObject.kind === 'ModelDeployment' && event.type === 'Warning' && event.reason === reason),
      );

      await deploy(models.namespace, name, { storageUri: right });
      await untilReady(models.namespace, name);
      await tellsFlowersApart(models.namespace, name);
      await eventually(
        () => get<ModelDeployment>('modeldeployment', name, models.namespace),
        ({ status }) => status?.lastError === undefined,
      );
      await eventually(
        () => predictors(models.namespace, name),
        (pods) => pods.length === 1 && pods[0]?.status.phase === 'Running',
        120,
      );
      await kubectl(['delete', 'modeldeployment', name, '-n', models.namespace]);
    });
});
