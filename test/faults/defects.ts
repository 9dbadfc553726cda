/**
 * Mistakes that operators are known to make, each as a change of a few words in a copy of the source, with the experiments that ought to notice it.
 * A text that is not there exactly once stops the campaign: then the source has moved on, and the defect must move with it.
 */
import type { Replacement } from './build-operator.ts';
import {
  crashes,
  type Experiment,
  expired,
  halfOpen,
  replicas,
  requests,
  restarted,
  staleServer,
  undisturbed,
  usurped,
  watches,
} from './experiments.ts';

export interface Defect {
  readonly name: string;
  readonly replacements: readonly Replacement[];
  readonly experiments: readonly Experiment[];
  /** In place of `experiments`: two replicas with an election. */
  readonly replicas?: ReturnType<typeof replicas>;
  /** With the lease of 15 s in place of one of 6 s. */
  readonly realLease?: boolean;
}

/** The operator as it is: no experiment may find fault with it, or what they find in defects means nothing. */
export const control: Defect = {
  name: 'control: no defect',
  replacements: [],
  experiments: [undisturbed, restarted, usurped, expired, requests(['409 conflict', '500', '503', 'late answer']), watches, crashes],
};

const reconciler = 'controllers/deployment/reconciler.ts';
const ownership = 'controllers/deployment/ownership.ts';

