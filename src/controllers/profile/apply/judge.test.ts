import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { permissions } from '../../deployment/permissions.ts';
import { platformPermissions } from '../../platform/permissions.ts';
import { profilePermissions } from '../permissions.ts';
import { policyWords } from './judge.ts';

describe('what tells whether admission judges', () => {
  it('is that the operator itself may not update a ModelDeployment', () => {
    const verbs = [...permissions, ...platformPermissions, ...profilePermissions]
      .filter(({ resource }) => resource === 'modeldeployments')
      .flatMap((permission) => permission.verbs);
    assert.ok(verbs.includes('patch'));
    assert.ok(!verbs.includes('update') && !verbs.includes('*'));
  });
  it('are words that the policy has', () => {
    const policies = readFileSync(join(import.meta.dirname, '../../../../manifests/admission/policies.yaml'), 'utf8');
    assert.ok(policies.includes(policyWords));
  });
});
