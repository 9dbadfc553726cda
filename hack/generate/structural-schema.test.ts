import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { modelDeployment } from '../../src/api/model-deployment/index.ts';
import { Type } from '../../src/api/schema.ts';
import { customResourceDefinition, rootSchema } from './crd.ts';
import { type StructuralSchema, structuralSchema } from './structural-schema.ts';

/** Every node of a schema with its path. */
function* nodes(schema: StructuralSchema, path = ''): Generator<[path: string, schema: StructuralSchema]> {
  yield [path, schema];
  for (const [name, property] of Object.entries(schema.properties ?? {})) yield* nodes(property, `${path}.${name}`);
  if (schema.items) yield* nodes(schema.items, `${path}[]`);
  if (schema.additionalProperties) yield* nodes(schema.additionalProperties, `${path}.*`);
}

const root = rootSchema(modelDeployment);
const own = [...nodes(root)].filter(([path]) => /^\.(spec|status)/.test(path));

/** The paths of the nodes for which something does not hold; a test shows them all at once. */
const except = (holds: (schema: StructuralSchema, path: string) => boolean) =>
  own.filter(([path, schema]) => !holds(schema, path)).map(([path]) => path);

describe('the schema of a ModelDeployment', () => {
  it('is not trivially small', () => assert.ok(own.length > 150));
  it('gives every node one type', () =>
    assert.deepEqual(
      except((s) => (s.type === undefined) === (s['x-kubernetes-int-or-string'] === true)),
      [],
    ));
  it('describes every field', () => {
    assert.deepEqual(
      except(({ description }, path) => path.endsWith('.*') || /^[A-Z].*[.…]$/.test(description ?? '')),
      [],
    );
  });
  it('bounds every string', () => {
    assert.deepEqual(
      except((s) => s.type !== 'string' || s.enum !== undefined || s.maxLength !== undefined),
      [],
    );
  });
  it('bounds every quantity', () =>
    assert.deepEqual(
      except((s) => !s['x-kubernetes-int-or-string'] || s.maxLength !== undefined),
      [],
    ));
  it('bounds every number', () => {
    assert.deepEqual(
      except((s) => s.type !== 'integer' || (s.minimum !== undefined && s.maximum !== undefined)),
      [],
    );
  });
  it('bounds every list and says how it merges', () => {
    assert.deepEqual(
      except((s) => s.type !== 'array' || (s.maxItems !== undefined && s['x-kubernetes-list-type'] !== undefined)),
      [],
    );
  });
  it('bounds every map', () =>
    assert.deepEqual(
      except((s) => s.additionalProperties === undefined || s.maxProperties !== undefined),
      [],
    ));
  it('has for every object either known fields or a map', () => {
    assert.deepEqual(
      except((s) => s.type !== 'object' || (s.properties === undefined) !== (s.additionalProperties === undefined)),
      [],
    );
  });
  it('requires the keys of every keyed list', () => {
    const keyed = (s: StructuralSchema) => s['x-kubernetes-list-map-keys'] ?? [];
    assert.deepEqual(
      except((s) => keyed(s).every((key) => s.items?.required?.includes(key))),
      [],
    );
  });
  it('says int32 or int64 truly', () => {
    assert.deepEqual(
      except((s) => s.type !== 'integer' || s.format === ((s.maximum ?? 0) > 0x7fffffff ? 'int64' : 'int32')),
      [],
    );
  });
  it('keeps defaults within their own bounds', () => {
    assert.deepEqual(
      except((s) => s.default === undefined || (s.pattern !== undefined && new RegExp(s.pattern).test(String(s.default)))),
      [],
    );
  });
  it('spells every enumeration in PascalCase or as its protocol does', () => {
    assert.deepEqual(
      except((s) => (s.enum ?? []).every((word) => /^[A-Z][A-Za-z0-9]*$/.test(word))),
      [],
    );
  });
  it('names fields in camelCase', () => {
    const wrong = own
      .map(([path]) => path.split('.').at(-1)?.replace('[]', '') ?? '')
      .filter((name) => !/^([a-z][A-Za-z0-9]*|\*)$/.test(name));
    assert.deepEqual(wrong, []);
  });
});

describe('the CustomResourceDefinition', () => {
  const text = JSON.stringify(customResourceDefinition(modelDeployment));

  it('shows nothing of the library it is written with', () => assert.doesNotMatch(text, /~|patternProperties|\$id|\$ref/));
  it('fits the annotation that `kubectl apply` keeps it in', () => assert.ok(text.length < 256 * 1024, `${text.length} bytes`));
  it('points every rule and selectable field at a field that exists', () => {
    const paths = new Set([...nodes(root)].map(([path]) => path));
    const wanted = [...modelDeployment.rules.map(({ fieldPath }) => fieldPath), ...modelDeployment.selectableFields];
    assert.deepEqual(
      wanted.filter((path) => !paths.has(path)),
      [],
    );
  });
  it('takes its columns from fields that exist', () => {
    const paths = new Set([...nodes(root)].map(([path]) => path));
    const path = (jsonPath: string) => jsonPath.replace(/\[\?\(.*\)\]/, '[]');
    assert.deepEqual(
      modelDeployment.columns
        .map(({ jsonPath }) => path(jsonPath))
        .filter((wanted) => !paths.has(wanted) && wanted !== '.metadata.creationTimestamp'),
      [],
    );
  });
});

describe('a schema that is not structural', () => {
  it('is refused with the place and the keyword', () => {
    assert.throws(
      () => structuralSchema(Type.Object({ a: Type.Object({ b: Type.Tuple([Type.String()]) }) })),
      /schema\.a\.b: .*minItems|additionalItems/,
    );
    assert.throws(() => structuralSchema({ type: 'object', patternProperties: {} }, 'spec'), {
      message: 'spec: patternProperties cannot be part of a structural schema',
    });
  });
});
