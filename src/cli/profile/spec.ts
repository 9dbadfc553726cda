/** The flags of `modelwright profile run` as a spec; the words are those of `modelwright bench`. */

import { profileMetrics } from '../../api/model-profile/accuracy.ts';
import type { ModelProfileSpec } from '../../api/model-profile/index.ts';
import { placements } from '../../api/model-profile/load.ts';
import { profileScenarios } from '../../api/model-profile/scenario.ts';
import { type LoadProtocol, loadProtocols } from '../../api/model-profile/target.ts';
import { traceLevelOf } from '../../load/spans/level.ts';
import { UsageError } from '../../load/transport/target.ts';
import { latencyBound, notNegative, numberList, positive, readFile, seconds } from '../bench/flags.ts';

export interface SpecFlags {
  readonly modelDeployment?: string;
  readonly inferenceService?: string;
  readonly url?: string;
  readonly model?: string;
  readonly host?: string;
  readonly tokenSecret?: string;
  readonly protocol?: string;
  readonly batch?: string;
  readonly concurrency?: string;
  readonly rate?: string;
  readonly arrivals?: string;
  readonly search?: string;
  readonly searchStart?: string;
  readonly searchMax?: string;
  readonly tolerance?: string;
  readonly scenario?: string;
  readonly samples?: string;
  readonly requests?: string;
  readonly duration?: string;
  readonly warmup?: string;
  readonly timeout?: string;
  readonly slo: readonly string[];
  readonly maxErrors?: string;
  readonly maximize?: string;
  readonly payload?: string;
  readonly payloadConfigmap?: string;
  readonly maxRate?: string;
  readonly stopAboveP99?: string;
  readonly placement?: string;
  readonly maxDuration?: string;
  readonly repeats?: string;
  readonly recommend?: boolean;
  readonly apply?: boolean;
  readonly reportConfigmap?: boolean;
  readonly reportRepository?: string;
  readonly reportSamples?: boolean;
  readonly trace?: string;
  readonly accuracyConfigmap?: string;
  readonly accuracyUrl?: string;
  readonly accuracyMetric?: string;
  readonly minAccuracy?: string;
}

/** Whether any flag says what is to be measured; without one an existing profile is run as it is. */
export function saysWhat(flags: SpecFlags): boolean {
  return specFlags.some((flag) => {
    const value = flags[flag];
    return Array.isArray(value) ? value.length > 0 : value !== undefined;
  });
}

const specFlags = [
  'modelDeployment',
  'inferenceService',
  'url',
  'model',
  'host',
  'tokenSecret',
  'protocol',
  'batch',
  'concurrency',
  'rate',
  'arrivals',
  'search',
  'searchStart',
  'searchMax',
  'tolerance',
  'scenario',
  'samples',
  'requests',
  'duration',
  'warmup',
  'timeout',
  'slo',
  'maxErrors',
  'maximize',
  'payload',
  'payloadConfigmap',
  'maxRate',
  'stopAboveP99',
  'placement',
  'maxDuration',
  'repeats',
  'recommend',
  'apply',
  'reportConfigmap',
  'reportRepository',
  'reportSamples',
  'trace',
  'accuracyConfigmap',
  'accuracyUrl',
  'accuracyMetric',
  'minAccuracy',
] as const satisfies readonly (keyof SpecFlags)[];

/** The spec that the flags ask for; the target is the ModelDeployment called `name` where none is given. Throws a `UsageError` that names the flag. */
export function specOf(name: string, flags: SpecFlags): ModelProfileSpec {
  const load = present({
    warmupSeconds: whole(flags.warmup, '--warmup', seconds),
    durationSeconds: flags.scenario === undefined ? whole(flags.duration, '--duration', seconds) : undefined,
    requestTimeoutSeconds: whole(flags.timeout, '--timeout', seconds),
  });
  const objective = present({
    maximize: oneOf(flags.maximize, ['Throughput', 'LowLatency'], '--maximize'),
    latency: flags.slo.length === 0 ? undefined : flags.slo.map(boundOf),
    maxErrorsPerMillion: whole(flags.maxErrors, '--max-errors', notNegative),
    minAccuracyPercent: flags.minAccuracy?.replace(/%$/, ''),
  });
  const live = present({
    maxRequestsPerSecond: whole(flags.maxRate, '--max-rate', positive),
    stopAboveP99Milliseconds: whole(flags.stopAboveP99, '--stop-above-p99', milliseconds),
  });
  const budget = present({
    maxDurationSeconds: whole(flags.maxDuration, '--max-duration', seconds),
    maxRepeatsPerPoint: whole(flags.repeats, '--repeats', notNegative),
  });
  return {
    target: targetOf(name, flags),
    sweep: sweepOf(flags),
    ...given({ load, objective, live, budget, payload: payloadOf(flags), accuracy: accuracyOf(flags), report: reportOf(flags) }),
    ...present({ placement: oneOf(flags.placement, placements, '--placement') }),
    ...applyOf(flags),
  };
}

