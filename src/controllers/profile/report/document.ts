/** The full report of a run as the operator has it: the files of a ConfigMap. Pure. */
import { hash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { Cached } from '../../../kube/store.ts';
import { csvReport } from '../../../load/report/csv.ts';
import { htmlReport } from '../../../load/report/html.ts';
import { markdownReport } from '../../../load/report/markdown.ts';
import { shownReport } from './shown.ts';

export interface ReportDocument {
  readonly data: Readonly<Record<string, string>>;
  /** Base64, as the API has it. */
  readonly binaryData: Readonly<Record<string, string>>;
  /** SHA-256 of report.json before it was compressed. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** What was left out for its size. */
  readonly note?: string;
}

/** The API server takes 1 MiB for the values of a ConfigMap, base64 and all; names and metadata are on top. */
const mostBytes = 900_000;

/**
 * `report.json.gz`, the profile as `modelwright profile export` writes it; `report.md` and `report.csv`, which can be read as they are; `report.html.gz`,
 * the page with plots. What does not fit is left out from the end of that list, and said.
 */
export function reportDocument(profile: ModelProfile | Cached<ModelProfile>, most = mostBytes): ReportDocument {
  const { name, namespace, creationTimestamp, generation } = profile.metadata;
  const metadata = { name, namespace, creationTimestamp, generation };
  const { apiVersion, kind, spec, status } = profile;
  const json = `${JSON.stringify({ apiVersion, kind, metadata, spec, status }, null, 2)}\n`;
  const shown = shownReport(profile as ModelProfile);
  const files = [
    { key: 'report.json.gz', value: packed(json), binary: true },
    { key: 'report.md', value: markdownReport(shown), binary: false },
    { key: 'report.csv', value: csvReport(shown), binary: false },
    { key: 'report.html.gz', value: packed(htmlReport(shown)), binary: true },
  ];
  let sizeBytes = 0;
  const kept: typeof files = [];
  const left: string[] = [];
  for (const file of files) {
    const bytes = Buffer.byteLength(file.value);
    if (sizeBytes + bytes > most) {
      left.push(file.key);
      continue;
    }
    sizeBytes += bytes;
    kept.push(file);
  }
  const valuesOf = (binary: boolean) =>
    Object.fromEntries(kept.filter((file) => file.binary === binary).map(({ key, value }) => [key, value]));
  return {
    data: valuesOf(false),
    binaryData: valuesOf(true),
    sha256: hash('sha256', json, 'hex'),
    sizeBytes,
    ...(left.length > 0 && { note: `Left out, for a ConfigMap holds 1 MiB: ${left.join(', ')}; modelwright profile export makes them` }),
  };
}

/** Without the time of day in its header, so that equal reports have equal bytes. */
function packed(text: string): string {
  return gzipSync(text).toString('base64');
}
