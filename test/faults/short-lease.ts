import type { Replacement } from './build-operator.ts';

/** The operator with a lease of 6 s in place of 15 s, in the same proportions: a hundred takeovers are waited for. */
export const shortLease: readonly Replacement[] = [
  { file: 'kube/leader-elector.ts', find: 'options.leaseMilliseconds ?? 15_000', replace: 'options.leaseMilliseconds ?? 6_000' },
  {
    file: 'kube/leader-elector.ts',
    find: 'options.renewDeadlineMilliseconds ?? 10_000',
    replace: 'options.renewDeadlineMilliseconds ?? 4_000',
  },
  { file: 'kube/leader-elector.ts', find: 'options.retryMilliseconds ?? 2_000', replace: 'options.retryMilliseconds ?? 800' },
];
