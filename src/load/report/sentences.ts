import { serverReasons } from '../validity.ts';
import type { ShownReport } from './report.ts';

/** What a reader should know beside the table, a sentence each, most important first. */
export function sentences(report: ShownReport): string[] {
  const said: string[] = [];
  const { best, drift, scenario } = report;
  if (scenario !== null) {
    const { metric } = scenario;
    const value =
      metric.value === null
        ? 'none'
        : metric.unit === 'microseconds'
          ? `${(metric.value / 1000).toFixed(3)} ms`
          : `${metric.value.toFixed(1)}/s`;
    said.push(`${scenario.name}: ${scenario.valid ? 'VALID' : 'INVALID'}; ${metric.name} ${value}`);
    for (const rule of scenario.rules) said.push(`  ${rule.met ? 'met' : 'NOT met'}: ${rule.rule} (${rule.detail})`);
  }
  for (const search of report.searches) said.push(searchSentence(report, search));
  said.push(best.best === null ? `no best point: ${best.reason}` : `best: ${best.best} (${best.reason})`);
  if (best.economical !== null && best.economical !== best.best) said.push(`smallest batch within 5 % of it: ${best.economical}`);
  if (best.ties.length > 0) said.push(`no evidence of a difference in throughput: ${best.ties.join(', ')}`);
  if (best.pareto.length > 1) said.push(`Pareto set (throughput against latency): ${best.pareto.join(', ')}`);
  const invalid = new Set(report.points.filter((point) => !point.valid).map((point) => point.id));
  for (const { id, constraint } of best.rejected) if (!invalid.has(id)) said.push(`rejected ${id}: ${constraint}`);
  for (const [message, ids] of findings(report)) said.push(`${ids.join(', ')} ${ids.length === 1 ? 'is' : 'are'} not valid: ${message}`);
  for (const point of report.points) {
    if (!point.invalidReasons.some((finding) => point.errorExamples.includes(finding.message)))
      for (const example of point.errorExamples.slice(0, 3)) said.push(`${point.id} error: ${example}`);
  }
  if (drift !== null) {
    const change = `throughput ${signed(drift.throughput)}, p50 ${signed(drift.p50)}`;
    said.push(
      drift.significant
        ? `DRIFT: ${drift.id} measured again at the end: ${change}; compare points of this sweep with care`
        : `no evidence of drift: ${drift.id} measured again at the end: ${change}`,
    );
  }
  const stale = report.points.filter(({ gpus }) => gpus?.some((gpu) => gpu.stale === true)).map(({ id }) => id);
  if (stale.length > 0)
    said.push(
      `GPU use and power of ${stale.join(', ')} are not known: the readings stood still, the exporter refreshes more slowly than that was measured`,
    );
  said.push(...accuracySentences(report));
  if (report.coldStartMicroseconds !== null)
    said.push(`first request, before any warm-up: ${(report.coldStartMicroseconds / 1000).toFixed(1)} ms`);
  for (const note of new Set(report.points.flatMap((point) => point.notes))) said.push(note);
  said.push(...report.remarks);
  return said;
}

function searchSentence({ points }: ShownReport, search: ShownReport['searches'][number]): string {
  const { batchSize, over, found, failedAt, trials, tolerance } = search;
  const what = over === 'concurrency' ? 'concurrency' : 'rate per second';
  const tried = `${trials.length} trial${trials.length === 1 ? '' : 's'}`;
  const level = (value: number) => Number(value.toFixed(2));
  const atLimit = points.filter(({ load, ...point }) => {
    const own = load.loop === 'closed' ? load.concurrency : load.requestsPerSecond;
    return point.batchSize === batchSize && own === failedAt;
  });
  // What could not be relied on is taken to fail, and is not the server's failure.
  const reasons = new Set(atLimit.flatMap(({ invalidReasons }) => invalidReasons.map(({ reason }) => reason)));
  const undecided = atLimit.length > 0 && atLimit.every(({ valid }) => !valid) && ![...reasons].some((reason) => serverReasons.has(reason));
  const why = `no measurement there could be relied on (${[...reasons].join(', ')})`;
  if (found === null) {
    return undecided
      ? `search at batch ${batchSize}: undecided at ${level(failedAt ?? 0)}: ${why} (${tried})`
      : `search at batch ${batchSize}: no ${what} keeps the bounds, ${failedAt === null ? 'none' : level(failedAt)} already fails (${tried})`;
  }
  const end = failedAt === null ? 'the upper limit of the search' : `${level(failedAt)} ${undecided ? `is undecided, ${why}` : 'fails'}`;
  return `search at batch ${batchSize}: largest ${what} within the bounds ${level(found)}, ${end} (${tried}, tolerance ${tolerance * 100} %)`;
}

/** One for each result: the points of a batch size have theirs in common. */
function accuracySentences({ points }: ShownReport): string[] {
  const byText = new Map<string, string[]>();
  for (const { id, accuracy } of points) {
    if (accuracy === undefined || accuracy === null) continue;
    const { metric, correct, samples, share, interval } = accuracy;
    const percent = (value: number) => (value * 100).toFixed(2);
    const text = `${percent(share)} % right (${metric}, ${correct} of ${samples} samples, 95 %: ${percent(interval.low)} to ${percent(interval.high)} %)`;
    byText.set(text, [...(byText.get(text) ?? []), id]);
  }
  return [...byText].map(([text, ids]) => `accuracy of ${ids.join(', ')}: ${text}`);
}

/** What makes points invalid, each with the points that it is said of. Sentences with figures are of one point. */
function findings({ points }: ShownReport): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { id, invalidReasons } of points) {
    for (const { message } of invalidReasons) found.set(message, [...(found.get(message) ?? []), id]);
  }
  return found;
}

function signed(share: number): string {
  return `${share >= 0 ? '+' : ''}${(share * 100).toFixed(1)} %`;
}
