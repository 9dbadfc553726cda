/** What the status says of the full report of a run. Pure. */
import type { ReportStatus } from '../../../api/model-profile/report.ts';
import { maximumReportBlobs } from '../../../api/model-profile/report.ts';
import type { StoredReport } from '../../../load/report-code.ts';
import type { Run } from '../decision.ts';

/** The run with the archives that its pods have told of; what was told once stays. */
export function withArchives(run: Run, stored: ReadonlyMap<string, StoredReport>, uri: string | undefined): Run {
  const { report } = run;
  if (stored.size === 0 && report === undefined) return run;
  const blobs = new Map((report?.blobs ?? []).map((blob) => [blob.name, blob]));
  const failed: string[] = [];
  for (const [name, told] of stored) {
    if (told.kind === 'Stored') blobs.set(name, { name, sha256: told.sha256, sizeBytes: told.sizeBytes });
    else failed.push(`${name}: ${told.message}`);
  }
  const folder = report?.uri ?? uri;
  const message = failed.length === 0 ? report?.message : `Not uploaded: ${failed.join('; ')}`.slice(0, 1024);
  return {
    ...run,
    report: {
      ...report,
      ...(folder !== undefined && { uri: folder }),
      ...(blobs.size > 0 && { blobs: [...blobs.values()].slice(-maximumReportBlobs) }),
      ...(message !== undefined && { message }),
    },
  };
}

/** What came of the ConfigMap of a run. */
export interface ConfigMapOutcome {
  readonly runId: string;
  readonly outcome: NonNullable<ReportStatus['configMap']> | { readonly refused: string };
}

/** The run with what came of its ConfigMap, where that is known. */
export function withConfigMap(run: Run | undefined, known: ConfigMapOutcome | undefined): Run | undefined {
  if (run === undefined || known?.runId !== run.id) return run;
  const { outcome } = known;
  if (!('refused' in outcome)) return { ...run, report: { ...run.report, configMap: outcome } };
  const said = `The ConfigMap could not be written: ${outcome.refused}`;
  const { message } = run.report ?? {};
  return {
    ...run,
    report: { ...run.report, message: (message === undefined || message === said ? said : `${said}. ${message}`).slice(0, 1024) },
  };
}

/** Whether the ConfigMap of the run is still to be written: it is complete, has measured something, and nothing came of it yet. */
export function lacksConfigMap(
  wanted: boolean | undefined,
  run: Run | undefined,
  points: number,
  known: ConfigMapOutcome | undefined,
): boolean {
  if (wanted !== true || run?.state !== 'Complete' || points === 0) return false;
  return run.report?.configMap === undefined && known?.runId !== run.id;
}
