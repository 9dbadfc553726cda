/** Waiting for CustomResourceDefinitions. */
import { until } from './probe.ts';

/**
 * Returns when the API server serves definitions that were just applied. `kubectl wait` right after a create may meet a status without conditions, and
 * gives up at once then (Kubernetes 1.34), hence the retry.
 *
 * @param which as kubectl takes them: `crd/NAME`, or `-f` and a file or folder
 * @throws what kubectl said last, after a minute
 */
export async function established(kubectl: (args: readonly string[]) => Promise<string>, which: readonly string[]): Promise<void> {
  let last: unknown;
  await until(
    () =>
      kubectl(['wait', '--for=condition=Established', '--timeout=30s', ...which]).then(
        () => true,
        (error: unknown) => {
          last = error;
          return false;
        },
      ),
    {
      seconds: 60,
      problem: () => `not every one of ${which.join(' ')} is established: ${last instanceof Error ? last.message : String(last)}`,
    },
  );
}
