import type { Accuracy } from './accuracy/evaluate.ts';
import { allGpus } from './metrics/all-gpus.ts';
import type { Point } from './point.ts';
import { type CompactAccuracy, type CompactPoint, type CompactScenario, encodePoint } from './point-code.ts';
import type { Report } from './report/report.ts';
import { encodeReportLine, type StoredReport } from './report-code.ts';
import type { ScenarioVerdict } from './scenario.ts';

/** Points whose compact forms fit one termination message. */
export const pointsPerMessage = 8;

/** A point in the compact form's units, with what is told once for its run. */
export function compactOf(
  point: Point,
  index: number,
  { run, coldStartMicroseconds, scenario }: Pick<Report, 'run' | 'coldStartMicroseconds' | 'scenario'>,
): CompactPoint {
  const { low, high } = point.requestsPerSecondInterval;
  const milli = (perSecond: number | null) => (perSecond === null ? null : Math.round(perSecond * point.batchSize * 1000));
  const gpu = allGpus(point.gpus ?? []);
  const scaled = (value: number | null | undefined, factor: number) =>
    value === null || value === undefined ? null : Math.round(value * factor);
  return {
    run,
    index,
    batchSize: point.batchSize,
    load: point.load,
    durationMilliseconds: Math.round(point.durationSeconds * 1000),
    requests: point.requests,
    succeeded: point.succeeded,
    notSent: point.notSent,
    errors: point.errors,
    throughputMilliPerSecond: Math.round(point.inferencesPerSecond * 1000),
    throughputLowMilliPerSecond: milli(low),
    throughputHighMilliPerSecond: milli(high),
    latencyMicroseconds: point.latencyMicroseconds,
    p99LowMicroseconds: point.latencyIntervals.p99?.low ?? null,
    p99HighMicroseconds: point.latencyIntervals.p99?.high ?? null,
    coldStartMicroseconds,
    sendLagP99Microseconds: point.sendLagMicroseconds?.p99 ?? null,
    serverQueueMicroseconds: point.server?.queue ?? null,
    serverPreprocessMicroseconds: point.server?.preprocess ?? null,
    serverInferMicroseconds: point.server?.infer ?? null,
    serverPostprocessMicroseconds: point.server?.postprocess ?? null,
    gpuUtilisationPermille: scaled(gpu.utilisationPercent, 10),
    gpuUtilisationActivePermille: scaled(gpu.utilisationActivePercent, 10),
    gpuUtilisationMaxPermille: scaled(gpu.utilisationMaxPercent, 10),
    gpuMemoryUsedMebibytes: scaled(gpu.memoryUsedMaxBytes, 2 ** -20),
    gpuMemoryTotalMebibytes: scaled(gpu.memoryTotalBytes, 2 ** -20),
    gpuPowerMilliwatts: scaled(gpu.powerWatts, 1000),
    accuracy: point.accuracy === null ? null : compactAccuracy(point.accuracy),
    scenario: scenario === null ? null : compactScenario(scenario),
    completedAtSeconds: Math.round(Date.parse(point.startedAt) / 1000 + point.durationSeconds),
    invalidReasons: point.invalidReasons.map((finding) => finding.reason),
  };
}

function compactAccuracy({ metric, samples, correct }: Accuracy): CompactAccuracy {
  return { metric, samples, correct };
}

function compactScenario({ name, metric, rules }: ScenarioVerdict): CompactScenario {
  return {
    name,
    unmet: rules.filter(({ met }) => !met).map(({ rule }) => rule),
    valueThousandths: metric.value === null ? null : Math.round(metric.value * 1000),
  };
}

/**
 * The lines of a termination message: the points that were planned, without the repetition for drift. Of a search, which may have tried
 * more levels than fit, those around its result stay.
 * @param stored what became of the full report, where it was to be stored: a line of its own at the end
 */
export function terminationMessage(
  report: Pick<Report, 'points' | 'run' | 'coldStartMicroseconds' | 'scenario'> & { readonly searches: readonly Found[] },
  stored?: StoredReport,
): string {
  const { points, searches } = report;
  // A level that was tried twice counts as it came out last.
  const latest = [...new Map(points.filter((point) => !point.repeat).map((point) => [point.id, point])).values()];
  const distance = (point: Point) => {
    const result = searches.find(({ batchSize }) => batchSize === point.batchSize)?.found ?? 0;
    return Math.abs((point.load.loop === 'closed' ? point.load.concurrency : point.load.requestsPerSecond) - result);
  };
  const kept = searches.length === 0 ? latest : latest.toSorted((a, b) => distance(a) - distance(b));
  const chosen = new Set(kept.slice(0, pointsPerMessage));
  const lines = latest.filter((point) => chosen.has(point)).map((point, index) => encodePoint(compactOf(point, index, report)));
  return [...lines, ...(stored === undefined ? [] : [encodeReportLine(report.run, stored)])].map((line) => `${line}\n`).join('');
}

type Found = Pick<Report['searches'][number], 'batchSize' | 'found'>;