function accuracyOf({ accuracyConfigmap, accuracyUrl, accuracyMetric, minAccuracy }: SpecFlags): ModelProfileSpec['accuracy'] {
  if (accuracyConfigmap === undefined && accuracyUrl === undefined) {
    if (accuracyMetric !== undefined || minAccuracy !== undefined)
      throw new UsageError('--accuracy-metric and --min-accuracy need a dataset: --accuracy-configmap NAME/KEY or --accuracy-url URL');
    return undefined;
  }
  if (accuracyConfigmap !== undefined && accuracyUrl !== undefined)
    throw new UsageError('--accuracy-configmap and --accuracy-url exclude each other');
  return {
    dataset:
      accuracyConfigmap === undefined
        ? { url: accuracyUrl as string }
        : { configMapKeyRef: keyRef(accuracyConfigmap, '--accuracy-configmap') },
    metric: oneOf(accuracyMetric ?? 'Top1', profileMetrics, '--accuracy-metric') ?? 'Top1',
  };
}

/** Levels that no client sees are refused here as `bench` does, with who can see them. */
function reportOf({ reportConfigmap, reportRepository, reportSamples, trace }: SpecFlags): ModelProfileSpec['report'] {
  if ((reportSamples === true || trace !== undefined) && reportRepository === undefined)
    throw new UsageError('--report-samples and --trace need --report-repository: single requests are too many for a ConfigMap');
  const level = trace === undefined ? undefined : traceLevelOf(trace);
  return present({
    configMap: reportConfigmap,
    repository: reportRepository,
    samples: reportSamples,
    trace: level === undefined ? undefined : level === 'client' ? 'Client' : 'Model',
  });
}

function targetOf(name: string, flags: SpecFlags): ModelProfileSpec['target'] {
  const { modelDeployment, inferenceService, url, host, model: modelName } = flags;
  const ways = [modelDeployment, inferenceService, url].filter((way) => way !== undefined);
  if (ways.length > 1) throw new UsageError('--model-deployment, --inference-service and --url exclude each other');
  const protocol: LoadProtocol | undefined = oneOf(flags.protocol, loadProtocols, '--protocol');
  return {
    ...present({ modelDeployment: ways.length === 0 ? name : modelDeployment, inferenceService, url, modelName, host, protocol }),
    ...(flags.tokenSecret !== undefined && { tokenSecretRef: keyRef(flags.tokenSecret, '--token-secret') }),
  };
}

function sweepOf(flags: SpecFlags): ModelProfileSpec['sweep'] {
  const { concurrency, rate, search, scenario } = flags;
  if (scenario !== undefined) return scenarioSweep(scenario, flags);
  if (flags.samples !== undefined || flags.requests !== undefined)
    throw new UsageError('--samples and --requests are of a --scenario: a profile measures its points by time');
  if ([concurrency, rate, search].filter((way) => way !== undefined).length > 1)
    throw new UsageError('--concurrency, --rate and --search exclude each other');
  const arrivals = oneOf(flags.arrivals, ['Poisson', 'Constant'], '--arrivals');
  const sizes = flags.batch === undefined ? {} : { batchSizes: numberList(flags.batch, '--batch', true) };
  if (rate !== undefined) return { ...sizes, requestsPerSecond: numberList(rate, '--rate', true), ...present({ arrivals }) };
  if (search === undefined) return { ...sizes, concurrency: numberList(concurrency ?? '1', '--concurrency', true) };
  if (flags.slo.length === 0) throw new UsageError('--search needs a bound to search within, e.g. --slo p99=100ms');
  const over = oneOf(search, ['concurrency', 'rate'], '--search');
  return {
    ...sizes,
    ...present({ arrivals }),
    search: {
      for: over === 'rate' ? 'RequestsPerSecond' : 'Concurrency',
      maximum: positive(flags.searchMax ?? (over === 'rate' ? '10000' : '256'), '--search-max', true),
      ...present({
        start: whole(flags.searchStart, '--search-start', positive),
        tolerancePercent: whole(flags.tolerance, '--tolerance', positive),
      }),
    },
  };
}

