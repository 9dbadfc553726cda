/** Where the full report of a run goes, beside the figures in the status. */
import type { Static } from 'typebox';
import type { Rule } from '../rule.ts';
import { boolean, integer, keyedList, object, oneOf, Type, text } from '../schema.ts';
import type { ModelProfile } from './index.ts';

/** What a load pod can trace, and the levels below that none can. */
export const profileTraceLevels = ['Client', 'Model'] as const;
const deeperTraceLevels = ['Framework', 'Library', 'Hardware'] as const;

/** Archives that a status names: two for each completion index that a run can have, and some more. */
export const maximumReportBlobs = 512;

export const reportSchema = object(
  'Where the full report of a run goes. The status has the figures of the last run alone, without samples and spans.',
  {
    configMap: Type.Optional(
      boolean(
        'A ConfigMap named after the profile, which it owns: every point with plan, provenance and recommendation, as JSON, Markdown, CSV and page.',
      ),
    ),
    repository: Type.Optional(
      text('Model repository of the ServingPlatform. Each load pod writes its own full report to it, as a zip archive.', 63, {
        pattern: '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$',
      }),
    ),
    samples: Type.Optional(boolean('Every request as CSV in these archives.')),
    trace: Type.Optional(
      oneOf(
        'Spans as OpenTelemetry OTLP JSON in these archives. Client: of requests as the load pod sees them. Model: also the stages of which the server tells averages.',
        [...profileTraceLevels, ...deeperTraceLevels],
      ),
    ),
    traceRequests: Type.Optional(
      integer('Requests of each point that get a span, and are sent with the header traceparent; spread over its time.', {
        minimum: 1,
        maximum: 100_000,
        default: 1000,
      }),
    ),
  },
);

const digest = { pattern: '^[0-9a-f]{64}$' };
const count = (description: string) => integer(description, { minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

export const reportStatusSchema = object('Where its full report is (spec.report).', {
  configMap: Type.Optional(
    object('The ConfigMap.', {
      name: text('Its name.', 253),
      sha256: text('SHA-256 of report.json before it was compressed.', 64, digest),
      sizeBytes: count('All that is in it.'),
      note: Type.Optional(text('What did not fit into a ConfigMap.', 512)),
    }),
  ),
  uri: Type.Optional(text('Folder of the archives, https://ACCOUNT.blob…/CONTAINER/PATH.', 1024)),
  blobs: Type.Optional(
    keyedList(
      'The archives, one for each completion index: report.json, and requests.csv and trace.json where asked for.',
      object('One.', {
        name: text('Its name in the folder.', 128),
        sha256: text('SHA-256, as its load pod said.', 64, digest),
        sizeBytes: count('Its size.'),
      }),
      maximumReportBlobs,
      'name',
    ),
  ),
  message: Type.Optional(text('What is not there, and why.', 1024)),
});

export type ReportStatus = Static<typeof reportStatusSchema>;

const reportOf = ({ spec: { report } }: ModelProfile) => report;

export const reportRules: readonly Rule<ModelProfile>[] = [
  {
    id: 'report-where',
    scope: 'spec',
    fieldPath: '.spec.report',
    message: 'spec.report needs configMap: true or a repository: a report that goes nowhere is none',
    cel: '!has(self.report) || has(self.report.repository) || (has(self.report.configMap) && self.report.configMap)',
    holds: (object) => {
      const report = reportOf(object);
      return report === undefined || report.repository !== undefined || report.configMap === true;
    },
  },
  {
    id: 'report-repository',
    scope: 'spec',
    fieldPath: '.spec.report.repository',
    message: 'spec.report.samples and spec.report.trace need spec.report.repository: single requests are too many for a ConfigMap',
    cel: '!has(self.report) || has(self.report.repository) || (!has(self.report.trace) && (!has(self.report.samples) || !self.report.samples))',
    holds: (object) => {
      const report = reportOf(object);
      return report?.repository !== undefined || (report?.trace === undefined && report?.samples !== true);
    },
  },
  {
    id: 'report-trace',
    scope: 'spec',
    fieldPath: '.spec.report.trace',
    reason: 'Forbidden',
    message:
      "spec.report.trace can be Client or Model: layers, library calls and GPU kernels are seen in the server's own process only; use the profiler of its framework, or Nsight, there",
    cel: "!has(self.report) || !has(self.report.trace) || self.report.trace == 'Client' || self.report.trace == 'Model'",
    holds: (object) => {
      const trace = reportOf(object)?.trace;
      return trace === undefined || trace === 'Client' || trace === 'Model';
    },
  },
];
