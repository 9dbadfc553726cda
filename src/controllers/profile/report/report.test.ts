import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { ServingPlatform } from '../../../api/serving-platform/index.ts';
import type { Cached } from '../../../kube/store.ts';
import type { StoredReport } from '../../../load/report-code.ts';
import { decide } from '../decide.ts';
import type { Run } from '../decision.ts';
import { resultOf } from '../results/result.ts';
import { aProfile, closed, compactPoint, observed } from '../testing/objects.ts';
import { reportDocument } from './document.ts';
import { reportPlaceOf } from './place.ts';
import { lacksConfigMap, withArchives, withConfigMap } from './stored.ts';

const run: Run = { id: 'r0123456789a', state: 'Complete', specHash: 'x', queuedTime: '2026-11-21T12:00:00Z' };
const stored = (sha: string, sizeBytes = 1000): StoredReport => ({ kind: 'Stored', sha256: sha.repeat(64), sizeBytes });

describe('archives of full reports', () => {
  it('are gathered as their pods tell of them, and stay when the pods are gone', () => {
    const first = withArchives(run, new Map([['j-0.zip', stored('a')]]), 'https://x/reports');
    const both = withArchives(first, new Map([['j-1.zip', stored('b')]]), undefined);
    assert.deepEqual(both.report, {
      uri: 'https://x/reports',
      blobs: [
        { name: 'j-0.zip', sha256: 'a'.repeat(64), sizeBytes: 1000 },
        { name: 'j-1.zip', sha256: 'b'.repeat(64), sizeBytes: 1000 },
      ],
    });
    assert.deepEqual(withArchives(both, new Map(), undefined), both);
  });

  it('that were not uploaded are named with the reason', () => {
    const told = new Map<string, StoredReport>([
      ['j-0.zip', stored('a')],
      ['j-1.zip', { kind: 'Failed', message: 'access denied' }],
    ]);
    const { report } = withArchives(run, told, 'https://x');
    assert.equal(report?.message, 'Not uploaded: j-1.zip: access denied');
    assert.equal(report?.blobs?.length, 1);
  });

  it('leave a run that has none as it is', () => assert.equal(withArchives(run, new Map(), undefined), run));
});

describe('the ConfigMap with the full report', () => {
  const results = [resultOf(compactPoint(run.id, 1, closed(1)), 0), resultOf(compactPoint(run.id, 8, closed(4)), 0)];
  const profile = aProfile({ report: { configMap: true } }, { run, results });

  it('holds the profile as it can be read back, a table, lines for a spreadsheet, and the page', () => {
    const { data, binaryData, sha256, sizeBytes, note } = reportDocument(profile);
    assert.deepEqual(
      [Object.keys(data), Object.keys(binaryData)],
      [
        ['report.md', 'report.csv'],
        ['report.json.gz', 'report.html.gz'],
      ],
    );
    const json = gunzipSync(Buffer.from(binaryData['report.json.gz'] ?? '', 'base64')).toString();
    assert.equal(hash('sha256', json, 'hex'), sha256);
    assert.deepEqual((JSON.parse(json) as typeof profile).status?.results, results);
    assert.match(data['report.csv'] ?? '', /^id,batch_size,/);
    assert.match(gunzipSync(Buffer.from(binaryData['report.html.gz'] ?? '', 'base64')).toString(), /<svg/);
    assert.equal(note, undefined);
    assert.ok(sizeBytes < 100_000);
    assert.deepEqual(reportDocument(profile), reportDocument(profile), 'the same bytes for the same report');
  });

  it('stays below 1 MiB with as many points as a sweep can have', () => {
    const many = Array.from({ length: 256 }, (_, i) =>
      resultOf(
        compactPoint(run.id, 1, closed(i + 1), {
          errors: { timeout: i, http5xx: i },
          gpuUtilisationPermille: i,
          serverQueueMicroseconds: i * 7,
        }),
        1,
      ),
    );
    const { sizeBytes, note } = reportDocument(aProfile({}, { run, results: many }));
    assert.ok(sizeBytes <= 900_000, `${sizeBytes}`);
    assert.equal(note, undefined);
  });

  it('leaves out what does not fit, and says so', () => {
    const page = reportDocument(profile).binaryData['report.html.gz']?.length ?? 0;
    const { data, binaryData, note } = reportDocument(profile, reportDocument(profile).sizeBytes - page);
    assert.ok('report.json.gz' in binaryData);
    assert.equal('report.html.gz' in binaryData, false);
    assert.match(note ?? '', /^Left out, for a ConfigMap holds 1 MiB: report\.html\.gz;/);
    assert.deepEqual(Object.keys(data), ['report.md', 'report.csv']);
  });

  it('is written once for a run that is complete, and its outcome told in the status', () => {
    const complete = observed(profile);
    assert.equal(decide(complete).writesReport, undefined, 'the spec has changed since: another run');
    assert.equal(lacksConfigMap(true, run, 2, undefined), true);
    assert.equal(lacksConfigMap(undefined, run, 2, undefined), false);
    assert.equal(lacksConfigMap(true, { ...run, state: 'Running' }, 2, undefined), false);
    assert.equal(lacksConfigMap(true, run, 0, undefined), false);
    const outcome = { runId: run.id, outcome: { name: 'iris-report', sha256: 'a'.repeat(64), sizeBytes: 10 } };
    assert.equal(lacksConfigMap(true, run, 2, outcome), false);
    const told = withConfigMap(run, outcome);
    assert.equal(told?.report?.configMap?.name, 'iris-report');
    assert.equal(lacksConfigMap(true, told, 2, undefined), false, 'after a restart');
    assert.equal(withConfigMap({ ...run, id: 'r-of-another' }, outcome)?.report, undefined);
    const refused = withConfigMap(run, { runId: run.id, outcome: { refused: 'quota' } });
    assert.equal(refused?.report?.message, 'The ConfigMap could not be written: quota');
    assert.deepEqual(withConfigMap(refused, { runId: run.id, outcome: { refused: 'quota' } }), refused, 'said once');
  });
});

