/**
 * Compares the operator's roles with what audit logs say it used, both ways:
 *
 *   export MODELWRIGHT_AUDIT_USE=/tmp/use
 *   npm run test:integration; npm run test:conformance; npm run test:packaging; npm run test:faults; npm run test:e2e
 *   npm run check:rbac -- /tmp/use
 *
 * Exits 1 where something is granted that nothing used, or was refused, and hack/rbac/waivers.ts does not say why.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chartRoles } from '../generate/chart/roles.ts';
import { compare, describe, expand, isOperators, type SeenUse } from './compare.ts';
import { waivers } from './waivers.ts';

const operator = 'system:serviceaccount:modelwright-system:modelwright';
const folder = process.argv[2];
if (folder === undefined) throw new Error('give the folder that MODELWRIGHT_AUDIT_USE named while the tests ran');

const files = globSync(join(folder, '*.json'));
if (files.length === 0) throw new Error(`${folder} has no records: set MODELWRIGHT_AUDIT_USE to it while the tests run`);
const seen = files.flatMap((file) => JSON.parse(readFileSync(file, 'utf8')) as SeenUse[]).filter((use) => isOperators(use, operator));
const { cluster, own } = chartRoles();
const expanded = (roles: typeof cluster) => Object.values(roles).flatMap(expand);
const { unused, refused, idle, granted, waived } = compare({ everywhere: expanded(cluster), own: expanded(own) }, seen, waivers);

console.log(
  `${files.length} control planes; ${seen.length} kinds of request by the operator; ${granted} permissions granted, ${waived} unused and waived`,
);
for (const permission of unused) console.log(`granted and never used: ${describe(permission)}`);
for (const permission of refused) console.log(`asked for and refused: ${describe(permission)}`);
for (const { matches, why } of idle) console.log(`waiver without use: ${JSON.stringify(matches)} (${why})`);
if (unused.length + refused.length > 0) process.exitCode = 1;
