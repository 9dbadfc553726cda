import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Serving } from '../../../kserve/serving.ts';
import { aService } from '../testing/objects.ts';
import { canaryOf } from './canary.ts';

function service(predictor: object, percent?: number) {
  const status = { components: { predictor } } as never;
  return { ...aService({ status }), spec: { predictor: percent === undefined ? {} : { canaryTrafficPercent: percent } } };
}
const revisions = { latestCreatedRevision: 'r2', latestReadyRevision: 'r1', latestRolledoutRevision: 'r1' };
const traffic = [
  { tag: 'latest', url: 'http://latest-iris-predictor.models.example.com', percent: 0 },
  { tag: 'prev', url: 'http://prev-iris-predictor.models.example.com', percent: 100 },
];
const failed = { cause: { message: 'The image cannot be pulled' } } as Serving;

describe('the revisions of a service', () => {
  it('are read from its status, with the address of the newest inside the cluster', () => {
    assert.deepEqual(canaryOf(service({ ...revisions, traffic }, 0), 'Knative', undefined), {
      isOn: true,
      created: 'r2',
      ready: 'r1',
      rolledOut: 'r1',
      url: 'http://latest-iris-predictor.models.svc.cluster.local',
    });
  });
  it('are without traffic at 0 % only', () => {
    for (const percent of [undefined, 10, 100]) assert.equal(canaryOf(service(revisions, percent), 'Knative', undefined)?.isOn, false);
  });
  it('have no address until Knative has routed the tag', () =>
    assert.equal(canaryOf(service(revisions, 0), 'Knative', undefined)?.url, undefined));
  it('are held against the newest when that does not come up', () => {
    assert.equal(canaryOf(service(revisions, 0), 'Knative', failed)?.cause, 'The image cannot be pulled');
    assert.equal(canaryOf(service({ ...revisions, latestCreatedRevision: 'r1' }, 0), 'Knative', failed)?.cause, undefined);
  });
  it('are none in Standard mode, and none before the first has served', () => {
    assert.equal(canaryOf(service(revisions, 0), 'Standard', undefined), undefined);
    assert.equal(canaryOf(service({ latestCreatedRevision: 'r1' }, 0), 'Knative', undefined), undefined);
  });
});
