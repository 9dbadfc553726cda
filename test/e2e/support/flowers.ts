/** Questions to the scikit-learn model of the tests, to which there is one right answer. */
import assert from 'node:assert/strict';
import { get } from '../../support/cluster.ts';
import type { ModelStatus } from './model.ts';
import { ask } from './world.ts';

/** A setosa and a virginica of Fisher's irises. */
export const flowers = [
  [5.1, 3.5, 1.4, 0.2],
  [6.7, 3, 5.2, 2.3],
];
/** What a model that was trained on them says of the two. */
export const kinds = [0, 2];

/** Asks a model of protocol V1 through its Service; fails where the answer is not right. */
export async function tellsFlowersApart(namespace: string, name: string): Promise<void> {
  const { status } = await get<{ status: ModelStatus }>('modeldeployment', name, namespace);
  const { status: code, body } = await ask(namespace, status.addresses?.internal?.predictUrl ?? '', { instances: flowers });
  assert.deepEqual([code, body], [200, { predictions: kinds }]);
}
