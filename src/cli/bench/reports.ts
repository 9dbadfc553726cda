import { type Report, reportSchema } from '../../load/report/report.ts';
import { UsageError } from '../../load/transport/target.ts';
import { readJson } from './flags.ts';

/** Reads a JSON report of `modelwright bench`; a sentence when it is none, or one of another version. */
export function readReport(file: string): Report {
  const value = readJson(file, 'the report') as Partial<Report> | null;
  if (typeof value !== 'object' || value === null || value.schema !== reportSchema || !Array.isArray(value.points)) {
    throw new UsageError(`${file} is not a report of this version (its "schema" is not "${reportSchema}")`);
  }
  return value as Report;
}
