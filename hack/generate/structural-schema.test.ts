import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load } from 'js-yaml';
import { Type } from '../../src/api/schema.ts';
import { generatedFiles } from './files.ts';
import { type StructuralSchema, structuralSchema } from './structural-schema.ts';

/** Every node of a schema with its path. */
function* nodes(schema: StructuralSchema, path = ''): Generator<[path: string, schema: StructuralSchema]> {
  yield [path, schema];
  for (const [name, property] of Object.entries(schema.properties ?? {})) yield* nodes(property, `${path}.${name}`);
  if (schema.items) yield* nodes(schema.items, `${path}[]`);
  if (schema.additionalProperties) yield* nodes(schema.additionalProperties, `${path}.*`);
}

/** What a default must hold to: the words, the pattern and the range of its own field. */
function accepts({ enum: words, pattern, minimum, maximum }: StructuralSchema, value: unknown): boolean {
  if (words !== undefined && !words.includes(String(value))) return false;
  if (pattern !== undefined && !new RegExp(pattern).test(String(value))) return false;
  return typeof value !== 'number' || (value >= (minimum ?? value) && value <= (maximum ?? value));
}

interface Crd {
  readonly spec: {
    readonly names: { readonly kind: string };
    readonly versions: readonly {
      readonly schema: { readonly openAPIV3Schema: StructuralSchema };
      readonly additionalPrinterColumns: readonly { readonly jsonPath: string }[];
      readonly selectableFields?: readonly { readonly jsonPath: string }[];
    }[];
  };
}

const crds = [...generatedFiles()]
  .filter(([path]) => /^crds\/modelwright/.test(path))
  .map(([, text]) => ({ text, crd: load(text) as Crd }));

it('there are CRDs', () => assert.ok(crds.length > 0));

for (const { text, crd } of crds) {
  const [version] = crd.spec.versions;
  assert.ok(version);
  const root = version.schema.openAPIV3Schema;
  const own = [...nodes(root)].filter(([path]) => /^\.(spec|status)/.test(path));
  const paths = new Set([...nodes(root)].map(([path]) => path));

  /** The paths of the nodes for which something does not hold; a test shows them all at once. */
  const except = (holds: (schema: StructuralSchema, path: string) => boolean) =>
    own.filter(([path, schema]) => !holds(schema, path)).map(([path]) => path);

  describe(`the schema of a ${crd.spec.names.kind}`, () => {
    it('has a spec and a status', () => assert.ok(paths.has('.spec') && paths.has('.status')));
    it('gives every node one type', () =>
      assert.deepEqual(
        except((s) => (s.type === undefined) === (s['x-kubernetes-int-or-string'] === true)),
        [],
      ));
    it('describes every field', () => {
      assert.deepEqual(
        except(({ description }, path) => /(\.\*|\[\])$/.test(path) || /^[A-Z].*[.…]$/.test(description ?? '')),
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
    // Of custom resources kubectl and Argo CD merge lists as a whole: they would never stop finding a difference.
    it('has no default within the items of a list', () =>
      assert.deepEqual(
        except((s, path) => s.default === undefined || !path.startsWith('.spec') || !path.includes('[]')),
        [],
      ));
    it('keeps defaults within their own bounds', () => {
      assert.deepEqual(
        except((s) => s.default === undefined || accepts(s, s.default)),
        [],
      );
    });
    it('spells every enumeration in PascalCase, or as percentiles are written', () => {
      assert.deepEqual(
        except((s) => (s.enum ?? []).every((word) => /^([A-Z][A-Za-z0-9]*|p[0-9]+)$/.test(word))),
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

  describe(`the CustomResourceDefinition of a ${crd.spec.names.kind}`, () => {
    it('shows nothing of the library it is written with', () => assert.doesNotMatch(text, /~[a-z]|patternProperties|\$id|\$ref/));
    it('fits the annotation that `kubectl apply` keeps it in', () => assert.ok(text.length < 256 * 1024, `${text.length} bytes`));
    it('points every rule and selectable field at a field that exists', () => {
      const ofRules = [...nodes(root)].flatMap(([path, schema]) =>
        (schema['x-kubernetes-validations'] ?? []).map((rule) => path + rule.fieldPath),
      );
      const selectable = (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath);
      assert.deepEqual(
        [...ofRules, ...selectable].filter((path) => !paths.has(path)),
        [],
      );
    });
    it('takes its columns from fields that exist', () => {
      const fields = version.additionalPrinterColumns.map(({ jsonPath }) => jsonPath.replace(/\[\?\(.*\)\]/, '[]'));
      assert.deepEqual(
        fields.filter((path) => !paths.has(path) && path !== '.metadata.creationTimestamp'),
        [],
      );
    });
  });
}

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
