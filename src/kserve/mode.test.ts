import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DeploymentMode } from '../api/model-deployment/serving.ts';
import { dialectOf } from './dialect.ts';
import type { ClusterFacts } from './facts.ts';
import { parseMode, resolveMode, spellMode } from './mode.ts';
import { exampleDeployment } from './testing/example.ts';

const withKnative = dialectOf({ major: 0, minor: 20 });
const withoutKnative = dialectOf({ major: 0, minor: 20 }, { knative: false });
const facts = (mode?: string): ClusterFacts => ({
  resources: [],
  ...(mode !== undefined && {
    inferenceServiceConfig: { namespace: 'kserve', data: { deploy: JSON.stringify({ defaultDeploymentMode: mode }) } },
  }),
});
const deployment = (spec?: DeploymentMode, status?: DeploymentMode) => ({
  ...exampleDeployment(spec === undefined ? {} : { deploymentMode: spec }),
  ...(status !== undefined && { status: { deploymentMode: status } }),
});

describe('the deployment mode', () => {
  const table: readonly [string, DeploymentMode | undefined, DeploymentMode | undefined, string | undefined, string][] = [
    ['spec before all else', 'Knative', 'Standard', 'Standard', 'Knative from Spec'],
    ['status, fixed at creation, before the default', undefined, 'Knative', 'Standard', 'Knative from Status'],
    ['the ConfigMap before what is installed', undefined, undefined, 'Knative', 'Knative from ConfigMap'],
    ['the old name Serverless', undefined, undefined, 'Serverless', 'Knative from ConfigMap'],
    ['the old name RawDeployment', undefined, undefined, 'RawDeployment', 'Standard from ConfigMap'],
    ['an empty default is none', undefined, undefined, '', 'Standard from Installed'],
    ['ModelMesh is not served', undefined, undefined, 'ModelMesh', 'Standard from Installed'],
    ['no ConfigMap', undefined, undefined, undefined, 'Standard from Installed'],
  ];
  for (const [name, spec, status, configured, expected] of table) {
    it(`${name}: ${expected}`, () => {
      const decision = resolveMode(deployment(spec, status), facts(configured), withKnative);
      assert.equal(decision.kind === 'Resolved' ? `${decision.mode} from ${decision.from}` : decision.message, expected);
    });
  }
  it('falls to Standard where KServe ships with Knative as its default and Knative is not there', () => {
    assert.deepEqual(resolveMode(deployment(), facts('Serverless'), withoutKnative), {
      kind: 'Resolved',
      mode: 'Standard',
      from: 'Installed',
    });
  });
  it('that was asked for is never exchanged', () => {
    const decision = resolveMode(deployment('Knative'), facts(), withoutKnative);
    assert.match(
      decision.kind === 'Unavailable' ? decision.message : '',
      /spec\.deploymentMode is Knative, and Knative Serving is not installed/,
    );
    const old = resolveMode(deployment('Standard'), facts(), dialectOf('kfserving-0.6'));
    assert.match(old.kind === 'Unavailable' ? old.message : '', /KFServing 0\.6 does not have/);
  });
  it('survives a ConfigMap that is no JSON', () => {
    const broken: ClusterFacts = { resources: [], inferenceServiceConfig: { namespace: 'kserve', data: { deploy: '{"default' } } };
    assert.equal(resolveMode(deployment(), broken, withKnative).kind, 'Resolved');
    const empty: ClusterFacts = { resources: [], inferenceServiceConfig: { namespace: 'kserve', data: { deploy: 'null' } } };
    assert.equal(resolveMode(deployment(), empty, withKnative).kind, 'Resolved');
  });
  it('is spelled as each version knows it', () => {
    const spelled = ([20, 16, 15, 7] as const).map((minor) => spellMode('Standard', dialectOf({ major: 0, minor })));
    assert.deepEqual(spelled, ['Standard', 'Standard', 'RawDeployment', 'RawDeployment']);
    assert.equal(spellMode('Knative', dialectOf({ major: 0, minor: 11 })), 'Serverless');
    assert.equal(spellMode('Knative', dialectOf('kfserving-0.6')), undefined);
  });
  it('is read in any spelling', () => {
    assert.deepEqual(['Standard', 'rawdeployment', 'KNATIVE', 'Serverless', 'ModelMesh', ''].map(parseMode), [
      'Standard',
      'Standard',
      'Knative',
      'Knative',
      undefined,
      undefined,
    ]);
  });
});
