import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readLimits } from '../../../packaging/limits.ts';
import { aDeployment } from '../testing/objects.ts';
import { renderJob } from './job.ts';
import type { PackagingSettings } from './settings.ts';
import { renderStorageContainer } from './storage-container.ts';
import { taskOf } from './task.ts';

const limits = { size: '200Gi', files: 500_000, ratio: 1000, depth: 64 };
const expected = readLimits(['size=200Gi', 'files=500000', 'ratio=1000', 'depth=64']);

function argumentsWith(jobs: PackagingSettings['jobs'], source: object): readonly string[] {
  const deployment = aDeployment({ spec: { source } });
  const task = taskOf(deployment);
  assert.ok(task);
  const options = { deployment, task, attempt: 1, run: 'f'.repeat(32), image: 'modelwright:1', sourceHosts: [], kserveVersion: '0.20' };
  const template = renderJob({ ...options, settings: { repositories: [], jobs } }).spec?.['template'] as {
    readonly spec: { readonly containers: readonly [{ readonly args: readonly string[] }] };
  };
  return template.spec.containers[0].args;
}

describe('the caps of spec.packaging.limits', () => {
  for (const [what, source] of Object.entries({
    packages: { volume: { claimName: 'models' } },
    verifies: { storageUri: `https://models.blob.core.windows.net/models/${'a'.repeat(64)}`, verify: true },
  })) {
    it(`are those of a Job that ${what}`, () => {
      const given = (jobs: PackagingSettings['jobs']) =>
        argumentsWith(jobs, source).flatMap((arg) => /^--limit=(.*)$/.exec(arg)?.[1] ?? []);
      assert.deepEqual(given({}), []);
      assert.deepEqual(readLimits(given({ limits })), expected);
    });
  }

  it('are those of the storage container', () => {
    const owner = { apiVersion: 'x', kind: 'ServingPlatform', name: 'default', uid: 'u' };
    const environmentOf = (given?: typeof limits) => {
      const { container } = renderStorageContainer({}, 'modelwright:1', owner, given).spec as {
        readonly container: { readonly env?: unknown };
      };
      return container.env;
    };
    assert.equal(environmentOf(), undefined);
    const [variable] = environmentOf(limits) as [{ readonly name: string; readonly value: string }];
    assert.equal(variable.name, 'MODELWRIGHT_LIMITS');
    assert.deepEqual(readLimits(variable.value.split(',')), expected);
  });
});
