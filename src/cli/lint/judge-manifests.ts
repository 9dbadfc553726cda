/** Judges manifests as the API server would, and a little further, without a cluster. Pure: texts in, findings out. */
import { group, version } from '../../api/kind.ts';
import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import { isTransitionRule } from '../../api/rule.ts';
import type { ServingPlatform } from '../../api/serving-platform/index.ts';
import type { Finding } from '../../models/finding.ts';
import { advice } from './advice.ts';
import { parsePath } from './field-path.ts';
import { type AnyKind, isModelDeployment, isModelProfile, isServingPlatform, kinds } from './kinds.ts';
import { inOrder, type ManifestFinding } from './manifest-finding.ts';
import { nearest } from './nearest.ts';
import { fieldsWithoutValue, withoutNulls } from './no-value.ts';
import { profileAdvice } from './profile-advice.ts';
import { isRecord } from './record.ts';
import { type RepetitionJudge, repetitionJudge } from './repetition.ts';
import { matchesSchema, schemaFindings } from './schema-findings.ts';
import { type FieldPath, parseYaml, type YamlDocument, YamlError } from './yaml-document.ts';

export interface ManifestFile {
  /** As the findings shall name it. */
  readonly file: string;
  readonly text: string;
}

/** A judgement of more than the API server has: of an installed KServe, say. Asked only of objects that keep the schema. */
export type ExtraRule = (deployment: ModelDeployment) => readonly Finding[];

/** The same of a ServingPlatform. */
export type PlatformRule = (platform: ServingPlatform) => readonly Finding[];

export interface LintOptions {
  readonly extraRules?: readonly ExtraRule[];
  readonly platformRules?: readonly PlatformRule[];
}

export interface LintResult {
  readonly findings: readonly ManifestFinding[];
  /** How many objects of ours were judged; other kinds are passed over. */
  readonly objects: number;
}

export function judgeManifests(files: readonly ManifestFile[], { extraRules = [], platformRules = [] }: LintOptions = {}): LintResult {
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
      const written = (path: FieldPath) => document.written([...base, ...path]);
      found.push(...judge({ object, file, written }, repetitions, { extraRules, platformRules }).map(place));
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

interface Subject {
  readonly object: Readonly<Record<string, unknown>>;
  readonly file: string;
  readonly written: (path: FieldPath) => string | undefined;
}

function judge(
  { object, file, written }: Subject,
  repetitions: RepetitionJudge,
  { extraRules, platformRules }: Required<LintOptions>,
): readonly Finding[] {
  const kind = kinds.find((known) => known.kind === object['kind']);
  const misnamed = unknownKind(object, kind);
  if (kind === undefined || misnamed.length > 0) return misnamed;
  const stored = withoutNulls(object);
  const findings = [
    ...fieldsWithoutValue(object['spec'], ['spec']),
    ...schemaFindings(stored, kind, written),
    ...repetitions.object(object, file),
  ];
  if (!matchesSchema(stored, kind)) return findings;
  findings.push(...brokenRules(stored, kind));
  if (isServingPlatform(stored, kind)) return [...findings, ...platformRules.flatMap((rule) => rule(stored))];
  if (isModelProfile(stored, kind)) return [...findings, ...profileAdvice(stored)];
  if (!isModelDeployment(stored, kind)) return findings;
  return [...findings, ...repetitions.model(stored, file), ...advice(stored), ...extraRules.flatMap((rule) => rule(stored))];
}

function unknownKind({ apiVersion, kind }: Readonly<Record<string, unknown>>, known: AnyKind | undefined): Finding[] {
  const finding = (path: string, sentence: string, fix: string): Finding[] => [
    { code: 'MW-L2002', severity: 'error', path, sentence, fix },
  ];
  if (apiVersion !== `${group}/${version}`) {
    const written = JSON.stringify(String(apiVersion).slice(group.length + 1));
    return finding('apiVersion', `${group} has no version ${written}.`, `Write ${group}/${version}.`);
  }
  if (known !== undefined) return [];
  const names = kinds.map((each) => each.kind);
  const near = nearest(String(kind), names);
  const fix = near === undefined ? `Kinds: ${names.join(', ')}.` : `Did you mean ${near}?`;
  return finding('kind', `${group} has no kind ${JSON.stringify(kind ?? '')}.`, fix);
}

/** Rules of change need the stored object, which only the API server has. */
function brokenRules(object: unknown, kind: AnyKind): Finding[] {
  return kind.rules
    .filter((rule) => !isTransitionRule(rule) && !rule.holds(object as never))
    .map(({ id, fieldPath, message }) => ({ code: id, severity: 'error', path: fieldPath.slice(1), sentence: `${message}.`, fix: '' }));
}
