/** Asks the API server what `decide.ts` wants to know, and writes what it has decided. */
import type { ModelDeployment } from '../../../api/model-deployment/index.ts';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { isConflict, isForbidden, isInvalid, isNotFound, KubeError } from '../../../kube/errors.ts';
import type { ObjectKey } from '../../../kube/object.ts';
import type { Cached } from '../../../kube/store.ts';
import { modelDeployments } from '../../deployment/resources.ts';
import { ownConfigMapName, writeOwnConfigMap } from '../own-config-map.ts';
import { changesOf, forward, type SpecPatch, standingOf } from './changes.ts';
import { gitOpsOf } from './gitops.ts';
import { admissionJudges } from './judge.ts';
import { type Json, mergePatch } from './merge-patch.ts';
import { type FieldConflict, type Live, managerOf, specToApply, unmet } from './ownership.ts';
import { patchKey } from './patch-file.ts';
import type { Outcome, Step } from './step.ts';

export interface StepPorts {
  readonly client: KubeClient;
  readonly profile: Cached<ModelProfile>;
  /** The ModelDeployment as the decision saw it; another one of its name is left alone. */
  readonly deployment: Cached<ModelDeployment> | undefined;
}

/** Takes one step. Throws what may pass by itself: no connection, a server that is overloaded. */
export async function takeStep(step: Step, ports: StepPorts, signal: AbortSignal): Promise<Outcome> {
  const { client, profile } = ports;
  const { namespace = '' } = profile.metadata;
  const key: ObjectKey = { namespace, name: profile.spec.target.modelDeployment ?? '' };
  if (step.kind === 'Judge') return { kind: 'Judged', admitted: await admissionJudges(client, namespace, key.name, signal) };
  const live = await readLive(client, key, signal);
  if (live === undefined || live.metadata.uid !== uidOf(step, ports)) return { kind: 'NotWritten' };
  const gitOps = gitOpsOf(live.metadata);
  switch (step.kind) {
    case 'Try':
      if (gitOps !== undefined) {
        if (step.file === undefined) return { kind: 'Managed', gitOps, refused: 'the API server would refuse it' };
        const configMap = ownConfigMapName(profile.metadata.name, 'patch');
        const refused = await writeOwnConfigMap(client, profile, configMap, { data: { [patchKey]: step.file } }, signal);
        return { kind: 'Managed', gitOps, ...(refused === undefined ? { configMap } : { refused }) };
      }
      return dryRun(step.patch, live, ports, signal);
    case 'Write': {
      const { changes } = step.application;
      const standing = standingOf(live.spec as Json, changes);
      if (standing === 'After') return { kind: 'Written' };
      if (!step.mayWrite || standing === 'Other' || gitOps !== undefined) return { kind: 'NotWritten' };
      return write(forward(changes), live, ports, signal);
    }
    case 'RollBack':
      return gitOps === undefined ? write(step.patch, live, ports, signal) : { kind: 'Managed', gitOps };
  }
}

function uidOf(step: Step, { deployment }: StepPorts): string | undefined {
  return step.kind === 'Write' ? step.application.modelDeploymentUid : deployment?.metadata.uid;
}

async function readLive(client: KubeClient, key: ObjectKey, signal: AbortSignal): Promise<Live | undefined> {
  try {
    return (await client.get(modelDeployments, key, signal)) as unknown as Live;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** What an apply would change, without force: a field that is somebody else's stays theirs. */
async function dryRun(patch: SpecPatch, live: Live, ports: StepPorts, signal: AbortSignal): Promise<Outcome> {
  const manager = managerOf(ports.profile.metadata.name);
  const { made, refusal } = await apply(patch, live, ports, true, signal);
  if (made === undefined) return refusal;
  const conflicts = unmet(live, made, patch, manager);
  if (conflicts.length > 0) return { kind: 'Conflict', conflicts };
  const change = mergePatch(live.spec as Json, made.spec as Json);
  return { kind: 'Accepted', changes: change === undefined ? [] : changesOf(live.spec as Json, change as SpecPatch) };
}

async function write(patch: SpecPatch, live: Live, ports: StepPorts, signal: AbortSignal): Promise<Outcome> {
  const tried = await dryRun(patch, live, ports, signal);
  if (tried.kind !== 'Accepted') return tried;
  const { refusal } = await apply(patch, live, ports, false, signal);
  return refusal ?? { kind: 'Written' };
}

/** What the API server made of an apply, or why it did not. */
type Answer = { readonly made: { readonly spec: object }; readonly refusal?: never } | { readonly made?: never; readonly refusal: Outcome };

async function apply(patch: SpecPatch, live: Live, { client, profile }: StepPorts, isDry: boolean, signal: AbortSignal): Promise<Answer> {
  const { name, namespace = '', uid, resourceVersion } = live.metadata;
  const manager = managerOf(profile.metadata.name);
  const spec = specToApply(live, patch, manager);
  const body = {
    apiVersion: live.apiVersion,
    kind: live.kind,
    // What was looked at is what is written: whoever changes it in between is not written over.
    metadata: { name, namespace, uid, resourceVersion },
    ...(spec !== undefined && { spec }),
  };
  try {
    const options = { fieldManager: manager, ...(isDry && { dryRun: true }) };
    const made = await client.apply(modelDeployments, body as never, options, signal);
    return { made: made as unknown as { readonly spec: object } };
  } catch (error) {
    const conflicts = conflictsOf(error);
    if (conflicts.length > 0) return { refusal: { kind: 'Conflict', conflicts } };
    if (isNotFound(error) || isConflict(error)) return { refusal: { kind: 'NotWritten' } };
    if (isInvalid(error) || isForbidden(error) || (error instanceof KubeError && error.status === 400)) {
      return { refusal: { kind: 'Refused', message: error.message } };
    }
    throw error;
  }
}

/** The fields that others own, out of the refusal of an unforced apply: `conflict with "kubectl" using modelwright.dev/v1alpha1`. */
function conflictsOf(error: unknown): FieldConflict[] {
  if (!(error instanceof KubeError) || error.status !== 409) return [];
  return error.causes
    .filter(({ reason }) => reason === 'FieldManagerConflict')
    .map(({ message = '', field = '' }) => ({
      manager: /conflict with "([^"]*)"/.exec(message)?.[1] ?? message,
      field: field.replace(/^\./, ''),
    }));
}
