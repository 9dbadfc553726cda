import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ModelProfile } from '../../api/model-profile/index.ts';
import type { Cached, Store } from '../../kube/store.ts';
import { registry } from '../../telemetry/registry.ts';
import { exposeResults } from './metrics.ts';
import { objectiveOf, outcomeOf } from './results/choose.ts';
import { resultOf } from './results/result.ts';
import { aProfile, closed, compactPoint } from './testing/objects.ts';

const lines = async (name: string) =>
  (await registry.metrics()).split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));

it('tells the last results of each profile, and nothing of one that is gone', async () => {
  const results = [1, 2].map((level) =>
    resultOf(compactPoint('r0123456789a', 4, closed(level), level === 2 ? { invalidReasons: ['Unstable'] } : {}), 0),
  );
  const { status } = outcomeOf(results, objectiveOf({}));
  const condition = (type: string, is: 'True' | 'False', reason: string) => ({
    type,
    status: is,
    reason,
    message: '',
    lastTransitionTime: '',
  });
  const conditions = [condition('Ready', 'True', 'Measured'), condition('SLOMet', 'False', 'NoPointQualifies')];
  const profiles: Cached<ModelProfile>[] = [aProfile({}, { results, conditions, ...status })];
  const store: Pick<Store<ModelProfile>, 'list'> = { list: () => profiles };
  exposeResults(store as Store<ModelProfile>);

  const of = 'namespace="models",profile="iris"';
  assert.deepEqual(await lines('modelwright_profiles'), ['modelwright_profiles{reason="Measured"} 1']);
  assert.deepEqual(await lines('modelwright_profile_best_p99_seconds'), [`modelwright_profile_best_p99_seconds{${of}} 0.009`]);
  assert.deepEqual(await lines('modelwright_profile_best_samples_per_second'), [`modelwright_profile_best_samples_per_second{${of}} 400`]);
  assert.deepEqual(await lines('modelwright_profile_slo_met'), [`modelwright_profile_slo_met{${of}} 0`]);
  assert.deepEqual(await lines('modelwright_profile_best_gpu_percent'), []);
  assert.deepEqual(await lines('modelwright_profile_points'), [
    `modelwright_profile_points{${of},valid="true"} 1`,
    `modelwright_profile_points{${of},valid="false"} 1`,
  ]);

  profiles.length = 0;
  assert.deepEqual(await lines('modelwright_profile_best_p99_seconds'), []);
  assert.deepEqual(await lines('modelwright_profile_queue_length'), ['modelwright_profile_queue_length 0']);
});
