/** Changes of a ModelDeployment, field by field: as they are told and remembered, and as the patches that make and undo them. Pure. */
import { type AppliedChange, longestValue, maximumChanges } from '../../../api/model-profile/apply.ts';
import { isObject, type Json, mergePatch, patched, withoutEmpty } from './merge-patch.ts';

/** A patch of `spec`, by the fields of the first two levels: `scaling` → `containerConcurrency`. */
export type SpecPatch = { readonly [field: string]: Json };

/** What a patch changes: fields of the second level where both sides have it, else of the first. None deeper: their names may have dots. */
export function changesOf(spec: Json, patch: SpecPatch): AppliedChange[] {
  const from = isObject(spec) ? spec : {};
  return Object.entries(patch).flatMap(([name, part]) => {
    if (!isObject(part)) return change(`spec.${name}`, from[name], part === null ? undefined : part);
    const [before, after] = [isObject(from[name]) ? from[name] : {}, patched(from[name], part)];
    return Object.keys(part).flatMap((field) => change(`spec.${name}.${field}`, before[field], isObject(after) ? after[field] : undefined));
  });
}

function change(field: string, before: Json | undefined, after: Json | undefined): AppliedChange[] {
  if (mergePatch(before, after) === undefined) return [];
  return [
    {
      field,
      ...(before !== undefined && { before: JSON.stringify(before) }),
      ...(after !== undefined && { after: JSON.stringify(after) }),
    },
  ];
}

/** Why the changes could not be remembered whole, and so not be undone; undefined when they can. */
export function tooMuch(changes: readonly AppliedChange[]): string | undefined {
  if (changes.length > maximumChanges) return `${changes.length} fields would be changed, and ${maximumChanges} can be remembered`;
  const long = changes.find(({ before = '', after = '' }) => before.length > longestValue || after.length > longestValue);
  return long === undefined ? undefined : `the value of ${long.field} is longer than can be remembered`;
}

/** The patch that makes the changes once more. */
export function forward(changes: readonly AppliedChange[]): SpecPatch {
  return patchOf(changes, ({ before, after }) => [before, after]);
}

/** The patch that undoes the changes, and touches nothing that others have set beside them since. */
export function backward(changes: readonly AppliedChange[]): SpecPatch {
  return patchOf(changes, ({ before, after }) => [after, before]);
}

/** The patch that undoes several applications, one after the other; undefined when nothing is left to undo. @param applications the latest first */
export function backThrough(spec: Json, applications: readonly { readonly changes: readonly AppliedChange[] }[]): SpecPatch | undefined {
  const before = applications.reduce<Json>((value, { changes }) => patched(value, backward(changes)), spec);
  const patch = mergePatch(spec, before);
  return patch === undefined ? undefined : (withoutEmpty(patch) as SpecPatch | undefined);
}

function patchOf(
  changes: readonly AppliedChange[],
  ends: (change: AppliedChange) => readonly [string | undefined, string | undefined],
): SpecPatch {
  return changes.reduce<SpecPatch>((all, one) => {
    const [from, to] = ends(one).map((text) => (text === undefined ? undefined : (JSON.parse(text) as Json)));
    // Somebody may have set more in an object that was not there before: only what was written goes.
    const step = mergePatch(from, to === undefined && isObject(from) ? {} : to);
    if (step === undefined) return all;
    const nested = one.field
      .split('.')
      .slice(1)
      .reduceRight<Json>((value, name) => ({ [name]: value }), step);
    return joined(all, nested) as SpecPatch;
  }, {});
}

/** Two patches of different fields as one. */
function joined(a: Json | undefined, b: Json): Json {
  if (!isObject(a) || !isObject(b)) return b;
  return { ...a, ...Object.fromEntries(Object.entries(b).map(([name, part]) => [name, joined(a[name], part)])) };
}

/** Where a field of the changes stands in a spec: as it was, as it was made, or neither. */
export function standingOf(spec: Json, changes: readonly AppliedChange[]): 'Before' | 'After' | 'Other' {
  const is = (end: 'before' | 'after') =>
    changes.every((one) => {
      const [now, wanted] = [valueAt(spec, one.field), one[end] === undefined ? undefined : (JSON.parse(one[end]) as Json)].map((value) =>
        value === undefined ? undefined : withoutEmpty(value),
      );
      return mergePatch(now, wanted) === undefined;
    });
  return is('after') ? 'After' : is('before') ? 'Before' : 'Other';
}

function valueAt(spec: Json, field: string): Json | undefined {
  return field
    .split('.')
    .slice(1)
    .reduce<Json | undefined>((value, name) => (isObject(value) ? value[name] : undefined), spec);
}
