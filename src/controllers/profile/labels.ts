/** What tells the objects of a run apart: set on its Jobs and their pods, read back from them. */

/** The part that a pod plays; the caches of the profile controller hold only what has it. */
export const roleLabel = 'modelwright.dev/role';
export const loadRole = 'load';
/** UID of the ModelProfile. */
export const profileLabel = 'modelwright.dev/profile-uid';
/** Id of the run. */
export const runLabel = 'modelwright.dev/run';
/** Set by the Job controller on every pod of an Indexed Job (Kubernetes ≥ 1.28). */
export const indexLabel = 'batch.kubernetes.io/job-completion-index';

/** On a Job: which points each completion index measures, and for the how many-th time (`JobPlan` as JSON). */
export const planAnnotation = 'modelwright.dev/plan';
/** On a Job: what it loads, as `targetKey` writes it. */
export const targetAnnotation = 'modelwright.dev/target';
/** On a Job: the address of the blob that its pods read labelled samples from. */
export const datasetAnnotation = 'modelwright.dev/dataset';
/** On a Job: the folder that its pods upload their full reports to. */
export const reportAnnotation = 'modelwright.dev/report';
/** On a pod: the sample request of spec.payload.json, read through a volume. */
export const payloadAnnotation = 'modelwright.dev/payload';

/** The container that measures. */
export const loadContainer = 'bench';
