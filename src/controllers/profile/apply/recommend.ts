/** What the best setting of a profile means for the ModelDeployment that was measured: no more than the measurement supports. Pure. */
import { hash } from 'node:crypto';
import type { ModelDeployment, ModelDeploymentSpec } from '../../../api/model-deployment/index.ts';
import type { ModelProfileStatus } from '../../../api/model-profile/index.ts';
import type { RecommendationStatus } from '../../../api/model-profile/recommendation.ts';
import { specOfCopy } from '../dedicated/copy.ts';
import type { Entry } from '../dedicated/entries.ts';
import { type Json, mergePatch } from './merge-patch.ts';

export type Best = NonNullable<ModelProfileStatus['best']>;

export interface Measured {
  readonly best: Best;
  readonly deployment: ModelDeployment;
  /** The entry of the hardware that the best setting was measured on; absent for the running service. */
  readonly entry: Entry | undefined;
}

/** What the API server has said to a patch, by its hash: a refusal in its words, or null when it took it. */
export type Verdicts = Readonly<Record<string, string | null>>;

type Change = RecommendationStatus['changes'][number];

const longestValue = 4096;

export function recommendationOf(measured: Measured, verdicts: Verdicts): RecommendationStatus {
  const { best, deployment } = measured;
  const { wanted, why, notes } = wantedSpec(measured);
  const nothing = nothingToSet(measured);
  const changes = changesBetween(deployment.spec, wanted, why);
  const patch = mergePatch(deployment.spec as unknown as Json, wanted as unknown as Json);
  if (patch === undefined) {
    return {
      point: best.id,
      changes: [],
      verdict: 'Nothing',
      message: (nothing ?? sentences(`The ModelDeployment is set up like ${best.id}`, ...notes)).slice(0, 2048),
    };
  }
  const text = JSON.stringify({ spec: patch });
  const said = verdicts[patchHash(deployment, text)];
  const verdict = said === undefined ? 'Unchecked' : said === null ? 'Accepted' : 'Refused';
  const summary = said
    ? `The API server would refuse the patch: ${said}`
    : `Set up like ${best.id}: ${changes.map(({ field }) => field).join(', ')}`;
  return { point: best.id, changes, patch: text, verdict, message: sentences(summary, ...notes).slice(0, 2048) };
}

/** Names a patch of one state of a deployment. */
export function patchHash({ metadata }: ModelDeployment, patch: string): string {
  return hash('sha256', JSON.stringify([metadata.uid, metadata.generation, patch]), 'hex').slice(0, 16);
}

/** The spec that the best setting was measured to be best with. */
export function specOfBest(measured: Measured): ModelDeploymentSpec {
  return wantedSpec(measured).wanted;
}

/**
 * Why nothing of the best setting can be set in the ModelDeployment, in sentences; undefined where something is. Of the running service nothing was varied but what clients
 * send, and only Knative has a field that says how many requests a copy is given at a time.
 */
export function nothingToSet(measured: Measured): string | undefined {
  const { why, notes } = wantedSpec(measured);
  if (Object.keys(why).length > 0) return undefined;
  const dedicated = 'To have hardware, resources, copies or batching compared, and set, measure with mode: Dedicated';
  return sentences(`Nothing of ${measured.best.id} can be set in the ModelDeployment`, ...notes, dedicated);
}

interface Wanted {
  readonly wanted: ModelDeploymentSpec;
  readonly why: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
}

