import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import { dialectOf } from '../../../kserve/dialect.ts';
import { newestKServe } from '../../../models/kserve-version.ts';
import { printJobMessage } from '../../../packaging/job-message.ts';
import { aDeployment } from '../testing/objects.ts';
import { decidePackaging, type PackagingObserved } from './decide.ts';
import { renderJob } from './job.ts';
import type { PackageStatus } from './outcome.ts';
import type { PackagingSettings } from './settings.ts';
import { taskOf } from './task.ts';

const volume = { claimName: 'models', path: 'iris' };
const declared = (over: object = {}, azureBlob: object = {}) => ({
  name: 'default',
  azureBlob: { account: 'models', container: 'models', credentials: { secretRef: { name: 'x' } }, ...azureBlob },
  allowedNamespaces: { matchLabels: { 'kubernetes.io/metadata.name': 'models' } },
  ...over,
});
const settingsOf = (...repositories: object[]) => ({ repositories, jobs: {} }) as unknown as PackagingSettings;
const now = Date.parse('2026-01-01T01:00:00Z');

function seen(over: Partial<PackagingObserved> = {}, spec: Partial<ModelDeployment['spec']> = { source: { volume } }): PackagingObserved {
  return {
    deployment: aDeployment({ spec }),
    dialect: dialectOf(newestKServe),
    settings: settingsOf(declared()),
    sourceHosts: [],
    serviceAccounts: [],
    namespace: { name: 'models', uid: '01234567-89ab', labels: { 'kubernetes.io/metadata.name': 'models' } },
    image: 'modelwright:1',
    jobs: [],
    pods: [],
    siblings: [],
    now,
    ...over,
  };
}

const run = 'f'.repeat(32);

/** A Job of `observed`, released, and its Pod, which ended as given. */
function withJob(
  observed: PackagingObserved,
  ended?: { exitCode: number; message: string },
  attempt = 1,
  over: object = {},
): PackagingObserved {
  const task = taskOf(observed.deployment);
  assert.ok(task);
  const { deployment, settings, sourceHosts } = observed;
  const job = renderJob({
    deployment,
    task,
    attempt,
    run,
    image: 'modelwright:1',
    settings,
    sourceHosts,
    kserveVersion: '0.20',
    upload: { url: 'https://x', manifestUrl: 'https://y', known: [] },
  });
  const stored = {
    ...job,
    metadata: { ...job.metadata, uid: `job-${attempt}`, resourceVersion: '1', creationTimestamp: '2026-01-01T00:59:00Z' },
    spec: { ...job.spec, suspend: false },
    ...over,
  };
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'p',
      namespace: 'models',
      uid: 'p',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:59:00Z',
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: 'j', uid: `job-${attempt}`, controller: true }],
    },
    status: { containerStatuses: [{ name: 'modelwright', state: ended === undefined ? { running: {} } : { terminated: ended } }] },
  };
  return { ...observed, jobs: [stored] as never, pods: [pod] as never };
}

const reasonOf = (observed: PackagingObserved) => {
  const { outcome } = decidePackaging(observed);
  return outcome.kind === 'Failed' ? outcome.block.reason : outcome.kind === 'Working' ? outcome.reason : outcome.kind;
};
const stepOf = (observed: PackagingObserved) => decidePackaging(observed).step.kind;
const made: PackageStatus = {
  storageUri: `https://models.blob.core.windows.net/models/models-01234567/${'a'.repeat(64)}`,
  sha256: 'a'.repeat(64),
  sizeBytes: 1,
  files: 1,
  layout: 'SKLearn',
  repository: 'default',
  source: taskOf(aDeployment({ spec: { source: { volume } } }))?.source ?? '',
};

describe('a source that KServe is given as it is', () => {
  it('asks for nothing, and a Job of an earlier source goes', () => {
    const jobs = withJob(seen()).jobs;
    const decision = decidePackaging(seen({ jobs }, {}));
    assert.deepEqual([decision.outcome.kind, decision.step.kind, decision.remove.length], ['NotAsked', 'None', 1]);
  });
});