export const defects: readonly Defect[] = [
  {
    name: 'a silent watch is trusted',
    replacements: [{ file: 'kube/reflector.ts', find: "else if (now >= idleAt) stalled.abort(new WatchStalled('idle'));", replace: '' }],
    experiments: [halfOpen],
  },
  {
    name: 'an apply without the UID that was judged',
    replacements: [
      {
        file: 'kube/apply.ts',
        find: 'uid === undefined ? whenAbsent : { uid }',
        replace: 'live !== undefined ? {} : uid === undefined ? whenAbsent : { uid }',
      },
    ],
    experiments: [usurped],
  },
  {
    name: 'a status without version and UID',
    replacements: [
      {
        file: 'kube/apply.ts',
        find: 'const metadata = { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion };',
        replace: 'const metadata = { name, ...(namespace !== undefined && { namespace }) };',
      },
    ],
    experiments: [undisturbed],
  },
  {
    name: 'a conflict is swallowed',
    replacements: [
      { file: reconciler, find: 'if (failure === undefined) throw error;', replace: 'if (failure === undefined) return done;' },
    ],
    experiments: [requests(['409 conflict'])],
  },
  {
    name: 'a server error is taken for a refusal',
    replacements: [{ file: reconciler, find: "if (failure.kind === 'Unavailable') throw error;", replace: '' }],
    experiments: [requests(['500', '503'])],
  },
  {
    name: 'a failed reconcile is not tried again',
    replacements: [{ file: 'kube/controller-runner.ts', find: 'this.#queue.addRateLimited(text);', replace: '' }],
    experiments: [requests(['500', '503', '409 conflict'])],
  },
  {
    name: 'observedGeneration stays as it was',
    replacements: [
      {
        file: 'controllers/deployment/status.ts',
        find: 'observedGeneration: generation,\n    // Only',
        replace: 'observedGeneration: status?.observedGeneration ?? generation,\n    // Only',
      },
    ],
    experiments: [undisturbed],
  },
  {
    name: 'an old readiness counts for a new spec',
    replacements: [
      { file: reconciler, find: 'settling: this.#isSettling(seen),', replace: 'settling: false,' },
      {
        file: reconciler,
        find: "outcome === 'Written' ? decide({ ...observed, settling: true }).status : decision.status",
        replace: 'decision.status',
      },
    ],
    // KServe may be quicker than the lie, on a busy machine.
    experiments: [undisturbed, undisturbed, undisturbed],
  },
  {
    name: 'no new list after 410',
    replacements: [
      {
        file: 'kube/reflector.ts',
        find: "else if (reason === 'expired' || reason === 'refused') this.#refill(this.#position);",
        replace: "else if (reason === 'refused') this.#refill(this.#position);",
      },
    ],
    experiments: [expired],
  },
  {
    name: 'a new list that keeps what is gone',
    replacements: [{ file: 'kube/object-store.ts', find: 'for (const text of missing) this.#remove(text);', replace: '' }],
    experiments: [expired],
  },
  {
    name: 'a broken watch goes on from now and not from where it was',
    replacements: [
      {
        file: 'kube/reflector.ts',
        find: 'resourceVersion: filling ? this.#fillFrom : this.#position,',
        replace: "resourceVersion: filling ? this.#fillFrom : '',",
      },
    ],
    experiments: [watches],
  },
  {
    name: 'a cache that keeps deleted objects',
    replacements: [{ file: 'kube/object-store.ts', find: '    this.#objects.delete(text);\n', replace: '' }],
    experiments: [undisturbed],
  },
  {
    name: 'the first read may come from the past',
    replacements: [{ file: 'kube/reflector.ts', find: "#fillFrom = '';\n  /** How far", replace: "#fillFrom = '0';\n  /** How far" }],
    experiments: [staleServer],
  },
  {
    name: 'a key that changes while it is worked on is forgotten',
    replacements: [
      {
        file: 'kube/queue.ts',
        find: 'if (known === undefined || known < wanted) this.#again.set(key, wanted);',
        replace: '',
      },
    ],
    experiments: [requests(['late answer'], 0.7)],
  },
  {
    name: 'an object of the cache is changed by who reads it',
    replacements: [
      {
        file: reconciler,
        find: 'this.#memories.begin(key, seen.deployment.metadata.uid);',
        replace: 'this.#memories.begin(key, seen.deployment.metadata.uid); Object.assign(seen.deployment.metadata, { labels: {} });',
      },
    ],
    experiments: [undisturbed],
  },
  {
    name: 'a status is written whether it differs or not',
    replacements: [
      { file: 'kube/apply.ts', find: 'if (sameValue(current, status)) return { written: false, object: live };', replace: '' },
    ],
    experiments: [restarted],
  },
  {
    name: 'an object is applied whether it differs or not',
    replacements: [
      {
        file: 'kube/apply.ts',
        find: 'if (live !== undefined && isAsDesired(live, desired)) return { written: false, object: live };',
        replace: '',
      },
    ],
    experiments: [restarted],
  },
  {
    name: 'what others own is taken over',
    replacements: [{ file: ownership, find: "  return { kind: 'Foreign', object };", replace: "  return { kind: 'Adoptable', object };" }],
    experiments: [undisturbed],
  },
  {
    name: 'an owner is known by its name and not its UID',
    replacements: [{ file: ownership, find: 'if (controller?.uid === owner.uid)', replace: 'if (controller?.name === owner.name)' }],
    experiments: [undisturbed, crashes],
  },
  {
    name: 'no owner reference',
    replacements: [{ file: 'kserve/render.ts', find: '...(owner !== undefined && { ownerReferences: [owner] }),', replace: '' }],
    experiments: [undisturbed],
  },
  {
    name: 'what is missing in the cache takes the name from whoever has it',
    replacements: [
      { file: reconciler, find: 'applier.applyOwn<InferenceServiceObject>(', replace: 'applier.apply<InferenceServiceObject>(' },
    ],
    experiments: [usurped],
  },
  {
    name: 'what an earlier deployment has left is deleted by its name alone',
    replacements: [
      {
        file: reconciler,
        find: "{ uid, resourceVersion, propagationPolicy: 'Background' }",
        replace: "{ propagationPolicy: 'Background' }",
      },
    ],
    experiments: [undisturbed, undisturbed],
  },
  {
    name: 'an InferenceService is made for a deployment that may be gone',
    replacements: [
      {
        file: reconciler,
        find: 'const observed = await this.#withLiveOwner(decision.action, judged.observed, signal);',
        replace: 'const observed: Observed | undefined = judged.observed;',
      },
    ],
    experiments: [usurped],
  },
  {
    name: 'a replica acts without an election',
    replacements: [
      { file: 'cli/run-operator.ts', find: ', ...(elector && { mayWrite: () => elector.isLeader })', replace: '' },
      {
        file: 'kube/manager.ts',
        find: 'await this.#elector.acquire(stop);',
        replace: 'const elector = this.#elector; void elector.acquire(stop).then(() => elector.hold(this.#leave.signal)); return true;',
      },
    ],
    experiments: [],
    replicas: replicas('kill'),
  },
  {
    name: 'a leader that was stalled goes on with what it had begun',
    replacements: [{ file: 'cli/run-operator.ts', find: ', ...(elector && { mayWrite: () => elector.isLeader })', replace: '' }],
    experiments: [],
    replicas: replicas('stop', 8),
  },
  {
    name: 'a leader does not notice that it lost the lease',
    replacements: [
      {
        file: 'kube/leader-elector.ts',
        find: "if (this.#clock.monotonic() - this.#renewedAt >= this.#deadline) return this.#stepDown('The lease could not be renewed in time');",
        replace: '',
      },
      {
        file: 'kube/leader-elector.ts',
        find: "if (this.holder !== this.#options.identity) return this.#stepDown('Another replica holds the lease');",
        replace: '',
      },
    ],
    experiments: [],
    replicas: replicas('stop', 2),
  },
  {
    name: 'a lease that is not given back',
    replacements: [{ file: 'kube/manager.ts', find: 'await this.#elector?.release(signal);', replace: '' }],
    experiments: [],
    replicas: replicas('terminate', 1),
    realLease: true,
  },
];
