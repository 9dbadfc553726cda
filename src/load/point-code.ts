import { crc32 } from 'node:zlib';
import { type AccuracyMetric, accuracyMetrics } from './accuracy/metric.ts';
import { type ErrorClass, errorClasses, type Load } from './point.ts';
import { decodeReportLine, isReportLine, type StoredReport } from './report-code.ts';
import { type ScenarioName, type ScenarioRuleName, scenarioNames, scenarioRules } from './scenario.ts';
import { type InvalidReason, invalidReasons } from './validity.ts';

/**
 * The figures of a point that fit a Kubernetes termination message. Every number is a non-negative whole number in the unit of its name;
 * `null` is unknown.
 */
export interface CompactPoint {
  /** Which run this belongs to: 8 to 32 characters of [a-z0-9-]. A reader refuses the points of another run. */
  readonly run: string;
  /** Position in the run's plan. */
  readonly index: number;
  readonly batchSize: number;
  readonly load: Load;
  readonly durationMilliseconds: number;
  readonly requests: number;
  readonly succeeded: number;
  readonly notSent: number;
  readonly errors: Readonly<Partial<Record<ErrorClass, number>>>;
  readonly throughputMilliPerSecond: number;
  readonly throughputLowMilliPerSecond: number | null;
  readonly throughputHighMilliPerSecond: number | null;
  readonly latencyMicroseconds: CompactLatency | null;
  readonly p99LowMicroseconds: number | null;
  readonly p99HighMicroseconds: number | null;
  readonly coldStartMicroseconds: number | null;
  readonly sendLagP99Microseconds: number | null;
  readonly serverQueueMicroseconds: number | null;
  readonly serverPreprocessMicroseconds: number | null;
  readonly serverInferMicroseconds: number | null;
  readonly serverPostprocessMicroseconds: number | null;
  readonly gpuUtilisationPermille: number | null;
  readonly gpuUtilisationActivePermille: number | null;
  readonly gpuUtilisationMaxPermille: number | null;
  readonly gpuMemoryUsedMebibytes: number | null;
  readonly gpuMemoryTotalMebibytes: number | null;
  readonly gpuPowerMilliwatts: number | null;
  /** How often the model was right at the point's batch size; `null` where it was not asked. */
  readonly accuracy: CompactAccuracy | null;
  /** The scenario that the point was measured as; `null` for a plain one. */
  readonly scenario: CompactScenario | null;
  readonly completedAtSeconds: number;
  readonly invalidReasons: readonly InvalidReason[];
}

export interface CompactAccuracy {
  readonly metric: AccuracyMetric;
  readonly samples: number;
  readonly correct: number;
}

export interface CompactScenario {
  readonly name: ScenarioName;
  /** Rules that were not met; none: the result is valid. */
  readonly unmet: readonly ScenarioRuleName[];
  /** Thousandths of the unit of the scenario's metric: microseconds, or per second. */
  readonly valueThousandths: number | null;
}