describe('a volume', () => {
  it('is packaged by a Job', () => assert.equal(stepOf(seen()), 'Start'));
  it('waits for its Job', () => assert.deepEqual([stepOf(withJob(seen())), reasonOf(withJob(seen()))], ['None', 'Packaging']));
  it('gives a Job that is suspended its signature', () =>
    assert.equal(stepOf(withJob(seen(), undefined, 1, { spec: { suspend: true } })), 'Release'));
  it('is not packaged twice', () => {
    const observed = seen({ deployment: aDeployment({ spec: { source: { volume } }, status: { package: made } }) });
    assert.deepEqual([stepOf(observed), reasonOf(observed)], ['Serve', 'Packaged']);
  });
  it('is packaged again when its repository was moved to another place', () => {
    const deployment = aDeployment({ spec: { source: { volume } }, status: { package: made } });
    assert.equal(stepOf(seen({ deployment, settings: settingsOf(declared({}, { prefix: 'elsewhere' })) })), 'Start');
  });
  it('is packaged again when its revision is raised, and what was there goes on serving', () => {
    const deployment = aDeployment({ spec: { source: { volume: { ...volume, revision: '2' } } }, status: { package: made } });
    const { step, outcome } = decidePackaging(seen({ deployment }));
    assert.equal(step.kind, 'Start');
    assert.deepEqual(outcome.kind === 'Working' && outcome.package, made);
  });
  it('is not packaged while the model is suspended', () => {
    assert.deepEqual(
      [stepOf(seen({}, { source: { volume }, suspend: true })), reasonOf(seen({}, { source: { volume }, suspend: true }))],
      ['None', 'Suspended'],
    );
  });
  it('is not taken for that of another deployment: its content may have changed since', () => {
    assert.equal(stepOf(seen({ siblings: [made] })), 'Start');
  });
});

describe('an archive', () => {
  const archive = { url: 'https://example.com/iris.zip', sha256: 'b'.repeat(64) };
  const source = taskOf(aDeployment({ spec: { source: { archive } } }))?.source ?? '';
  const of = (over: Partial<PackagingObserved>) => seen({ sourceHosts: ['example.com'], ...over }, { source: { archive } });
  it('of a host that nobody allowed is not fetched', () =>
    assert.deepEqual([stepOf(of({ sourceHosts: [] })), reasonOf(of({ sourceHosts: [] }))], ['None', 'SourceHostNotAllowed']));
  it('is packaged once for all deployments of the namespace', () => assert.equal(stepOf(of({ siblings: [{ ...made, source }] })), 'Reuse'));
  it('of another repository is no package of this one', () =>
    assert.equal(stepOf(of({ siblings: [{ ...made, source, repository: 'other' }] })), 'Start'));
});

describe('a storageUri that is verified', () => {
  const sha256 = 'c'.repeat(64);
  const storageUri = `https://models.blob.core.windows.net/models/packages/${sha256}`;
  const china = `https://models.blob.core.chinacloudapi.cn/models/packages/${sha256}/model.zip`;
  const verified = (over: Partial<PackagingObserved> = {}, spec: Partial<ModelDeployment['spec']> = {}) =>
    seen(over, { source: { storageUri, verify: true }, ...spec });
  const denied = (of: PackagingObserved, attempt = 1) => {
    const failure = { code: 'AccessDenied', message: 'Access denied.', retry: false } as const;
    return withJob(of, { exitCode: 1, message: printJobMessage(run, { failure }) }, attempt);
  };
  const messageOf = (of: PackagingObserved) => {
    const { outcome } = decidePackaging(of);
    return outcome.kind === 'Failed' ? outcome.block.message : '';
  };

  it('is read by a Job', () => assert.equal(stepOf(verified()), 'Start'));

  it('is not read under a service account that the policy does not allow', () => {
    const of = (serviceAccounts: readonly string[]) => verified({ serviceAccounts }, { serviceAccountName: 'reader' });
    assert.deepEqual([stepOf(of([])), reasonOf(of([]))], ['None', 'ServiceAccountNotAllowed']);
    assert.equal(stepOf(of(['reader'])), 'Start');
  });

  it('is not read from a host that models may not come from', () => {
    const elsewhere = verified({ sourceHosts: ['example.com'] });
    assert.deepEqual([stepOf(elsewhere), reasonOf(elsewhere)], ['None', 'SourceHostNotAllowed']);
    assert.equal(stepOf(verified({ sourceHosts: ['*.blob.core.windows.net'] })), 'Start');
  });

  it('and may not be read says so at once, and is tried again, since who gives the access changes nothing here', () => {
    const soon = { ...denied(verified()), now: Date.parse('2026-01-01T00:59:05Z') };
    const { step, lookAgainMilliseconds } = decidePackaging(soon);
    assert.deepEqual([step.kind, reasonOf(soon), lookAgainMilliseconds], ['None', 'AccessDenied', 10_000]);
    assert.match(messageOf(soon), /^Access denied; try 1 of 5, the next follows$/);
    assert.equal(stepOf(denied(verified())), 'Start');
    const last = denied(verified(), 5);
    assert.deepEqual([stepOf(last), reasonOf(last)], ['None', 'AccessDenied']);
    assert.match(messageOf(last), /tried 5 times\. To have it tried again, delete its Job, or change spec\.source$/);
  });

  it('and is private where this KServe has no credentials for it is refused with that reason', () => {
    const source = { source: { storageUri: china, verify: true } };
    const old = denied(verified({ dialect: dialectOf({ major: 0, minor: 9 }) }, source), 5);
    assert.match(messageOf(old), /The blob is private, and KServe 0\.9 has Azure credentials only for .*KServe 0\.11 or newer.*MW-L0733/);
    const newer = denied(verified({}, source), 5);
    assert.match(messageOf(newer), /Let the storage container "modelwright" fetch it/);
    const ours = denied(verified({ dialect: { ...dialectOf(newestKServe), hasStorageContainer: true } }, source), 5);
    assert.doesNotMatch(messageOf(ours), /MW-L0733/);
  });
});