function wantedSpec({ best, deployment, entry }: Measured): Wanted {
  const { spec, status } = deployment;
  const on = entry === undefined ? spec : likeEntry(spec, deployment, entry);
  const copies = entry === undefined ? fixedCopies(deployment) : (entry.replicas ?? 1);
  const notes = best.batchSize > 1 ? [`Send ${best.batchSize} samples in one request, as was measured`] : [];
  const why: Record<string, string> = {};
  if (entry !== undefined) for (const field of entryFields) why[field] = `The best setting was measured on ${entry.name}`;
  const { concurrency } = best;
  if (concurrency === undefined) return { wanted: on, why, notes: [...notes, 'How many requests come in a second is up to clients'] };
  if (copies === undefined) {
    const varies = `How many requests at once one copy may be given is not said: how many copies there were is not known, since spec.scaling lets them vary`;
    return { wanted: on, why, notes: [...notes, varies] };
  }
  const each = Math.ceil(concurrency / copies);
  if (status?.deploymentMode !== 'Knative') {
    return {
      wanted: on,
      why,
      notes: [
        ...notes,
        `It keeps the objective with ${concurrency} requests at once on ${copies} ${copies === 1 ? 'copy' : 'copies'}; Standard mode has no field that holds more of them back`,
      ],
    };
  }
  const { containerConcurrency: held = 0 } = on.scaling ?? {};
  if (held > 0 && held < each) {
    const before = `Each copy was given at most ${held} requests at a time while it was measured (spec.scaling.containerConcurrency), which is what it keeps the objective with`;
    return { wanted: on, why, notes: [...notes, before] };
  }
  why['scaling'] = `${concurrency} requests at once on ${copies} ${copies === 1 ? 'copy' : 'copies'} were measured to be best`;
  return { wanted: { ...on, scaling: { ...on.scaling, containerConcurrency: each } }, why, notes };
}

/** How many copies run, where their number does not vary; KServe runs one where nothing is said, and Knative adds to it. */
function fixedCopies({ spec: { scaling }, status }: ModelDeployment): number | undefined {
  const least = scaling?.minReplicas ?? 1;
  const most = scaling?.maxReplicas ?? (status?.deploymentMode === 'Knative' ? undefined : least);
  return least === most ? least : undefined;
}

const entryFields = ['runtime', 'gpu', 'scheduling', 'resources', 'batching', 'scaling'] as const;

/** The deployment on the hardware of an entry. Only what an entry can set is taken from the copy. */
function likeEntry(spec: ModelDeploymentSpec, deployment: ModelDeployment, entry: Entry): ModelDeploymentSpec {
  const { spec: copy } = specOfCopy(deployment, entry, {
    'kubernetes.podspec-nodeselector': 'enabled',
    'kubernetes.podspec-tolerations': 'enabled',
    'kubernetes.podspec-affinity': 'enabled',
  });
  const { runtime, gpu, scheduling, resources, batching } = copy;
  const { gpu: _gpu, scheduling: _scheduling, resources: _resources, batching: _batching, scaling, ...rest } = spec;
  const { replicas } = entry;
  const scaled =
    replicas === undefined
      ? scaling
      : { ...scaling, minReplicas: replicas, maxReplicas: Math.max(replicas, scaling?.maxReplicas ?? replicas) };
  return {
    ...rest,
    runtime,
    ...(gpu !== undefined && { gpu }),
    ...(scheduling !== undefined && { scheduling }),
    ...(resources !== undefined && { resources }),
    ...(batching !== undefined && { batching }),
    ...(scaled !== undefined && { scaling: scaled }),
  };
}

function changesBetween(from: ModelDeploymentSpec, to: ModelDeploymentSpec, why: Readonly<Record<string, string>>): Change[] {
  return entryFields.flatMap((field): Change[] => {
    const [current, recommended] = [from[field], to[field]];
    if (mergePatch(current as unknown as Json, recommended as unknown as Json) === undefined) return [];
    return [
      {
        field: `spec.${field}`,
        ...(current !== undefined && { current: shown(current) }),
        ...(recommended !== undefined && { recommended: shown(recommended) }),
        why: why[field] ?? 'The best setting was measured so',
      },
    ];
  });
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= longestValue ? text : `${text.slice(0, longestValue - 1)}…`;
}

function sentences(...texts: readonly string[]): string {
  return texts.join('. ');
}
