/** Models that come from a repository, and clusters whose admission judges who may ask: what a profile with spec.apply: Apply does there. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { apply, kubeconfig, kubectl } from '../../support/cluster.ts';
import { aModel } from '../deployment/objects.ts';
import { ApplyStage, type Model, patchMap } from './apply-stage.ts';

const run = promisify(execFile);
const root = resolve(import.meta.dirname, '../../..');

describe('spec.apply: Apply where something else has a say', () => {
  let stage: ApplyStage;
  before(async () => {
    stage = await ApplyStage.start('gitops');
  });
  after(() => stage?.[Symbol.asyncDispose]());

  const exported = async (name: string) =>
    (
      await run(process.execPath, [join(root, 'src/cli/main.ts'), 'profile', 'export', name, '-n', stage.namespace, '--patch', '-'], {
        env: { ...process.env, KUBECONFIG: kubeconfig() },
      })
    ).stdout;

  /** Builds the manifest of a model with the patch file, as its repository would. */
  async function built(name: string, model: object, patch: string): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'modelwright-kustomize-'));
    try {
      writeFileSync(join(folder, 'model.yaml'), JSON.stringify(model));
      writeFileSync(join(folder, 'patch.yaml'), patch);
      const target = `{kind: ModelDeployment, name: ${name}}`;
      writeFileSync(join(folder, 'kustomization.yaml'), `resources: [model.yaml]\npatches: [{path: patch.yaml, target: ${target}}]\n`);
      return await kubectl(['kustomize', folder]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  const marks: readonly (readonly [name: string, tool: string, metadata: object])[] = [
    ['argocd', 'Argo CD', { annotations: { 'argocd.argoproj.io/tracking-id': 'apps:modelwright.dev/ModelDeployment:x/argocd' } }],
    ['flux', 'Flux', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps', 'kustomize.toolkit.fluxcd.io/namespace': 'flux-system' } }],
    ['helm', 'Helm', { labels: { 'app.kubernetes.io/managed-by': 'Helm' }, annotations: { 'meta.helm.sh/release-name': 'helm' } }],
  ];
  for (const [name, tool, metadata] of marks) {
    it(`writes nothing to a model of ${tool}, and leaves the patch for its repository`, async () => {
      await stage.serving(name, {}, metadata);
      // Nobody has to name the profile: nothing is written anyway, but what admission says comes first.
      await kubectl(['annotate', 'modeldeployment', name, '-n', stage.namespace, `modelwright.dev/apply-profile=${name}`]);
      await stage.profile(name, '4');
      const { metadata: profile } = await stage.finish(name);
      const message = await stage.says(name, 'ManagedByGitOps');
      assert.match(
        message,
        new RegExp(
          `^ModelDeployment ${name} is managed by ${tool} \\(.*nothing is written to it; .* ConfigMap ${name}-patch, key patch\\.yaml$`,
        ),
      );
      const { data, metadata: owned } = await patchMap(`${name}-patch`, stage.namespace);
      assert.deepEqual(
        owned.ownerReferences?.map((owner) => owner.name),
        [profile.name],
      );
      assert.equal(
        data['patch.yaml'],
        `apiVersion: modelwright.dev/v1alpha1\nkind: ModelDeployment\nmetadata:\n  name: ${name}\nspec:\n  resources:\n    limits:\n      cpu: '4'\n`,
      );
      assert.equal(await exported(name), data['patch.yaml']);
      assert.equal(await stage.limits(name), undefined);
      // With the namespace in the manifest, and without it.
      const { metadata: identity, ...model } = aModel(name, stage.namespace) as { metadata: object };
      for (const where of [identity, { name }]) {
        const made = await built(name, { ...model, metadata: where }, data['patch.yaml'] ?? '');
        assert.match(made, /resources:\n {4}limits:\n {6}cpu: "4"/);
      }
    });
  }

  it('knows Argo CD by its field manager, too, and changes the file with the next run', async () => {
    const name = 'tracked';
    const model = aModel(name, stage.namespace) as { metadata: object };
    const metadata = {
      ...model.metadata,
      labels: { 'app.kubernetes.io/instance': 'apps' },
      annotations: { 'modelwright.dev/apply-profile': name },
    };
    await kubectl(['apply', '--server-side', '--field-manager=argocd-controller', '-f', '-'], { input: { ...model, metadata } });
    await stage.rolledOut(name);
    await stage.profile(name, '4');
    await stage.finish(name);
    assert.match(await stage.says(name, 'ManagedByGitOps'), /\(field manager argocd-controller\)/);
    await stage.change('modelprofile', name, { sweep: { hardware: [{ name: 'wide', resources: { limits: { cpu: '8' } } }] } });
    const second = await stage.finish(name);
    await stage.until(
      name,
      ({ status }) => status?.application?.run === second.status?.run?.id && status?.application?.configMap !== undefined,
    );
    const deadline = Date.now() + 60_000;
    while (!/cpu: '8'/.test((await patchMap(`${name}-patch`, stage.namespace)).data['patch.yaml'] ?? '')) {
      assert.ok(Date.now() < deadline, 'the file has the patch of the first run');
      await new Promise((done) => setTimeout(done, 200));
    }
    assert.equal(await stage.limits(name), undefined);
  });

  it('does not touch a ConfigMap that is not its own', async () => {
    await apply({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'taken-patch', namespace: stage.namespace },
      data: { mine: 'yes' },
    });
    await stage.serving(
      'taken',
      {},
      { labels: { 'kustomize.toolkit.fluxcd.io/name': 'apps' }, annotations: { 'modelwright.dev/apply-profile': 'taken' } },
    );
    await stage.profile('taken', '4');
    await stage.finish('taken');
    assert.match(await stage.says('taken', 'ManagedByGitOps'), /there is a ConfigMap taken-patch that is not of this profile; delete it$/);
    assert.deepEqual((await patchMap('taken-patch', stage.namespace)).data, { mine: 'yes' });
  });

  it('undoes what it applied itself, also after a tool took the model over, only in the repository', async () => {
    await stage.serving('moved');
    await stage.profile('moved', '4');
    const { status } = await stage.finish('moved');
    await stage.says('moved', 'Applied');
    await kubectl(['label', 'modeldeployment', 'moved', '-n', stage.namespace, 'kustomize.toolkit.fluxcd.io/name=apps']);
    await stage.change('modelprofile', 'moved', { rollback: status?.run?.id });
    await stage.says('moved', 'ManagedByGitOps');
    assert.deepEqual(await stage.limits('moved'), { cpu: '4' });
  });

  it('needs no word of the model where admission refuses profiles of those who may not update it', async () => {
    // Written before the policy: nobody has judged who it was.
    await stage.serving('early', {}, {});
    await stage.profile('early', '4');
    await stage.finish('early');
    await stage.says('early', 'NotAuthorized');

    await kubectl(['apply', '--server-side', '-k', join(root, 'manifests/admission')]);
    try {
      const operator = 'system:serviceaccount:modelwright-system:modelwright';
      const probe = {
        apiVersion: 'modelwright.dev/v1alpha1',
        kind: 'ModelProfile',
        metadata: { name: 'probe', namespace: stage.namespace },
        spec: {
          target: { modelDeployment: 'early' },
          sweep: { concurrency: [1] },
          objective: { latency: [{ percentile: 'p99', maxMilliseconds: 1 }] },
          apply: 'Apply',
        },
      };
      const deadline = Date.now() + 60_000;
      for (;;) {
        const said = await kubectl(['create', '--dry-run=server', '-f', '-'], { as: operator, input: probe }).catch(
          (error: Error) => error.message,
        );
        if (said.includes('you may not update the ModelDeployment')) break;
        assert.ok(Date.now() < deadline, `the policy is not in force: ${said}`);
        await new Promise((done) => setTimeout(done, 200));
      }
      await stage.serving('judged', {}, {});
      await stage.profile('judged', '4');
      await stage.finish('judged');
      await stage.says('judged', 'Applied');
      assert.deepEqual(await stage.limits('judged'), { cpu: '4' });
      // The policies hold the operator to ConfigMaps of its own, which these are.
      await stage.serving('policed', {}, { labels: { 'helm.toolkit.fluxcd.io/name': 'apps' } });
      await stage.profile('policed', '4');
      await stage.finish('policed');
      assert.match(await stage.says('policed', 'ManagedByGitOps'), /ConfigMap policed-patch/);
      const foreign = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'foreign', namespace: stage.namespace } };
      await assert.rejects(kubectl(['create', '-f', '-'], { as: operator, input: foreign }), /and no other ConfigMaps/);
      // A policy that came later judges no earlier profile.
      await stage.says('early', 'NotAuthorized');
      assert.equal(((await stage.model('early')) as Model).spec.resources, undefined);
    } finally {
      await kubectl(['delete', '-k', join(root, 'manifests/admission')]);
    }
  });

  it('has come to no error by any of it', () => assert.deepEqual(stage.stage.operator.errors(), []));
});