function scenarioSweep(name: string, flags: SpecFlags): ModelProfileSpec['sweep'] {
  const { batch, rate, concurrency, samples, requests, duration, search } = flags;
  if (search !== undefined) throw new UsageError('--scenario and --search exclude each other');
  const scenario = oneOf(name, profileScenarios, '--scenario') as (typeof profileScenarios)[number];
  return {
    ...(batch === undefined ? {} : { batchSizes: numberList(batch, '--batch', true) }),
    scenario: {
      name: scenario,
      ...present({
        requestsPerSecond: whole(rate, '--rate', positive),
        concurrency: whole(concurrency, '--concurrency', positive),
        samples: whole(samples, '--samples', positive),
        minimumQueries: whole(requests, '--requests', positive),
        minimumSeconds: whole(duration, '--duration', seconds),
      }),
    },
  };
}

function payloadOf({ payload, payloadConfigmap }: SpecFlags): ModelProfileSpec['payload'] {
  if (payload !== undefined && payloadConfigmap !== undefined) throw new UsageError('--payload and --payload-configmap exclude each other');
  if (payloadConfigmap !== undefined) return { configMapKeyRef: keyRef(payloadConfigmap, '--payload-configmap') };
  if (payload === undefined) return undefined;
  const text = readFile(payload, '--payload').toString();
  try {
    return { json: JSON.stringify(JSON.parse(text)) };
  } catch (error) {
    throw new UsageError(`--payload ${payload} is not JSON: ${(error as Error).message}`);
  }
}

/** The API counts bounds in whole milliseconds. */
function boundOf(text: string): NonNullable<NonNullable<ModelProfileSpec['objective']>['latency']>[number] {
  const { percentile, maxMicroseconds } = latencyBound(text);
  const maxMilliseconds = maxMicroseconds / 1000;
  if (!Number.isInteger(maxMilliseconds)) throw new UsageError(`--slo ${text}: a profile takes whole milliseconds, as in --slo p99=100ms`);
  return { percentile: percentile as 'p99', maxMilliseconds };
}

function milliseconds(text: string, label: string): number {
  return seconds(/[a-z]$/.test(text) ? text : `${text}ms`, label) * 1000;
}

/** `NAME/KEY`. */
function keyRef(text: string, label: string): { name: string; key: string } {
  const [name, key, ...more] = text.split('/');
  if (!name || !key || more.length > 0) throw new UsageError(`${label} takes NAME/KEY, not "${text}"`);
  return { name, key };
}

/** The API has whole numbers only. */
function whole(text: string | undefined, label: string, read: (text: string, label: string) => number): number | undefined {
  if (text === undefined) return undefined;
  const value = read(text, label);
  if (!Number.isInteger(value)) throw new UsageError(`${label} ${text}: a profile takes whole numbers`);
  return value;
}

function oneOf<const T extends string>(text: string | undefined, allowed: readonly T[], label: string): T | undefined {
  if (text === undefined) return undefined;
  const plain = (name: string) => name.toLowerCase().replaceAll('-', '');
  const found = allowed.find((one) => plain(one) === plain(text));
  if (found === undefined) throw new UsageError(`${label} "${text}" is not known; it is one of ${allowed.join(', ')}`);
  return found;
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The fields that have a value. */
function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}

/** The parts that say something. */
function given<T extends object>(parts: T): Present<T> {
  return Object.fromEntries(
    Object.entries(parts).filter(([, part]) => part !== undefined && Object.keys(part as object).length > 0),
  ) as Present<T>;
}

/** What becomes of the best setting. */
function applyOf({ recommend, apply, slo }: SpecFlags): Pick<ModelProfileSpec, 'apply'> {
  if (apply !== true) return recommend === true ? { apply: 'Recommend' } : {};
  if (slo.length === 0) throw new UsageError('--apply needs a bound that the setting has to keep: --slo p99=100ms');
  return { apply: 'Apply' };
}
