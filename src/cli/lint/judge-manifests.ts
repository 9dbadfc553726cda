/** Judges manifests as the API server would, and a little further, without a cluster. Pure: texts in, findings out. */
import { group, version } from '../../api/kind.ts';
import { type ModelDeployment, modelDeployment } from '../../api/model-deployment/index.ts';
import { isTransitionRule } from '../../api/rule.ts';
import type { Finding } from '../../models/finding.ts';
import { advice } from './advice.ts';
import { parsePath, printPath } from './field-path.ts';
import { inOrder, type ManifestFinding } from './manifest-finding.ts';
import { nearest } from './nearest.ts';
import { isRecord } from './record.ts';
import { repetitionJudge } from './repetition.ts';
import { matchesSchema, schemaFindings } from './schema-findings.ts';
import { type FieldPath, parseYaml, type YamlDocument, YamlError } from './yaml-document.ts';

export interface ManifestFile {
  /** As the findings shall name it. */
  readonly file: string;
  readonly text: string;
}

/** A judgement of more than the API server has: of an installed KServe, say. Asked only of objects that keep the schema. */
export type ExtraRule = (deployment: ModelDeployment) => readonly Finding[];

export interface LintOptions {
  readonly extraRules?: readonly ExtraRule[];
}

export interface LintResult {
  readonly findings: readonly ManifestFinding[];
  /** How many objects of ours were judged; other kinds are passed over. */
  readonly objects: number;
}

export function judgeManifests(files: readonly ManifestFile[], { extraRules = [] }: LintOptions = {}): LintResult {
  const found: ManifestFinding[] = [];
  const repetitions = repetitionJudge();
  let objects = 0;
  for (const { file, text } of files) {
    for (const { object, document, base } of objectsIn(file, text, found)) {
      objects++;
      const place = (finding: Finding): ManifestFinding => {
        const path = [...base, ...parsePath(finding.path)];
        const at = finding.code === 'MW-L2003' ? document.keyPosition(path) : document.position(path);
        return { file, ...at, ...finding };
      };
      const findings = judge(object, (path) => document.written([...base, ...path]), extraRules);
      found.push(...[...findings, ...repetitions(object, file)].map(place));
    }
  }
  return { findings: inOrder(found), objects };
}

interface Located {
  readonly object: Readonly<Record<string, unknown>>;
  readonly document: YamlDocument;
  /** Where in the document the object begins: an entry of a List does not begin at its root. */
  readonly base: FieldPath;
}

function objectsIn(file: string, text: string, found: ManifestFinding[]): Located[] {
  try {
    return parseYaml(text)
      .flatMap((document) => entries(document))
      .filter(({ object }) => String(object['apiVersion']).split('/')[0] === group);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    found.push({
      file,
      ...error.position,
      code: 'MW-L2001',
      severity: 'error',
      path: '',
      sentence: `This is not YAML: ${error.message}.`,
      fix: 'Correct the indentation, brackets or quotes here or just above.',
    });
    return [];
  }
}

function entries(document: YamlDocument): Located[] {
  const { value } = document;
  if (!isRecord(value)) return [];
  if (value['kind'] !== 'List' || !Array.isArray(value['items'])) return [{ object: value, document, base: [] }];
  return value['items'].flatMap((object: unknown, index) => (isRecord(object) ? [{ object, document, base: ['items', index] }] : []));
}

function judge(
  object: Readonly<Record<string, unknown>>,
  written: (path: FieldPath) => string | undefined,
  extraRules: readonly ExtraRule[],
): readonly Finding[] {
  const foreign = unknownKind(object);
  if (foreign !== undefined) return [foreign];
  const nothing = fieldsWithoutValue(object['spec'], ['spec']);
  const stored = withoutNulls(object);
  const findings = [...nothing, ...schemaFindings(stored, written)];
  if (!matchesSchema(stored)) return findings;
  return [...findings, ...brokenRules(stored), ...advice(stored), ...extraRules.flatMap((rule) => rule(stored))];
}

function unknownKind({ apiVersion, kind }: Readonly<Record<string, unknown>>): Finding | undefined {
  const known = modelDeployment.kind;
  if (apiVersion !== `${group}/${version}`) {
    return {
      code: 'MW-L2002',
      severity: 'error',
      path: 'apiVersion',
      sentence: `${group} has no version ${JSON.stringify(String(apiVersion).slice(group.length + 1))}.`,
      fix: `Write ${group}/${version}.`,
    };
  }
  if (kind === known) return undefined;
  return {
    code: 'MW-L2002',
    severity: 'error',
    path: 'kind',
    sentence: `${group} has no kind ${JSON.stringify(kind ?? '')}.`,
    fix: nearest(String(kind), [known]) === undefined ? `Kinds: ${known}.` : `Did you mean ${known}?`,
  };
}

/** The API server takes a field without a value for an absent one. */
function fieldsWithoutValue(value: unknown, path: FieldPath): Finding[] {
  if (!isRecord(value)) return Array.isArray(value) ? value.flatMap((entry, index) => fieldsWithoutValue(entry, [...path, index])) : [];
  return Object.entries(value).flatMap(([name, child]): Finding[] => {
    const here = [...path, name];
    if (child !== null) return fieldsWithoutValue(child, here);
    const sentence = 'has no value; the API server leaves the field out';
    return [{ code: 'MW-L2011', severity: 'warning', path: printPath(here), sentence, fix: 'Give it a value, or remove it.' }];
  });
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => child !== null)
      .map(([name, child]) => [name, withoutNulls(child)]),
  );
}

/** Rules of change need the stored object, which only the API server has. */
function brokenRules(object: ModelDeployment): Finding[] {
  return modelDeployment.rules
    .filter((rule) => !isTransitionRule(rule) && !rule.holds(object))
    .map(({ id, fieldPath, message }) => ({ code: id, severity: 'error', path: fieldPath.slice(1), sentence: `${message}.`, fix: '' }));
}
