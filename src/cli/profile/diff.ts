import { Command } from 'commander';
import type { ModelProfile } from '../../api/model-profile/index.ts';
import { type Comparison, diffReports } from '../../load/diff.ts';
import { asFailure } from '../bench/command.ts';
import { diffText } from '../bench/diff.ts';
import { positive } from '../bench/flags.ts';
import { withConnection } from '../connection.ts';
import { Failure } from '../failure.ts';
import { printJson } from '../output.ts';
import { bestOf, comparable, type RunOfProfile, runOf } from './earlier.ts';
import { type NamespaceOptions, readAnywhere } from './profiles.ts';

type DiffOptions = NamespaceOptions & { readonly tolerance: string; readonly output: string };

/** `modelwright profile diff`: exit code 1 when something is worse. */
export function diffCommand(): Command {
  const command = new Command('diff')
    .description('Compare two profiles, or two runs of one: better, worse, or no evidence')
    .argument('<before>', 'NAME, NAME@RUN, or a file that was exported; RUN is an id, a spec.runId, or "previous"')
    .argument('[after]', 'the same (default: the latest run of BEFORE, which then means the one before it)')
    .option('-n, --namespace <namespace>', 'namespace (default: that of the context)')
    .option('--tolerance <percent>', 'smaller changes are no evidence', '2')
    .option('-o, --output <format>', 'table or json', 'table')
    .action(diff);
  return withConnection(command);
}

async function diff(first: string, second: string | undefined, options: DiffOptions): Promise<void> {
  if (options.output !== 'table' && options.output !== 'json')
    throw new Failure(`-o "${options.output}" is not known; it is table or json`, 2);
  const [left, right] =
    second === undefined ? [first.includes('@') ? first : `${first}@previous`, first.replace(/@.*$/, '')] : [first, second];
  const before = await resolve(left, options);
  const after = await resolve(right, options);
  try {
    const shown = comparable(before, after);
    const found = diffReports(shown.before, shown.after, positive(options.tolerance, '--tolerance') / 100);
    // Of a profile p99 has an interval; what has none on either side tells nothing.
    const points = found.points.map((point) => ({ ...point, comparisons: point.comparisons.filter(isBounded) }));
    const said = { ...found, points, remarks: [...found.remarks, ...differences(before, after)] };
    if (said.points.length === 0) throw new Failure(`${left} and ${right} have no point in common that was measured`, 2);
    process.stdout.write(options.output === 'json' ? printJson(said) : diffText(said, left, right));
    if (said.verdict === 'worse') process.exitCode = 1;
  } catch (error) {
    throw asFailure(error);
  }
}

async function resolve(reference: string, options: NamespaceOptions): Promise<RunOfProfile> {
  const [name = '', run] = reference.split('@', 2);
  return runOf(await readAnywhere(name, options), run);
}

function isBounded({ beforeInterval, afterInterval }: Comparison): boolean {
  return [beforeInterval.low, beforeInterval.high, afterInterval.low, afterInterval.high].some((end) => end !== null);
}

/** What else is not the same, so that nobody takes a new image for a faster model. */
function differences(before: RunOfProfile, after: RunOfProfile): string[] {
  const said: string[] = [];
  const [was, is] = [bestOf(before), bestOf(after)];
  if (was !== is) said.push(`the best setting differs: ${was ?? 'none'} and ${is ?? 'none'}`);
  // Of a run that is only history no provenance is kept but the hash of its spec.
  if (before.kind === 'latest' && after.kind === 'latest') {
    for (const [what, read] of provenanceFields) {
      const [a, b] = [read(before.profile), read(after.profile)];
      if (a !== b && (a !== undefined || b !== undefined)) said.push(`${what} differs: ${a ?? 'unknown'} and ${b ?? 'unknown'}`);
    }
  } else if (specHash(before) !== specHash(after)) said.push('the spec was another');
  return said;
}

function specHash(run: RunOfProfile): string | undefined {
  return run.kind === 'earlier' ? run.past.specHash : run.profile.status?.run?.specHash;
}

const provenanceFields: readonly (readonly [string, (profile: ModelProfile) => string | undefined])[] = [
  ['the model', ({ status }) => status?.provenance?.modelSha256 ?? status?.provenance?.storageUri],
  ['the image', ({ status }) => status?.provenance?.imageDigest ?? status?.provenance?.image],
  ['KServe', ({ status }) => status?.provenance?.kserve],
  ['the deployment mode', ({ status }) => status?.provenance?.deploymentMode],
  ['the node', ({ status }) => status?.provenance?.nodes?.join(', ')],
  ['the GPU', ({ status }) => status?.provenance?.gpuProduct],
  ['the GPU driver', ({ status }) => status?.provenance?.gpuDriver],
  ['the tool', ({ status }) => status?.provenance?.tool],
  ['the length of a point', ({ spec }) => `${spec.load?.durationSeconds ?? 30} s`],
];
