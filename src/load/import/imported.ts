import { type Candidate, chooseBest, type Objective } from '../best.ts';
import { errorsPerMillion } from '../point.ts';
import type { ShownPoint, ShownReport } from '../report/report.ts';

/** What an importer knows of its file. */
export interface Imported {
  readonly tool: string;
  /** File or files that it was read from. */
  readonly source: string;
  readonly points: readonly ShownPoint[];
  /** How the other tool defines its figures, in a sentence. */
  readonly definitions: string;
  readonly remarks: readonly string[];
}

/** A point of which only what every tool tells is known. */
export const unknownPoint = {
  repeat: false,
  startedAt: null,
  durationSeconds: null,
  requests: null,
  succeeded: null,
  errorExamples: [],
  offeredPerSecond: null,
  requestsPerSecondInterval: { low: null, high: null },
  goodputPerSecond: null,
  latencyIntervals: {},
  sendLagMicroseconds: null,
  client: { cpuMicrosecondsPerRequest: null },
  server: null,
  gpus: null,
  valid: true,
  invalidReasons: [],
  notes: [],
} as const satisfies Partial<ShownPoint>;

/** Another tool's results as a report: ranked by the rules that rank measured points. */
export function importedReport({ tool, source, points, definitions, remarks }: Imported, objective: Objective): ShownReport {
  return {
    run: source,
    tool: { name: tool, version: '' },
    startedAt: null,
    partial: false,
    target: { model: source, url: tool, protocol: 'imported' },
    definitions,
    payload: { source: 'payload unknown' },
    environment: null,
    coldStartMicroseconds: null,
    drift: null,
    objective,
    best: chooseBest(points.map(candidateOf), objective),
    searches: [],
    scenario: null,
    remarks,
    points,
  };
}

/** A shown point as the choice of the best sees it; what is not known of its errors or intervals counts for nothing. */
export function candidateOf(point: ShownPoint): Candidate {
  const { id, batchSize, valid, inferencesPerSecond: throughput, requests, succeeded } = point;
  return {
    id,
    batchSize,
    valid,
    invalidReasons: point.invalidReasons.map(({ reason }) => reason),
    throughput,
    throughputInterval: { low: null, high: null },
    latencyMicroseconds: Object.fromEntries(Object.entries(point.latencyMicroseconds ?? {})),
    errorsPerMillion: requests === null || succeeded === null ? 0 : errorsPerMillion({ requests, succeeded }),
  };
}