describe('what keeps a model from being packaged', () => {
  const cases: readonly (readonly [string, Partial<PackagingObserved>, string])[] = [
    ['no repository', { settings: undefined }, 'RepositoryNotAvailable'],
    [
      'a repository of others',
      { settings: settingsOf(declared({ allowedNamespaces: { matchLabels: { team: 'b' } } })) },
      'RepositoryNotAvailable',
    ],
    ['a namespace that cannot be read', { namespace: undefined }, 'NamespaceNotReadable'],
    ['an image that nobody knows', { image: undefined }, 'ImageNotKnown'],
    [
      'a container that others use, without our own storage container',
      { settings: settingsOf(declared({ allowedNamespaces: {} })) },
      'NoReadAccess',
    ],
    [
      'a private container in China, without our own storage container',
      { settings: settingsOf(declared({}, { cloud: 'China' })) },
      'NoReadAccess',
    ],
    ['a private container and an old KServe', { dialect: dialectOf({ major: 0, minor: 9 }) }, 'NoReadAccess'],
  ];
  for (const [what, over, reason] of cases)
    it(`${what}: ${reason}`, () => assert.deepEqual([stepOf(seen(over)), reasonOf(seen(over))], ['None', reason]));

  const withContainer = { ...dialectOf(newestKServe), hasStorageContainer: true };
  it('a container that others use is no obstacle for our own storage container', () => {
    assert.equal(
      stepOf(seen({ settings: settingsOf(declared({ allowedNamespaces: {} }, { cloud: 'China' })), dialect: withContainer })),
      'Start',
    );
  });
  it('a public container needs none', () => {
    assert.equal(
      stepOf(seen({ settings: settingsOf(declared({ readAccess: 'Anonymous' })), dialect: dialectOf({ major: 0, minor: 7 }) })),
      'Start',
    );
  });
});

describe('a Job that ended', () => {
  const result = { sha256: 'a'.repeat(64), sizeBytes: 1, files: 1, layout: 'SKLearn' as const, uploaded: true };
  const ends = (message: string, exitCode = 1, attempt = 1) => withJob(seen(), { exitCode, message }, attempt);
  const fails = (code: 'LintFailed' | 'StorageFailed', retry: boolean) =>
    printJobMessage(run, { failure: { code, message: 'It is so.', retry } });

  it('with a result is collected', () => assert.equal(stepOf(ends(printJobMessage(run, { result }), 0)), 'Collect'));
  it('with a result and a failure is not', () => assert.equal(stepOf(ends(printJobMessage(run, { result }), 1)), 'Start'));
  it('with a result of another run is not', () => assert.equal(stepOf(ends(printJobMessage('e'.repeat(32), { result }), 0)), 'Start'));
  it('with a failure that nothing but a change cures is left as it is', () => {
    assert.deepEqual([stepOf(ends(fails('LintFailed', false))), reasonOf(ends(fails('LintFailed', false)))], ['None', 'LintFailed']);
  });
  it('with a failure that may pass is tried again, five times in all', () => {
    const { step, remove } = decidePackaging(ends(fails('StorageFailed', true)));
    assert.deepEqual([step.kind === 'Start' && step.attempt, remove.length], [2, 1]);
    assert.deepEqual(
      [stepOf(ends(fails('StorageFailed', true), 1, 5)), reasonOf(ends(fails('StorageFailed', true), 1, 5))],
      ['None', 'StorageFailed'],
    );
  });
  it('and just failed waits before it is tried again, longer each time', () => {
    const soon = { ...ends(fails('StorageFailed', true)), now: Date.parse('2026-01-01T00:59:05Z') };
    const { step, outcome, lookAgainMilliseconds } = decidePackaging(soon);
    assert.deepEqual([step.kind, outcome.kind, lookAgainMilliseconds], ['None', 'Working', 10_000]);
  });
  it('by its deadline names the setting', () => {
    const status = {
      conditions: [{ type: 'Failed', status: 'True', reason: 'DeadlineExceeded', lastTransitionTime: '2026-01-01T00:59:59Z' }],
    };
    const { outcome } = decidePackaging({ ...withJob(seen(), undefined, 1, { status }), pods: [] });
    assert.match(outcome.kind === 'Working' ? outcome.message : '', /longer than 1800 s; raise spec\.packaging\.deadlineSeconds/);
  });
});
