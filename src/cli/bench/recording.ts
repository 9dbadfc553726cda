/** What is written of single requests, beside the report: raw samples and spans. */
import type { Report } from '../../load/report/report.ts';
import { type TraceLevel, traceLevelOf } from '../../load/spans/level.ts';
import { otlpText } from '../../load/spans/otlp.ts';
import type { RawPoint } from '../../load/spans/raw-point.ts';
import { samplesCsv } from '../../load/spans/samples.ts';
import { spansOf } from '../../load/spans/spans.ts';
import { UsageError } from '../../load/transport/target.ts';
import { writeWhole } from '../write-whole.ts';
import { positive } from './flags.ts';
import { failureOf } from './outputs.ts';

export interface RecordingFlags {
  readonly raw?: string;
  readonly trace?: string;
  readonly traceFile?: string;
  readonly traceRequests: string;
}

export interface Recording {
  /** Whether what is recorded of the points is wanted at all. */
  readonly keeps: boolean;
  /** Writes the files; gives the sentences of those that could not be written. */
  write(report: Report, raw: readonly RawPoint[]): Promise<string[]>;
}

/** Reads the flags. Throws a `UsageError` that names the flag, before anything is measured. */
export function recordingOf({ raw: rawFile, trace, traceFile, traceRequests }: RecordingFlags): Recording {
  const level = trace === undefined ? undefined : traceLevelOf(trace);
  if ((level === undefined) !== (traceFile === undefined)) throw new UsageError('--trace and --trace-file need each other');
  const requests = positive(traceRequests, '--trace-requests', true);
  return {
    keeps: rawFile !== undefined || traceFile !== undefined,
    async write(report, raw) {
      const failures: string[] = [];
      const write = async (file: string | undefined, text: () => string) => {
        if (file !== undefined) failures.push(...(await failureOf(file, writeWhole(file, text()))));
      };
      await write(rawFile, () => {
        const { text, kept, of } = samplesCsv(raw);
        if (kept < of) process.stderr.write(`--raw: ${kept} of ${of} requests are written, evenly chosen\n`);
        return text;
      });
      await write(traceFile, () => traceText(report, raw, level as TraceLevel, requests));
      return failures;
    },
  };
}

/** The spans of a run as OTLP JSON. */
export function traceText(report: Report, raw: readonly RawPoint[], level: TraceLevel, requests: number): string {
  return otlpText(spansOf(raw, { run: report.run, level, requests }), report);
}