describe('the place of full reports', () => {
  const namespace = {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      name: 'models',
      uid: '12345678-0000',
      resourceVersion: '1',
      creationTimestamp: '2026-11-21T12:00:00Z',
      labels: { team: 'a' },
    },
  } as const;
  const platform = (team: string) =>
    ({
      spec: {
        repositories: [
          {
            name: 'default',
            azureBlob: { account: 'acct', container: 'models', prefix: 'p', credentials: { secretRef: { name: 's' } } },
            allowedNamespaces: { matchLabels: { team } },
          },
        ],
      },
    }) as unknown as Cached<ServingPlatform>;

  it('is a folder of a repository that the namespace may use, the profile by UID', () => {
    const place = reportPlaceOf(aProfile({ report: { repository: 'default' } }), namespace, platform('a'));
    assert.ok(place?.kind === 'Usable');
    assert.equal(place.uri, 'https://acct.blob.core.windows.net/models/p/models-12345678/_reports/iris-7d0f6a52');
  });

  it('keeps a run from its start where the namespace may not', () => {
    const profile = aProfile({ report: { repository: 'default' } });
    const place = reportPlaceOf(profile, namespace, platform('b'));
    assert.ok(place?.kind === 'Refused');
    assert.match(place.message, /^spec\.report\.repository: there is no model repository "default" that namespace models may use/);
    const { status, actions } = decide(observed(profile, { reportPlace: place }));
    assert.equal(status?.conditions.find(({ type }) => type === 'Ready')?.reason, 'ReportRepositoryNotAvailable');
    assert.equal(
      status?.conditions.some(({ type }) => type === 'Stalled'),
      true,
    );
    assert.deepEqual(actions, []);
    assert.equal(reportPlaceOf(aProfile(), namespace, platform('b')), undefined);
  });

  it('is on the Job, whose pods mount their signatures and name their archives by index', () => {
    const profile = aProfile({ report: { repository: 'default', samples: true, trace: 'Model', traceRequests: 50 } });
    const place = reportPlaceOf(profile, namespace, platform('a'));
    const [create] = decide(observed(profile, { ...(place && { reportPlace: place }) })).actions;
    assert.ok(create?.kind === 'CreateJob');
    const { name, annotations } = create.job.metadata;
    const uri = 'https://acct.blob.core.windows.net/models/p/models-12345678/_reports/iris-7d0f6a52';
    assert.equal(annotations?.['modelwright.dev/report'], uri);
    const template = create.job.spec?.['template'] as
      | { spec: { volumes: { name: string; secret?: { secretName: string } }[]; containers: { args: string[] }[] } }
      | undefined;
    const line = template?.spec.containers[0]?.args.join(' ') ?? '';
    assert.ok(line.includes(`--upload ${uri}/${name}-$(JOB_COMPLETION_INDEX).zip`));
    assert.ok(line.includes('--upload-signature /var/run/modelwright/access/$(JOB_COMPLETION_INDEX)'));
    assert.ok(line.includes('--upload-raw --trace model --trace-requests 50'));
    assert.equal(template?.spec.volumes.find((volume) => volume.name === 'access')?.secret?.secretName, `${name}-access`);
  });
});
