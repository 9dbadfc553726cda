import type { Watch } from '../../kube/controller.ts';
import { type KubeObject, keyOf, type ObjectKey } from '../../kube/object.ts';
import { isFinished } from './job/job-state.ts';
import type { ProfileStores } from './stores.ts';

/** Names the profiles that wait for their turn whenever a run may have ended. */
export function watchTurns({ profiles, jobs }: Pick<ProfileStores, 'profiles' | 'jobs'>): Watch {
  const waiting = (): ObjectKey[] =>
    profiles
      .list()
      .filter(({ status }) => status?.progress?.queuePosition !== undefined)
      .map((profile) => keyOf(profile as KubeObject));
  return {
    source: 'Turns',
    hasSynced: () => profiles.hasSynced() && jobs.hasSynced(),
    start(enqueue) {
      const wake = () => {
        for (const key of waiting()) enqueue(key, false);
      };
      const leave = [
        profiles.subscribe((change) => {
          const left = change.kind === 'updated' && isRunning(change.before) && !isRunning(change.object);
          if (left || (change.kind === 'deleted' && isRunning(change.object))) wake();
        }),
        jobs.subscribe((change) => {
          const ended = change.kind === 'updated' && !isFinished(change.before) && isFinished(change.object);
          if (ended || (change.kind === 'deleted' && !isFinished(change.object))) wake();
        }),
      ];
      return () => {
        for (const out of leave) out();
      };
    },
  };
}

function isRunning({ status }: { readonly status?: { readonly run?: { readonly state: string } } }): boolean {
  return status?.run?.state === 'Running';
}
