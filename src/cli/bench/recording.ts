/** What is kept of a run beside its figures: raw samples, spans, and all of it as one archive in a repository. */
import { readFile } from 'node:fs/promises';
import type { Report } from '../../load/report/report.ts';
import type { StoredReport } from '../../load/report-code.ts';
import { type TraceLevel, traceLevelOf } from '../../load/spans/level.ts';
import { otlpText } from '../../load/spans/otlp.ts';
import type { RawPoint } from '../../load/spans/raw-point.ts';
import { samplesCsv } from '../../load/spans/samples.ts';
import { spansOf } from '../../load/spans/spans.ts';
import { traceparentHeader } from '../../load/spans/trace-context.ts';
import { UsageError } from '../../load/transport/target.ts';
import { writeWhole } from '../write-whole.ts';
import { positive } from './flags.ts';
import { failureOf, jsonText } from './outputs.ts';

export interface RecordingFlags {
  readonly raw?: string;
  readonly trace?: string;
  readonly traceFile?: string;
  readonly traceRequests: string;
  readonly upload?: string;
  readonly uploadSignature?: string;
  readonly uploadRaw?: boolean;
  readonly header: readonly string[];
}

export interface Recording {
  /** Whether what is recorded of single requests is wanted at all. */
  readonly keeps: boolean;
  /** Most requests of a point that are traced; absent: none. */
  readonly traceRequests?: number;
  /** Writes the files; gives the sentences of those that could not be written. */
  write(report: Report, raw: readonly RawPoint[]): Promise<string[]>;
  /** Uploads report, samples and spans as one archive; undefined where that is not asked for. Never rejects. There is no time for it when interrupted. */
  store(report: Report, raw: readonly RawPoint[], interrupted: boolean): Promise<StoredReport | undefined>;
}

/** An upload that has not come through by then leaves the report where it is: in the log at most. */
const uploadMilliseconds = 300_000;

/** Reads the flags. Throws a `UsageError` that names the flag, before anything is measured. */
export function recordingOf(flags: RecordingFlags): Recording {
  const { raw: rawFile, trace, traceFile, upload, uploadSignature, uploadRaw } = flags;
  const level = trace === undefined ? undefined : traceLevelOf(trace);
  if (traceFile !== undefined && level === undefined) throw new UsageError('--trace-file needs --trace client or --trace model');
  if (level !== undefined && traceFile === undefined && upload === undefined)
    throw new UsageError('--trace needs --trace-file, or --upload');
  if (upload === undefined && (uploadSignature !== undefined || uploadRaw === true))
    throw new UsageError('--upload-signature and --upload-raw need --upload');
  if (level !== undefined && flags.header.some((header) => header.split(':')[0]?.trim().toLowerCase() === traceparentHeader))
    throw new UsageError(
      `--trace sends a ${traceparentHeader} of its own with the requests that it traces: leave out that --header, or --trace`,
    );
  const requests = positive(flags.traceRequests, '--trace-requests', true);
  const spans = (report: Report, raw: readonly RawPoint[]) => (level === undefined ? undefined : traceText(report, raw, level));
  return {
    keeps: rawFile !== undefined || level !== undefined || uploadRaw === true,
    ...(level !== undefined && { traceRequests: requests }),
    async write(report, raw) {
      const failures: string[] = [];
      const write = async (file: string | undefined, text: () => string) => {
        if (file !== undefined) failures.push(...(await failureOf(file, writeWhole(file, text()))));
      };
      await write(rawFile, () => rawText(raw));
      await write(traceFile, () => spans(report, raw) ?? '');
      return failures;
    },
    async store(report, raw, interrupted) {
      if (upload === undefined) return undefined;
      if (interrupted) return { kind: 'Failed', message: 'interrupted' };
      const trace = spans(report, raw);
      const files = {
        'report.json': jsonText(report),
        ...(uploadRaw === true && { 'requests.csv': rawText(raw) }),
        ...(trace !== undefined && { 'trace.json': trace }),
      };
      try {
        return { kind: 'Stored', ...(await uploaded(upload, files, uploadSignature)) };
      } catch (error) {
        return { kind: 'Failed', message: (error as Error).message };
      }
    },
  };
}

function rawText(raw: readonly RawPoint[]): string {
  const { text, kept, of } = samplesCsv(raw);
  if (kept < of) process.stderr.write(`raw samples: ${kept} of ${of} requests are written, evenly chosen\n`);
  return text;
}

/** The spans of a run as OTLP JSON. */
function traceText(report: Report, raw: readonly RawPoint[], level: TraceLevel): string {
  return otlpText(spansOf(raw, { run: report.run, level }), report);
}

/** @param signature file with a shared access signature for the blob; without one the credentials of the environment are used */
async function uploaded(address: string, files: Readonly<Record<string, string>>, signature: string | undefined) {
  // The SDK and the compressor are loaded by whoever needs them.
  const [{ settingsFrom }, { writeReportBlob }, { archiveOf }] = await Promise.all([
    import('../../packaging/azure/credentials.ts'),
    import('../../packaging/azure/report-blob.ts'),
    import('./archive.ts'),
  ]);
  const settings =
    signature === undefined
      ? settingsFrom(process.env)
      : async (name: string) => (name === 'AZURE_STORAGE_SAS_TOKEN' ? (await readFile(signature, 'utf8')).trim() : undefined);
  const bytes = await archiveOf(files);
  return writeReportBlob(address, bytes, settings, undefined, AbortSignal.timeout(uploadMilliseconds));
}
