/** A package that is verified before it is deployed: with whose credentials the Job reads, and that the operator sees none of them. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { apply, applyCrds, eventually, freshNamespace, kubectl, list } from '../../support/cluster.ts';
import { installInferenceServices } from './light-kserve.ts';
import { aModel, conditionOf, deployed, says, serviceIfAny } from './objects.ts';
import { OperatorProcess, operatorUser } from './operator-process.ts';

interface Job {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly suspend?: boolean;
    readonly template: {
      readonly spec: Readonly<Record<string, unknown>> & {
        readonly serviceAccountName?: string;
        readonly automountServiceAccountToken?: boolean;
        readonly volumes: readonly {
          readonly projected?: {
            readonly sources: readonly { readonly secret: { readonly name: string; readonly items: readonly { key: string }[] } }[];
          };
        }[];
      };
    };
  };
}

const sha256 = 'a'.repeat(64);
const source = { storageUri: `https://models.blob.core.windows.net/models/${sha256}`, verify: true };

describe('the Job that verifies a package', () => {
  let namespace: { readonly name: string } & AsyncDisposable;
  let operator: OperatorProcess;

  before(async () => {
    await applyCrds();
    await installInferenceServices();
    namespace = await freshNamespace('verify');
    operator = await OperatorProcess.start(
      [namespace.name],
      ['--image', 'registry.example.com/modelwright:test', '--allowed-service-accounts', 'reader,late'],
    );
  });
  after(async () => {
    await operator?.[Symbol.asyncDispose]();
    await namespace?.[Symbol.asyncDispose]();
  });

  const account = (name: string, ...secrets: readonly string[]) =>
    apply({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name, namespace: namespace.name },
      secrets: secrets.map((one) => ({ name: one })),
    });
  const jobOf = async (name: string) =>
    (await list<Job>('jobs', namespace.name)).find(({ metadata }) => metadata.labels?.['modelwright.dev/packaging'] === name);
  const untilReleased = async (name: string) => {
    const job = await eventually(
      () => jobOf(name),
      (found) => found?.spec.suspend === false,
    );
    assert.ok(job);
    return job.spec.template.spec;
  };

  it("runs as the model's service account, and is given of the Secrets that this one names the keys that a download uses", async () => {
    await apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'azure', namespace: namespace.name },
      stringData: { AZURE_STORAGE_ACCESS_KEY: 'hush', 'database-password': 'hush' },
    });
    await account('reader', 'azure', 'not-there');
    await apply(aModel('verified', namespace.name, { source, serviceAccountName: 'reader' }));
    const spec = await untilReleased('verified');
    assert.deepEqual([spec.serviceAccountName, spec.automountServiceAccountToken], ['reader', false]);
    const sources = spec.volumes.flatMap(({ projected }) => projected?.sources ?? []);
    assert.deepEqual(
      sources.map(({ secret: { name } }) => name),
      ['azure', 'not-there'],
    );
    for (const { secret } of sources) {
      assert.ok(secret.items.some(({ key }) => key === 'AZURE_STORAGE_ACCESS_KEY'));
      assert.ok(
        secret.items.every(({ key }) => /^AZ(?:URE)?_[A-Z_]+$/.test(key)),
        JSON.stringify(secret.items),
      );
    }
    assert.doesNotMatch(JSON.stringify(spec), /hush/);
    assert.equal(await serviceIfAny('verified', namespace.name), undefined);
  });

  it("makes a Pod that Pod Security's level restricted admits", async () => {
    const spec = await untilReleased('verified');
    await using strict = await freshNamespace('verify-strict');
    await kubectl(['label', 'namespace', strict.name, 'pod-security.kubernetes.io/enforce=restricted']);
    await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'reader', namespace: strict.name } });
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'verify', namespace: strict.name }, spec };
    await kubectl(['create', '--dry-run=server', '-f', '-'], { input: pod });
  });

  it('reads as "default" where the model names no service account', async () => {
    await apply(aModel('by-default', namespace.name, { source }));
    const spec = await untilReleased('by-default');
    assert.equal(spec.serviceAccountName, 'default');
    assert.ok(spec.volumes.every(({ projected }) => projected === undefined));
  });

  it('is not made for a service account that the policy does not allow, and waits for one that is not there', async () => {
    await account('privileged', 'azure');
    await apply(aModel('forbidden', namespace.name, { source, serviceAccountName: 'privileged' }));
    await apply(aModel('early', namespace.name, { source, serviceAccountName: 'late' }));
    await eventually(() => deployed('forbidden', namespace.name), says('Packaged', 'False', 'ServiceAccountNotAllowed'));
    const waiting = await eventually(() => deployed('early', namespace.name), says('Packaged', 'False', 'ServiceAccountMissing'));
    assert.match(conditionOf(waiting, 'Packaged')?.message ?? '', /no ServiceAccount "late" in this namespace.*make it, or correct/);
    assert.deepEqual([await jobOf('forbidden'), await jobOf('early')], [undefined, undefined]);
    await account('late');
    assert.equal((await untilReleased('early')).serviceAccountName, 'late');
  });

  it('is all that sees the Secrets: the operator may neither read them nor have a token of the service account', async () => {
    const may = (...asked: readonly string[]) => kubectl(['auth', 'can-i', ...asked, '-n', namespace.name, `--as=${operatorUser}`]);
    for (const asked of [
      ['get', 'secrets'],
      ['list', 'secrets'],
      ['list', 'serviceaccounts'],
      ['create', 'serviceaccounts', '--subresource=token'],
      ['create', 'pods'],
    ]) {
      await assert.rejects(may(...asked), Error, asked.join(' '));
    }
    assert.match(await may('get', 'serviceaccounts/reader'), /yes/);
    assert.deepEqual(operator.errors(), []);
  });
});
