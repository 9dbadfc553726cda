/** A profile as a person reads it in a terminal: where it stands, the table, and what follows from it. */
import type { ModelProfile } from '../../api/model-profile/index.ts';
import { shownReport, targetOf } from '../../controllers/profile/report/shown.ts';
import { inOrder, reportColumns } from '../../load/report/columns.ts';
import type { ShownPoint, ShownReport } from '../../load/report/report.ts';
import { sentences } from '../../load/report/sentences.ts';
import { printTable } from '../table.ts';
import { appliedLines, recommendationLines } from './recommendation.ts';

export function profileText(profile: ModelProfile): string {
  const report = shownReport(profile);
  const columns = reportColumns
    .filter(({ brief, field }) => brief && field !== 'valid')
    .map(({ heading, value }) => ({ heading, cell: value }));
  const rows = inOrder(report.points);
  const table =
    rows.length === 0
      ? 'Nothing is measured yet.\n'
      : printTable([...columns, { heading: 'verdict', cell: (point: ShownPoint) => verdictOf(point, report) }], rows);
  // Why it is not ready stands above the table already.
  const below = sentences({ ...report, remarks: report.remarks.filter((remark) => !remark.startsWith('not ready: ')) });
  return `${standing(profile)}\n${table}\n${[...below, ...recommendationLines(profile), ...appliedLines(profile)].join('\n')}\n`;
}

/** `ModelProfile models/iris of ModelDeployment models/iris`, its run and its conditions. */
export function standing(profile: ModelProfile): string {
  const { metadata, status } = profile;
  const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
  const run = status?.run === undefined ? 'no run yet' : `run ${status.run.id} ${status.run.state}`;
  const progress = status?.progress === undefined ? '' : `, ${status.progress.summary} points`;
  const results =
    status?.measuring === undefined || status.results === undefined ? '' : `; the results are of run ${status.measuring.resultsOf}`;
  const conditions = (status?.conditions ?? [])
    .filter(({ type }) => type === 'Ready' || type === 'SLOMet' || type === 'Applied')
    .map(({ type, status: value, reason, message }) => `${type} ${value} (${reason}): ${message}`);
  return [`ModelProfile ${name} of ${targetOf(profile)}: ${run}${progress}${results}`, ...conditions].map((line) => `${line}\n`).join('');
}

/** What became of the point: best, runner-up, the constraint it broke, or why it is not ranked. */
export function verdictOf(point: ShownPoint, { best }: ShownReport): string {
  if (!point.valid) return `not valid: ${point.invalidReasons.map(({ reason }) => reason).join(', ')}`;
  if (point.id === best.best) return 'BEST';
  const rejected = best.rejected.find(({ id }) => id === point.id);
  if (rejected !== undefined) return `rejected: ${rejected.constraint}`;
  const titles = [point.id === best.runnerUp && 'runner-up', point.id === best.economical && 'smallest batch within 5 %'];
  return titles.filter(Boolean).join(', ') || 'ok';
}
