/**
 * The fault campaign: a real API server, the operator as a process, and between them what goes wrong in clusters. Every trial has to end where an
 * undisturbed run ends. Afterwards the campaign proves itself: defects sewn into copies of the operator have to be caught. docs/faults.md tells the rest.
 *
 *   npm run test:faults [-- --help]
 */
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { buildOperator } from './build-operator.ts';
import { references, runFamilies } from './families.ts';
import { parseOptions, usage } from './options.ts';
import { proveCampaign } from './proof.ts';
import { Report } from './report.ts';
import { startWorld } from './world.ts';

const options = parseOptions(process.argv.slice(2));
if (options === 'help') {
  console.log(usage);
  process.exit(0);
}

// Whatever was started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

process.setMaxListeners(100);
const report = new Report();
report.say(
  `seed ${options.seed}; load average ${loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')}`,
);
const world = await startWorld((line) => report.say(line));
try {
  const program = await buildOperator(join(world.folder, 'operator'));
  const campaign = { world, program, options, report };
  const known = await references(campaign);
  await runFamilies(campaign, known);
  for (const problem of world.standIn.problems) {
    report.add({ family: 'stand-in', name: 'KServe stand-in', converged: false, violations: [problem], seconds: 0 });
  }
  for (const line of report.families()) report.say(line);
  if (options.defects !== 'none') await proveCampaign(campaign, known);
} finally {
  await world[Symbol.asyncDispose]();
}
console.log(`${report.passed} passed, ${report.failed} failed`);
process.exitCode = report.failed === 0 ? 0 : 1;
