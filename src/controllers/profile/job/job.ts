/** The Job of a run: one completion index for each chunk of points, one after the other. */
import { hash } from 'node:crypto';
import type { ModelProfile } from '../../../api/model-profile/index.ts';
import { controllerReference } from '../../../kube/object.ts';
import { restrictedContainer, restrictedPod } from '../../../kube/pod-security.ts';
import type { Cached } from '../../../kube/store.ts';
import type { DatasetPlace } from '../accuracy/dataset.ts';
import {
  datasetAnnotation,
  loadContainer,
  loadRole,
  payloadAnnotation,
  planAnnotation,
  profileLabel,
  reportAnnotation,
  roleLabel,
  runLabel,
  targetAnnotation,
} from '../labels.ts';
import type { JobPlan } from '../plan/job-plan.ts';
import type { Task } from '../plan/tasks.ts';
import { accessSecretName, archivePrefix } from '../report/names.ts';
import type { JobObject } from '../resources.ts';
import type { ReadyTarget } from '../target/target.ts';
import { targetKeyOf } from '../target/target-key.ts';
import { benchArguments } from './arguments.ts';
import type { BenchSettings } from './settings.ts';
import { volumesOf } from './volumes.ts';

export interface JobInput {
  readonly profile: Cached<ModelProfile>;
  readonly run: string;
  /** Its place among the Jobs of the run, from 0. */
  readonly attempt: number;
  readonly target: ReadyTarget;
  readonly chunks: readonly (readonly Task[])[];
  readonly plan: JobPlan;
  readonly settings: BenchSettings;
  /** Folder that its pods upload their full reports to, where that is asked for. */
  readonly reportUri?: string;
  /** Where they get labelled samples from. */
  readonly dataset?: DatasetPlace;
  /** Seconds after which Kubernetes ends it. */
  readonly deadlineSeconds: number;
}

/** What is left of a Job and its pods is there for people to look at for an hour; the operator has read it by then. */
const ttlSeconds = 3600;
/** Exit codes of `modelwright bench` that every other index would end with as well: wrong usage, server not usable, payload refused. */
const hopelessExitCodes = [2, 3, 6];

/** The Job, complete: the same input gives the same Job, under the same name. */
export function renderJob(input: JobInput): JobObject {
  const { profile, run, attempt, chunks, plan, deadlineSeconds, reportUri, dataset } = input;
  const { namespace = '', uid, name } = profile.metadata;
  const labels = {
    'app.kubernetes.io/managed-by': 'modelwright',
    [roleLabel]: loadRole,
    [profileLabel]: uid,
    [runLabel]: run,
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(name, run, attempt),
      namespace,
      labels,
      annotations: {
        [planAnnotation]: JSON.stringify(plan),
        [targetAnnotation]: targetKeyOf(profile),
        ...(reportUri !== undefined && { [reportAnnotation]: reportUri }),
        ...(dataset?.kind === 'Blob' && { [datasetAnnotation]: dataset.url }),
      },
      ownerReferences: [controllerReference(profile as never)],
    },
    spec: {
      completionMode: 'Indexed',
      completions: chunks.length,
      // Two at once would measure each other.
      parallelism: 1,
      backoffLimitPerIndex: 0,
      activeDeadlineSeconds: deadlineSeconds,
      ttlSecondsAfterFinished: ttlSeconds,
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
          { action: 'FailJob', onExitCodes: { containerName: loadContainer, operator: 'In', values: hopelessExitCodes } },
        ],
      },
      template: { metadata: { labels, ...payloadOf(profile) }, spec: podSpec(input) },
    },
  };
}

/** A completion index is part of its pod's host name: 63 characters with up to four of it. */
const longestName = 58;

/** Shortened where it must be, with a digest that keeps two long names apart. */
export function jobName(profile: string, run: string, attempt: number): string {
  const suffix = `-${run}-${attempt}`;
  const plain = profile.replaceAll('.', '-');
  const room = longestName - suffix.length;
  if (plain.length <= room) return plain + suffix;
  const digest = hash('sha256', profile, 'hex').slice(0, 6);
  return `${plain.slice(0, room - 7).replace(/-+$/, '')}-${digest}${suffix}`;
}

function payloadOf({ spec }: Cached<ModelProfile>) {
  const json = spec.payload?.json;
  return json === undefined ? {} : { annotations: { [payloadAnnotation]: json } };
}

function podSpec({ profile, run, attempt, target, chunks, settings, reportUri, dataset }: JobInput): object {
  const { image, cpus } = settings;
  const name = jobName(profile.metadata.name, run, attempt);
  const places = {
    ...(reportUri !== undefined && { upload: archivePrefix(reportUri, name) }),
    ...(dataset !== undefined && { dataset }),
  };
  const needsAccess = reportUri !== undefined || dataset?.kind === 'Blob';
  const { volumes, mounts } = volumesOf(profile.spec, needsAccess ? accessSecretName(name) : undefined, places);
  const resources = { cpu: String(cpus), memory: '1Gi' };
  return {
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // A measurement under way is ended with what it has.
    terminationGracePeriodSeconds: 10,
    securityContext: restrictedPod,
    ...placementOf(profile, target),
    ...(volumes.length > 0 && { volumes }),
    containers: [
      {
        name: loadContainer,
        image,
        args: benchArguments(profile.spec, run, target, chunks, Math.max(1, cpus - 1), places),
        // Whole CPUs that are the pod's own: one that is throttled sends late, and measures itself.
        resources: { requests: resources, limits: resources },
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'FallbackToLogsOnError',
        securityContext: restrictedContainer,
        ...(mounts.length > 0 && { volumeMounts: mounts }),
      },
    ],
  };
}

/** `OtherNode`: not where a pod of the target is; `SameNode`: only there, whatever keeps others off that node. */
function placementOf({ spec }: Cached<ModelProfile>, { podLabel }: ReadyTarget): object {
  const { placement = 'Any' } = spec;
  if (placement === 'Any' || podLabel === undefined) return {};
  const terms = [{ topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { [podLabel.key]: podLabel.value } } }];
  const rule = { requiredDuringSchedulingIgnoredDuringExecution: terms };
  if (placement === 'OtherNode') return { affinity: { podAntiAffinity: rule } };
  return { affinity: { podAffinity: rule }, tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }] };
}
