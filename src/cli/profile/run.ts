import { isDeepStrictEqual } from 'node:util';
import { Command } from 'commander';
import { apiVersion } from '../../api/kind.ts';
import { type ModelProfile, type ModelProfileSpec, modelProfile } from '../../api/model-profile/index.ts';
import { placements } from '../../api/model-profile/load.ts';
import { loadProtocols } from '../../api/model-profile/target.ts';
import type { KubeClient } from '../../kube/client.ts';
import { asFailure, exitCodes } from '../bench/command.ts';
import { seconds } from '../bench/flags.ts';
import { withClient, withConnection } from '../connection.ts';
import { Failure } from '../failure.ts';
import { printYaml } from '../output.ts';
import { narrator, untilEnded } from './follow.ts';
import { findProfile, type NamespaceOptions } from './profiles.ts';
import { type SpecFlags, saysWhat, specOf } from './spec.ts';
import { profileText } from './text.ts';

interface RunOptions extends NamespaceOptions, SpecFlags {
  readonly runId?: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly waitTimeout?: string;
}

const fieldManager = 'modelwright-cli';
const collect = (value: string, previous: readonly string[]) => [...previous, value];

/** `modelwright profile run`. */
export function runCommand(): Command {
  const command = new Command('run')
    .description('Measure a model: make a ModelProfile, or run an existing one again')
    .argument('<name>', 'ModelProfile; also the ModelDeployment that it measures, where no target is given')
    .option('-n, --namespace <namespace>', 'namespace (default: that of the context)')
    .optionsGroup('Target:')
    .option('--model-deployment <name>', 'ModelDeployment to measure (default: the one called NAME)')
    .option('--inference-service <name>', 'InferenceService that no ModelDeployment made')
    .option('--url <url>', 'address of a model server')
    .option('--model <name>', 'name under which the server serves the model')
    .option('--protocol <name>', loadProtocols.join(', '))
    .option('--host <name>', 'Host header, for an ingress that routes by it')
    .option('--token-secret <name/key>', 'Secret with a bearer token for the server')
    .optionsGroup('Load:')
    .option('--batch <sizes>', 'batch sizes, e.g. 1,2,4,8 (default: 1)')
    .option('--concurrency <levels>', 'closed loop: requests at once, e.g. 1,4,16 (default: 1)')
    .option('--rate <rates>', 'open loop: requests per second, e.g. 50,100')
    .option('--arrivals <process>', 'Poisson or Constant, for --rate')
    .option('--search <what>', 'find the largest concurrency or rate within --slo')
    .option('--search-start <level>', 'first level of a search')
    .option('--search-max <level>', 'largest level of a search (default: 256 at once, 10000 per second)')
    .option('--tolerance <percent>', 'how close a search comes')
    .option('--scenario <name>', "MLPerf's SingleStream, MultiStream, Server (with --rate and --slo p99=…) or Offline")
    .option('--samples <count>', 'samples of the Offline scenario (default: 24576)')
    .option('--requests <count>', 'requests that a scenario has at least (default: 100)')
    .option('--duration <time>', 'how long each point is measured (default: 30s; of a scenario 600s)')
    .option('--warmup <time>', 'warm-up before each point (default: 5s)')
    .option('--timeout <time>', 'time limit of a request (default: 30s)')
    .optionsGroup('Objective:')
    .option('--slo <bound>', 'latency bound, e.g. p99=100ms; repeatable', collect, [])
    .option('--maximize <what>', 'Throughput or LowLatency')
    .option('--max-errors <count>', 'errors per million that are acceptable')
    .optionsGroup('Payload:')
    .option('--payload <file>', 'JSON sample with "instances" or "inputs", scaled to each batch size')
    .option('--payload-configmap <name/key>', 'the same from a ConfigMap')
    .optionsGroup('Safety and cost:')
    .option('--max-rate <rate>', 'requests per second that are sent at most')
    .option('--stop-above-p99 <time>', 'end the run at the first point whose p99 is above this')
    .option('--placement <where>', placements.join(', '))
    .option('--max-duration <time>', 'what the run may take')
    .option('--repeats <count>', 'how often an invalid point is measured again')
    .optionsGroup('Accuracy:')
    .option('--accuracy-configmap <name/key>', 'labelled samples in a ConfigMap: how often the model is right, beside its latency')
    .option('--accuracy-url <url>', 'the same from a web server that the ServingPlatform allows')
    .option('--accuracy-metric <name>', 'Top1 (default), Top5 or Custom')
    .option('--min-accuracy <percent>', 'a setting with less does not qualify')
    .optionsGroup('Full report:')
    .option('--report-configmap', 'write it to a ConfigMap beside the profile')
    .option('--report-repository <name>', 'each load pod uploads its own to this model repository of the ServingPlatform')
    .option('--report-samples', 'with every request as CSV')
    .option('--trace <level>', 'with spans as OpenTelemetry OTLP JSON: client or model')
    .optionsGroup('Run:')
    .option('--recommend', 'say what the best setting means for the ModelDeployment (spec.apply: Recommend)')
    .option('--apply', 'and write it to the ModelDeployment, once for each run (spec.apply: Apply; needs --slo)')
    .option('--run-id <id>', 'spec.runId to set (default: one made of the time, for a profile that exists)')
    .option('--dry-run', 'print the ModelProfile instead of applying it')
    .option('--wait', 'wait for the end, and show the results')
    .option('--wait-timeout <time>', 'how long --wait waits (default: as long as it takes)')
    .addHelpText(
      'after',
      '\nExit codes with --wait: 0 done, 1 failed or cancelled, 2 wrong usage, 4 no setting keeps the objective, 130 interrupted.',
    )
    .action(run);
  return withConnection(command);
}

