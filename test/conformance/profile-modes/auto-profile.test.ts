/** The ModelProfile that follows a ModelDeployment by itself, on the real KServe; what the load pods say is played. */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { aModel, deployed, eventsOf, says } from '../../integration/deployment/objects.ts';
import { Stage } from '../../integration/deployment/stage.ts';
import { apply, eventually, kubectl } from '../../support/cluster.ts';
import { LoadPlayer } from './load-player.ts';
import { aProfile, merge, profileOf } from './objects.ts';

const profile = {
  auto: true,
  template: { sweep: { concurrency: [1, 2] }, load: { durationSeconds: 10 }, payload: { json: '{"instances": [[1, 2, 3, 4]]}' } },
};

let stage: Stage;
let namespace: string;
let player: LoadPlayer;

before(async () => {
  stage = await Stage.start('auto-profile');
  namespace = stage.namespace;
  player = new LoadPlayer(namespace, () => ({ p99Milliseconds: 20, perSecond: 100 }));
});
after(async () => {
  await player?.[Symbol.asyncDispose]();
  await stage?.[Symbol.asyncDispose]();
});

const ready = (name: string) => eventually(() => deployed(name, namespace), says('Ready', 'True'), 300);
const measured = (name: string, runId?: string) =>
  eventually(
    () => profileOf(name, namespace),
    ({ spec, status }) => status?.run?.state === 'Complete' && status.run.requestedRunId === spec.runId && spec.runId !== runId,
    300,
  );

it('a model is measured when it first serves, and again when it is another', async () => {
  await apply(aModel('iris', namespace, { profile }));
  await ready('iris');
  await eventually(async () => (await kubectl(['get', 'modelprofiles', '-n', namespace, '-o', 'name'])).trim(), Boolean);
  const first = await measured('iris-auto');
  assert.equal(first.status?.results?.length, 2);

  // More copies are no other model.
  await merge('modeldeployment', 'iris', namespace, { scaling: { minReplicas: 2, maxReplicas: 2 } });
  await ready('iris');
  assert.equal((await profileOf('iris-auto', namespace)).spec.runId, first.spec.runId);

  await merge('modeldeployment', 'iris', namespace, { source: { storageUri: 'gs://bucket/iris-2' } });
  const second = await measured('iris-auto', first.spec.runId);
  assert.notEqual(second.status?.run?.id, first.status?.run?.id);
});

it('somebody else’s profile of that name is left alone', async () => {
  await apply(aProfile('taken-auto', namespace, { target: { modelDeployment: 'taken' }, suspend: true }));
  await apply(aModel('taken', namespace, { profile }));
  await ready('taken');
  await eventually(
    () => eventsOf('taken', namespace),
    (events) => events.some(({ reason }) => reason === 'ProfileNameTaken'),
  );
  const theirs = await profileOf('taken-auto', namespace);
  assert.deepEqual([theirs.spec.suspend, theirs.spec.runId], [true, undefined]);
});