export interface CompactLatency {
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export type Decoded =
  /** `stored`: what became of the full report; null where none was asked for. */
  | { readonly ok: true; readonly points: readonly CompactPoint[]; readonly stored: StoredReport | null }
  | { readonly ok: false; readonly reason: string };

/** Longest encoded point; eight and their line ends fit 4,096 bytes. */
export const compactPointBytes = 450;

/** The first version, still read: a load pod may be of an older image than the operator. It ends before `laterFields`. */
const firstFormat = 'mw1';
const format = 'mw2';
const latencyFields = ['min', 'mean', 'p50', 'p90', 'p95', 'p99', 'p999', 'max'] as const;
const tailFields = [
  'p99LowMicroseconds',
  'p99HighMicroseconds',
  'coldStartMicroseconds',
  'sendLagP99Microseconds',
  'serverQueueMicroseconds',
  'serverPreprocessMicroseconds',
  'serverInferMicroseconds',
  'serverPostprocessMicroseconds',
  'gpuUtilisationPermille',
  'gpuUtilisationActivePermille',
  'gpuMemoryUsedMebibytes',
  'gpuMemoryTotalMebibytes',
  'gpuPowerMilliwatts',
] as const;
/** What the second version adds at the end. */
const laterFieldCount = 7;
const firstFieldCount = 13 + latencyFields.length + tailFields.length + 2;

/** One line of at most 450 ASCII bytes: `mw2,<run>,<fields in base 36>,<CRC-32>`. Numbers are rounded and capped, never wrapped. */
export function encodePoint(point: CompactPoint): string {
  if (!runPattern.test(point.run)) throw new RangeError(`run id "${point.run}" must be 8 to 32 characters of a-z, 0-9 and "-"`);
  const { load } = point;
  const level = load.loop === 'closed' ? load.concurrency : load.requestsPerSecond * 1000;
  const errors = errorClasses
    .map((name) => number(point.errors[name] ?? 0, 6))
    .join('.')
    .replace(/(\.0)+$/, '');
  const latency = point.latencyMicroseconds;
  const reasons = point.invalidReasons.reduce((bits, reason) => bits + 2 ** invalidReasons.indexOf(reason), 0);
  const fields = [
    number(point.index),
    number(point.batchSize),
    load.loop === 'closed' ? 'c' : load.arrivals === 'poisson' ? 'p' : 'k',
    number(level),
    number(point.durationMilliseconds),
    number(point.requests),
    number(point.succeeded),
    number(point.notSent),
    errors,
    number(point.throughputMilliPerSecond, 8),
    number(point.throughputLowMilliPerSecond, 8),
    number(point.throughputHighMilliPerSecond, 8),
    latency === null ? '' : '1',
    ...latencyFields.map((name) => number(latency === null ? null : latency[name])),
    ...tailFields.map((name) => number(point[name])),
    number(point.completedAtSeconds),
    number(reasons),
    ...laterFields(point),
  ];
  const body = `${format},${point.run},${fields.join(',')}`;
  const line = `${body},${checksum(body)}`;
  if (line.length > compactPointBytes) throw new RangeError(`encoded point has ${line.length} bytes, more than ${compactPointBytes}`);
  return line;
}

/**
 * Reads the lines of a termination message. All or nothing: a line that is cut off, altered, of another version or of another run makes
 * the whole message refused, with the reason in a sentence.
 */
export function decodePoints(message: string, run: string): Decoded {
  const refuse = (reason: string): Decoded => ({ ok: false, reason });
  const written = message.split('\n').filter((line) => line !== '');
  const lines = written.filter((line) => !isReportLine(line));
  if (lines.length === 0) return refuse('the message is empty');
  const points: CompactPoint[] = [];
  for (const [at, line] of lines.entries()) {
    const where = `line ${at + 1}`;
    if (line.length > compactPointBytes) return refuse(`${where} has ${line.length} bytes, more than ${compactPointBytes}: not a point`);
    if (!isPointLine(line))
      return refuse(`${where} does not start with ${format} or ${firstFormat}: not a point, or one of another version`);
    const cut = line.lastIndexOf(',');
    if (checksum(line.slice(0, cut)) !== line.slice(cut + 1)) return refuse(`${where} is cut off or altered: its checksum does not match`);
    const [version, lineRun, ...fields] = line.slice(0, cut).split(',');
    if (lineRun !== run) return refuse(`${where} belongs to run ${JSON.stringify(lineRun)}, not to ${JSON.stringify(run)}`);
    const point = parse(lineRun, fields, version === firstFormat);
    if (point === undefined) return refuse(`${where} has fields this version does not know`);
    points.push(point);
  }
  const [told, another] = written.filter(isReportLine);
  const stored = told === undefined ? null : decodeReportLine(told, run);
  if (stored === undefined || another !== undefined) return refuse('the line of the full report is cut off, altered, or of another run');
  return { ok: true, points, stored };
}

/** Whether a text begins as the line of a point does, whatever comes after. */
export function isPointLine(text: string): boolean {
  return text.startsWith(`${format},`) || text.startsWith(`${firstFormat},`);
}

const runPattern = /^[a-z0-9-]{8,32}$/;

function parse(run: string, fields: readonly string[], isFirst: boolean): CompactPoint | undefined {
  if (fields.length !== firstFieldCount + (isFirst ? 0 : laterFieldCount)) return undefined;
  let at = 0;
  let broken = false;
  const take = () => fields[at++] as string;
  const optional = (): number | null => {
    const text = take();
    if (text === '') return null;
    if (!/^[0-9a-z]{1,8}$/.test(text)) broken = true;
    return Number.parseInt(text, 36);
  };
  const required = (): number => {
    const value = optional();
    if (value === null) broken = true;
    return value ?? 0;
  };

  const index = required();
  const batchSize = required();
  const kind = take();
  const level = required();
  if (kind !== 'c' && kind !== 'p' && kind !== 'k') return undefined;
  const load: Load =
    kind === 'c'
      ? { loop: 'closed', concurrency: level }
      : { loop: 'open', requestsPerSecond: level / 1000, arrivals: kind === 'p' ? 'poisson' : 'constant' };
  const durationMilliseconds = required();
  const requests = required();
  const succeeded = required();
  const notSent = required();
  const errors: Partial<Record<ErrorClass, number>> = {};
  for (const [position, text] of take().split('.').entries()) {
    const name = errorClasses[position];
    if (name === undefined || !/^[0-9a-z]{1,8}$/.test(text)) return undefined;
    if (text !== '0') errors[name] = Number.parseInt(text, 36);
  }
  const throughputMilliPerSecond = required();
  const throughputLowMilliPerSecond = optional();
  const throughputHighMilliPerSecond = optional();
  const hasLatency = take() === '1';
  const latencies = latencyFields.map(() => (hasLatency ? required() : (optional() ?? 0)));
  const latency = hasLatency
    ? (Object.fromEntries(latencyFields.map((name, i) => [name, latencies[i]])) as unknown as CompactLatency)
    : null;
  const tail = Object.fromEntries(tailFields.map((name) => [name, optional()])) as Pick<CompactPoint, (typeof tailFields)[number]>;
  const completedAtSeconds = required();
  const bits = required();
  // What the first version does not have is not known.
  const later = () => (isFirst ? null : optional());
  const gpuUtilisationMaxPermille = later();
  const scenario = scenarioOf(later(), later(), later());
  const accuracy = accuracyOf(later(), later(), later());
  if (scenario === undefined || accuracy === undefined || broken || bits >= 2 ** invalidReasons.length) return undefined;
  const reasons = invalidReasons.filter((_, position) => Math.floor(bits / 2 ** position) % 2 === 1);
  return {
    run,
    index,
    batchSize,
    load,
    durationMilliseconds,
    requests,
    succeeded,
    notSent,
    errors,
    throughputMilliPerSecond,
    throughputLowMilliPerSecond,
    throughputHighMilliPerSecond,
    latencyMicroseconds: latency,
    ...tail,
    gpuUtilisationMaxPermille,
    scenario,
    accuracy,
    completedAtSeconds,
    invalidReasons: reasons,
  };
}

function laterFields({ gpuUtilisationMaxPermille, scenario, accuracy }: CompactPoint): string[] {
  const unmet = scenario?.unmet.reduce((bits, rule) => bits + 2 ** scenarioRules.indexOf(rule), 0) ?? null;
  return [
    number(gpuUtilisationMaxPermille, 2),
    number(scenario === null ? null : scenarioNames.indexOf(scenario.name), 1),
    number(unmet, 2),
    number(scenario?.valueThousandths ?? null, 8),
    number(accuracy === null ? null : accuracyMetrics.indexOf(accuracy.metric), 1),
    number(accuracy?.samples ?? null, 6),
    number(accuracy?.correct ?? null, 6),
  ];
}

/** Undefined for what this version does not know. */
function scenarioOf(position: number | null, bits: number | null, valueThousandths: number | null): CompactScenario | null | undefined {
  if (position === null) return null;
  const name = scenarioNames[position];
  if (name === undefined || bits === null || bits >= 2 ** scenarioRules.length) return undefined;
  return { name, unmet: scenarioRules.filter((_, rule) => Math.floor(bits / 2 ** rule) % 2 === 1), valueThousandths };
}

/** Undefined for what this version does not know. */
function accuracyOf(position: number | null, samples: number | null, correct: number | null): CompactAccuracy | null | undefined {
  if (position === null) return null;
  const metric = accuracyMetrics[position];
  return metric === undefined || samples === null || correct === null || correct > samples ? undefined : { metric, samples, correct };
}

/** Base 36 in at most so many digits: seven hold 78 × 10⁹, 21 hours in microseconds. */
function number(value: number | null, digits = 7): string {
  if (value === null || Number.isNaN(value)) return '';
  return Math.min(36 ** digits - 1, Math.max(0, Math.round(value))).toString(36);
}

function checksum(text: string): string {
  return crc32(text).toString(36);
}