async function run(name: string, options: RunOptions): Promise<void> {
  let wanted: ModelProfileSpec | undefined;
  let patience: number | undefined;
  try {
    wanted = saysWhat(options) ? specOf(name, options) : undefined;
    patience = options.waitTimeout === undefined ? undefined : seconds(options.waitTimeout, '--wait-timeout');
  } catch (error) {
    throw asFailure(error);
  }
  if (options.dryRun) {
    process.stdout.write(printYaml(objectOf(name, options.namespace, withRunId(wanted ?? specOf(name, options), options.runId))));
    return;
  }
  await withClient(options, async (client) => {
    const namespace = options.namespace ?? client.namespace;
    await begin(client, { name, namespace }, wanted ?? specOf(name, options), wanted !== undefined, options.runId);
    if (options.wait) await waitFor(client, { name, namespace }, patience);
    else process.stderr.write(`see how far it is: modelwright profile watch ${name} -n ${namespace}\n`);
  });
}

/** Creates the profile, or asks for another run of one that has this very spec. */
async function begin(
  client: KubeClient,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  spec: ModelProfileSpec,
  asked: boolean,
  runId: string | undefined,
): Promise<void> {
  const existing = await findProfile(client, name, namespace);
  if (existing === undefined) {
    await client.create(modelProfile, objectOf(name, namespace, withRunId(spec, runId)), { fieldManager });
    process.stderr.write(`ModelProfile ${name} made\n`);
    return;
  }
  const other = asked ? differing(existing.spec, spec) : [];
  if (other.length > 0) {
    throw new Failure(
      `ModelProfile ${name} exists with another ${other.map((field) => `spec.${field}`).join(', ')}; change it with kubectl edit, run it as it is without flags, or give another name`,
      exitCodes.usage,
    );
  }
  const next = runId ?? `cli-${new Date().toISOString().replace(/[-:.]/g, '').toLowerCase()}`;
  const body = { spec: { runId: next, ...(existing.spec.suspend === true && { suspend: false }) } };
  await client.patch(modelProfile, { name, namespace }, body, { kind: 'merge', fieldManager });
  process.stderr.write(`ModelProfile ${name} is run again: spec.runId ${next}\n`);
}

/** Top-level fields that the flags give and that are not so in the profile. The API server fills in defaults, which are no difference. */
export function differing(existing: ModelProfileSpec, wanted: ModelProfileSpec): string[] {
  return Object.entries(wanted)
    .filter(([field, value]) => !covers(existing[field as keyof ModelProfileSpec], value))
    .map(([field]) => field);
}

function covers(existing: unknown, wanted: unknown): boolean {
  if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) return isDeepStrictEqual(existing, wanted);
  if (typeof existing !== 'object' || existing === null) return false;
  return Object.entries(wanted).every(([field, value]) => covers((existing as Record<string, unknown>)[field], value));
}

function withRunId(spec: ModelProfileSpec, runId: string | undefined): ModelProfileSpec {
  return runId === undefined ? spec : { ...spec, runId };
}

function objectOf(name: string, namespace: string | undefined, spec: ModelProfileSpec): ModelProfile {
  return { apiVersion, kind: 'ModelProfile', metadata: { name, ...(namespace !== undefined && { namespace }) }, spec };
}

/** Follows the run and prints its results; an interruption leaves the run going. */
async function waitFor(
  client: KubeClient,
  key: { readonly name: string; readonly namespace: string },
  patience: number | undefined,
): Promise<void> {
  const stop = new AbortController();
  const interrupt = () =>
    stop.abort(new Failure(`interrupted; the run goes on. To end it: modelwright profile cancel ${key.name}`, exitCodes.interrupted));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const timer =
    patience === undefined
      ? undefined
      : setTimeout(() => stop.abort(new Failure(`not done within ${patience} s; the run goes on`)), patience * 1000);
  try {
    const { profile, outcome } = await untilEnded(client, key, narrator(process.stderr), stop.signal);
    process.stdout.write(`\n${profileText(profile)}`);
    if (outcome.kind === 'missed') process.exitCode = exitCodes.nothingQualifies;
    if (outcome.kind === 'failed') throw new Failure(outcome.message);
  } finally {
    clearTimeout(timer);
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}
