import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { load } from 'js-yaml';
import { established } from '../../../hack/controlplane/established.ts';
import { modelDeployment } from '../../../src/api/model-deployment/index.ts';
import { applyCrds, freshNamespace, get, kubectl } from '../../support/cluster.ts';
import { deployment } from './rule-examples.ts';
import { dryRun, verdictOf } from './verdict.ts';

const crdFile = resolve(import.meta.dirname, '../../../crds/modelwright.dev_modeldeployments.yaml');
const crdName = 'modeldeployments.modelwright.dev';

describe('the CustomResourceDefinition on a real API server', () => {
  let namespace: Awaited<ReturnType<typeof freshNamespace>>;
  before(async () => {
    await applyCrds();
    namespace = await freshNamespace('schema');
  });
  after(() => namespace[Symbol.asyncDispose]());

  const inNamespace = (...args: string[]) => kubectl([...args, '-n', namespace.name]);
  const stored = (name: string) => get<Record<string, never> & StoredDeployment>('modeldeployment', name, namespace.name);
  async function create(object: object): Promise<void> {
    await kubectl(['create', '-n', namespace.name, '-f', '-'], { input: object });
  }
  const patchStatus = (name: string, status: object) =>
    inNamespace('patch', 'modeldeployment', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));

  it('is structural and established, with every rule within the cost budget', async () => {
    const { status } = await get<{ status: { conditions: { type: string; status: string; message: string }[] } }>('crd', crdName);
    const conditions = Object.fromEntries(status.conditions.map((condition) => [condition.type, condition.status]));
    assert.deepEqual(conditions, { NamesAccepted: 'True', Established: 'True' });
  });

  it('keeps every part it was given', async () => {
    const given = (load(readFileSync(crdFile, 'utf8')) as { spec: { versions: object[] } }).spec.versions[0];
    const { spec } = await get<{ spec: { versions: object[] } }>('crd', crdName);
    assert.deepEqual(spec.versions[0], given);
  });

  it('can be applied from the client side too: it fits the annotation', async () => {
    await kubectl(['apply', '--dry-run=server', '-f', crdFile]);
  });

  describe('what kubectl prints for', () => {
    const refusals: readonly (readonly [what: string, object: object, complaint: RegExp])[] = [
      [
        'an unknown runtime',
        edited((spec) => ({ ...spec, runtime: { type: 'vLLM' } })),
        /^spec\.runtime\.type: Unsupported value: "vLLM": supported values: "TFServing", "TorchServe", "Triton", "SKLearn", "XGBoost", "LightGBM"$/,
      ],
      ['an unknown field', edited((spec) => ({ ...spec, replicas: 2 })), /unknown field "spec\.replicas"/],
      [
        'a second source',
        edited((spec) => ({ ...spec, source: { storageUri: 'gs://b/x', volume: { claimName: 'models' } } })),
        /^spec\.source: Invalid value: "object": spec\.source must have exactly one of storageUri, volume and archive$/,
      ],
      ['no source', edited(({ runtime }) => ({ runtime })), /^spec\.source: Required value$/],
      ['no spec', { ...deployment(), spec: undefined }, /^spec: Required value$/],
      [
        'a number for a text',
        edited((spec) => ({ ...spec, runtime: { type: 'Triton', version: 20.1 } })),
        /^spec\.runtime\.version: Invalid value: "number": spec\.runtime\.version in body must be of type string: "number"$/,
      ],
      [
        'a text for a number',
        edited((spec) => ({ ...spec, scaling: { maxReplicas: 'many' } })),
        /^spec\.scaling\.maxReplicas: Invalid value: "string": .* must be of type integer: "string"$/,
      ],
      [
        'a number out of bounds',
        edited((spec) => ({ ...spec, scaling: { maxReplicas: 1001 } })),
        /^spec\.scaling\.maxReplicas: Invalid value: 1001: .* should be less than or equal to 1000$/,
      ],
      [
        'a text that is too long',
        edited((spec) => ({ ...spec, model: { license: 'x'.repeat(129) } })),
        /^spec\.model\.license: Too long: may not be more than 128 bytes$/,
      ],
      [
        'a text that has not the form',
        edited((spec) => ({ ...spec, model: { metrics: [{ name: 'acc', value: '97%' }] } })),
        /^spec\.model\.metrics\[0\]\.value: Invalid value: "97%": .* should match /,
      ],
      [
        'a list that is too long',
        edited((spec) => ({ ...spec, model: { references: Array.from({ length: 17 }, (_, index) => `r${index}`) } })),
        /^spec\.model\.references: Too many: 17: must have at most 16 items$/,
      ],
      [
        'a metric given twice',
        edited((spec) => ({ ...spec, model: { metrics: [1, 2].map(() => ({ name: 'acc', value: '1' })) } })),
        /^spec\.model\.metrics\[1\]: Duplicate value: \{"name":"acc"\}$/,
      ],
      [
        'a quantity that is none',
        edited((spec) => ({ ...spec, resources: { limits: { memory: '1GB' } } })),
        /^spec\.resources\.limits\.memory: Invalid value: "1GB": .* should match /,
      ],
      [
        'a negative quantity',
        edited((spec) => ({ ...spec, resources: { limits: { cpu: -1 } } })),
        /^spec\.resources\.limits\.cpu: Invalid value: -1: .* should be greater than or equal to 0$/,
      ],
      [
        'an operator that affinity does not have',
        edited((spec) => ({
          ...spec,
          scheduling: {
            affinity: {
              nodeAffinity: {
                requiredDuringSchedulingIgnoredDuringExecution: {
                  nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'Is' }] }],
                },
              },
            },
          },
        })),
        /matchExpressions\[0\]\.operator: Unsupported value: "Is"/,
      ],
    ];
    for (const [what, object, complaint] of refusals) {
      it(what, async () => {
        const { complaints } = await dryRun('create', object, namespace.name);
        assert.ok(
          complaints.some((line) => complaint.test(line)),
          complaints.join('\n') || 'it was accepted',
        );
      });
    }
  });

  it('fills in the GPU resource, and nothing else', async () => {
    await create({ ...deployment({ name: 'defaults', runtime: { type: 'Triton' }, gpu: { count: 1 } }) });
    const { spec } = await stored('defaults');
    assert.deepEqual(spec, {
      runtime: { type: 'Triton' },
      source: { storageUri: 'gs://bucket/iris' },
      gpu: { count: 1, resourceName: 'nvidia.com/gpu' },
    });
  });

  it('takes a field without a value for an absent one', async () => {
    await create(edited((spec) => ({ ...spec, gpu: null, model: { task: null, license: 'MIT' } }), 'empty'));
    const { spec } = await stored('empty');
    assert.deepEqual([spec['gpu'], spec['model']], [undefined, { license: 'MIT' }]);
  });

  it('keeps spec and status apart', async () => {
    await create({ ...deployment({ name: 'apart' }), status: { observedGeneration: 7 } });
    assert.equal((await stored('apart')).status, undefined, 'a status in a manifest is dropped');

    const before = await stored('apart');
    const change = JSON.stringify({ spec: { suspend: true }, status: { observedGeneration: 1 } });
    await inNamespace('patch', 'modeldeployment', 'apart', '--subresource=status', '--type=merge', '-p', change);
    const afterwards = await stored('apart');
    assert.equal(afterwards.spec['suspend'], undefined, 'the status subresource changes no spec');
    assert.deepEqual(afterwards.status, { observedGeneration: 1 });
    assert.equal(afterwards.metadata.generation, before.metadata.generation, 'a status makes no new generation');

    await inNamespace('patch', 'modeldeployment', 'apart', '--type=merge', '-p', JSON.stringify({ spec: { suspend: true }, status: {} }));
    const suspended = await stored('apart');
    assert.equal(suspended.metadata.generation, before.metadata.generation + 1);
    assert.deepEqual(suspended.status, { observedGeneration: 1 });
  });

  it('merges conditions of two writers by type', async () => {
    await create(deployment({ name: 'conditions' }));
    const condition = (type: string) => ({ type, status: 'True', reason: 'Said', message: '', lastTransitionTime: '2026-01-02T03:04:05Z' });
    for (const type of ['Ready', 'RuntimeReady']) {
      const object = {
        apiVersion: 'modelwright.dev/v1alpha1',
        kind: 'ModelDeployment',
        metadata: { name: 'conditions' },
        status: { conditions: [condition(type)] },
      };
      const args = ['apply', '--server-side', '--subresource=status', `--field-manager=${type}`, '-n', namespace.name, '-f', '-'];
      await kubectl(args, { input: object });
    }
    const { conditions } = (await stored('conditions')).status as { conditions: { type: string }[] };
    assert.deepEqual(conditions.map(({ type }) => type).sort(), ['Ready', 'RuntimeReady']);
    const verdict = await verdictOf(patchStatus('conditions', { conditions: [{ ...condition('Ready'), status: 'Maybe' }] }));
    assert.match(verdict.complaints.join('\n'), /^status\.conditions\[0\]\.status: Unsupported value: "Maybe"/);
  });

  it('prints columns a person can decide from', async () => {
    await create(
      deployment({ name: 'columns', runtime: { type: 'Triton' }, model: { task: 'image-classification', framework: 'ONNX', version: 3 } }),
    );
    await patchStatus('columns', {
      deploymentMode: 'Standard',
      conditions: [
        { type: 'Ready', status: 'False', reason: 'ImagePullBackOff', message: 'x', lastTransitionTime: '2026-01-02T03:04:05Z' },
      ],
      loading: { state: 'Pending', ready: 1, total: 2, summary: '1/2' },
      addresses: { external: { url: 'http://columns.example.com', host: 'columns.example.com' } },
      runtime: { image: 'nvcr.io/nvidia/tritonserver:23.05-py3' },
    });
    const rows = async (...args: string[]) => (await inNamespace('get', 'modeldeployment', 'columns', ...args)).trimEnd().split('\n');
    const cells = (row = '') => row.trim().split(/ {2,}/);

    const [headings, row] = await rows();
    assert.deepEqual(cells(headings), ['NAME', 'RUNTIME', 'TASK', 'READY', 'STATUS', 'COPIES', 'URL', 'AGE']);
    assert.deepEqual(cells(row).slice(0, -1), [
      'columns',
      'Triton',
      'image-classification',
      'False',
      'ImagePullBackOff',
      '1/2',
      'http://columns.example.com',
    ]);
    const [wideHeadings, wideRow] = await rows('-o', 'wide');
    const wide = Object.fromEntries(cells(wideHeadings).map((heading, index) => [heading, cells(wideRow)[index]]));
    assert.equal(wide['VERSION'], '3');
    assert.equal(wide['FRAMEWORK'], 'ONNX');
    assert.equal(wide['MODE'], 'Standard');
    assert.equal(wide['IMAGE'], 'nvcr.io/nvidia/tritonserver:23.05-py3');
  });

  it('is listed by kubectl get modelwright, and by its name in both numbers', async () => {
    await create(deployment({ name: 'listed' }));
    for (const word of ['modelwright', 'modeldeployments', 'modeldeployment', crdName]) {
      assert.match(await inNamespace('get', word, '-o', 'name'), /^modeldeployment\.modelwright\.dev\/listed$/m, word);
    }
  });

  it('can be selected by every field that it says', async () => {
    await create(
      deployment({
        name: 'selected',
        runtime: { type: 'LightGBM' },
        model: { framework: 'LightGBM', task: 'ranking', architecture: 'gbdt', dataset: 'clicks', parent: 'rankers' },
      }),
    );
    for (const path of modelDeployment.selectableFields) {
      const field = path.slice(1);
      const value = field.split('.').reduce<unknown>((object, step) => (object as Record<string, unknown>)[step], await stored('selected'));
      const select = (operator: string) =>
        inNamespace('get', 'modeldeployments', '-o', 'name', '--field-selector', `${field}${operator}${value}`);
      assert.equal(await select('='), 'modeldeployment.modelwright.dev/selected\n', field);
      assert.doesNotMatch(await select('!='), /\/selected$/m, field);
    }
  });

  it('explains every field', async () => {
    assert.match(await kubectl(['explain', 'modeldeployment.spec.runtime.version']), /Tag or digest/);
    assert.match(await kubectl(['explain', 'modeldeployment.spec.model.inputs.shape']), /-1 is any size/);
  });

  it('does not judge an unchanged spec again: status can be written for an object older than a rule', async () => {
    // The same schema under another group and other names, so that no other test meets it: first without rules, then with them.
    const group = 'older.example.com';
    const crd = load(readFileSync(crdFile, 'utf8')) as Crd;
    crd.metadata.name = `olderdeployments.${group}`;
    crd.spec.group = group;
    crd.spec.names = { kind: 'OlderDeployment', plural: 'olderdeployments', singular: 'olderdeployment', listKind: 'OlderDeploymentList' };
    const [version] = crd.spec.versions;
    assert.ok(version);
    const { spec } = version.schema.openAPIV3Schema.properties;
    const rules = spec['x-kubernetes-validations'];
    spec['x-kubernetes-validations'] = [];
    const applyCrd = async () => {
      await kubectl(['apply', '--server-side', '-f', '-'], { input: crd });
      await established(kubectl, [`crd/${crd.metadata.name}`]);
    };
    await using _ = {
      [Symbol.asyncDispose]: async () => void (await kubectl(['delete', 'crd', crd.metadata.name, '--wait=false', '--ignore-not-found'])),
    };
    await applyCrd();
    const old = {
      ...deployment({ name: 'old', storageUri: 'ftp://example.com/iris' }),
      apiVersion: `${group}/v1alpha1`,
      kind: 'OlderDeployment',
    };
    await kubectl(['create', '-n', namespace.name, '-f', '-'], { input: old });

    spec['x-kubernetes-validations'] = rules;
    await applyCrd();
    const patch = (args: string[], value: object) =>
      inNamespace('patch', 'olderdeployment', 'old', '--type=merge', ...args, '-p', JSON.stringify(value));
    const refused = await untilRefused(() => patch(['--dry-run=server'], { spec: { suspend: true } }));
    assert.match(refused, /spec\.source\.storageUri must begin with one of/, 'a changed spec is judged');
    await patch(['--subresource=status'], { status: { observedGeneration: 1 } });
    await patch([], { metadata: { labels: { seen: 'yes' } } });
  });
});

interface StoredDeployment {
  readonly metadata: { readonly generation: number };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

interface Crd {
  readonly metadata: { name: string };
  readonly spec: {
    group: string;
    names: Record<string, string>;
    readonly versions: {
      readonly schema: { readonly openAPIV3Schema: { readonly properties: { readonly spec: { 'x-kubernetes-validations': object[] } } } };
    }[];
  };
}

/** A valid deployment whose spec was replaced by anything at all. */
function edited(edit: (spec: Readonly<Record<string, unknown>>) => object, name = 'iris'): object {
  const object = deployment({ name });
  return { ...object, spec: edit({ ...object.spec }) };
}

/** The API server takes a changed CRD into use shortly after it has stored it. */
async function untilRefused(attempt: () => Promise<unknown>): Promise<string> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    try {
      await attempt();
    } catch (error) {
      return String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('it was never refused');
}
