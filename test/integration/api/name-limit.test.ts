import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { maxNameLength, maxNameLengthWithTransformer } from '../../../src/api/model-deployment/rules.ts';
import { freshNamespace, kubectl } from '../../support/cluster.ts';

describe('the longest name of a ModelDeployment is the longest whose pods KServe can label', () => {
  let namespace: Awaited<ReturnType<typeof freshNamespace>>;
  before(async () => {
    namespace = await freshNamespace('names');
  });
  after(() => namespace[Symbol.asyncDispose]());

  /** The Deployment that KServe makes for a component in Standard mode, as far as its names go (deployment_reconciler.go). */
  const createDeployment = (component: string) => {
    const labels = { app: `isvc.${component}` };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'kserve-container', image: 'x' }] } };
    const object = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: component, labels },
      spec: { selector: { matchLabels: labels }, template },
    };
    return kubectl(['create', '--dry-run=server', '-n', namespace.name, '-f', '-'], { input: object });
  };

  for (const [component, longest] of [
    ['predictor', maxNameLength],
    ['transformer', maxNameLengthWithTransformer],
  ] as const) {
    it(`${longest} characters for a ${component}, and not one more`, async () => {
      await createDeployment(`${'a'.repeat(longest)}-${component}`);
      await assert.rejects(createDeployment(`${'a'.repeat(longest + 1)}-${component}`), /must be no more than 63 (characters|bytes)/);
    });
  }
});
