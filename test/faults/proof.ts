/** The campaign proves itself: each defect, sewn into a copy of the operator, has to be noticed by at least one oracle. */
import { join } from 'node:path';
import { buildOperator } from './build-operator.ts';
import { control, type Defect, defects } from './defects.ts';
import type { Experiment } from './experiments.ts';
import type { Campaign, Known } from './families.ts';
import { Lane, type LaneOptions } from './lane.ts';
import { Random } from './random.ts';
import { shortLease } from './short-lease.ts';
import type { Outcome } from './trial.ts';

/** Most of a defect's time is waiting for what never comes. */
const lanes = 4;
/** Seconds that a step may take before a defect counts as caught by it: an undisturbed one takes one or two. */
const patience = 15;

export async function proveCampaign({ world, options, report }: Campaign, known: readonly [Known, ...Known[]]): Promise<void> {
  const chosen = choose(options.defects);
  const random = new Random(options.seed);
  let caught = 0;
  const queue = [control, ...chosen].entries();
  const work = async () => {
    for (const [index, defect] of queue) {
      const started = performance.now();
      const short = defect.replicas !== undefined && defect.realLease !== true;
      const replacements = short ? [...shortLease, ...defect.replacements] : defect.replacements;
      const program = await buildOperator(join(world.folder, `defect-${index}`), replacements);
      const lane = { world, name: `defect-${index}`, program, patience };
      const outcomes =
        defect.replicas === undefined
          ? inOneLane(lane, defect.experiments, { known, random: random.fork(defect.name) })
          : defect.replicas({ ...lane, args: ['--leader-elect'] }, { known, random: random.fork(defect.name) });
      const found = await firstViolation(outcomes).catch((error) => {
        report.say(`"${defect.name}": the experiment itself failed: ${error}`);
        return undefined;
      });
      const seconds = (performance.now() - started) / 1000;
      const expected = (defect === control) === (found === undefined);
      const violations = expected ? [] : [found ?? 'the campaign did not notice it'];
      report.add({ family: 'seeded defects', name: defect.name, converged: expected, violations, seconds });
      if (defect === control || found === undefined) continue;
      caught += 1;
      report.say(`caught "${defect.name}" in ${seconds.toFixed(0)} s by ${found}`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, work));
  report.say(`seeded defects: ${caught} of ${chosen.length} caught`);
}

async function* inOneLane(
  options: LaneOptions,
  experiments: readonly Experiment[],
  bench: { readonly known: readonly [Known, ...Known[]]; readonly random: Random },
): AsyncGenerator<Outcome> {
  for (const experiment of experiments) {
    await using lane = await Lane.start(options);
    yield* experiment({ lane, ...bench });
  }
}

async function firstViolation(outcomes: AsyncGenerator<Outcome>): Promise<string | undefined> {
  for await (const { family, violations } of outcomes) {
    const [first] = violations;
    if (first !== undefined) return `${family}: ${first.split('\n')[0]}`;
  }
  return undefined;
}

function choose(names: string): readonly Defect[] {
  if (names === 'all') return defects;
  return names.split(',').map((name) => {
    const found = defects.find((defect) => defect.name === name.trim());
    if (found === undefined)
      throw new Error(`there is no defect "${name}"; there are:\n${defects.map((defect) => `  ${defect.name}`).join('\n')}`);
    return found;
  });
}
