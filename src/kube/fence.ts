import type { KubeClient } from './client.ts';
import { KubeError } from './errors.ts';

/**
 * `client`, but for writes, which fail with `NOT_LEADER` while `mayWrite` says no. A process that was stalled past the end of its lease finds this closed
 * before it finds out anything else, so that what it had decided earlier is not written after another replica took over.
 */
export function fenced(client: KubeClient, mayWrite: () => boolean): KubeClient {
  const check = (verb: string) => {
    if (!mayWrite()) throw new KubeError('NOT_LEADER', 0, '', `${verb} was not sent: this replica does not lead`);
  };
  return {
    host: client.host,
    namespace: client.namespace,
    get: (...given) => client.get(...given),
    list: (...given) => client.list(...given),
    listPages: (...given) => client.listPages(...given),
    getMetadata: (...given) => client.getMetadata(...given),
    listMetadata: (...given) => client.listMetadata(...given),
    watch: (...given) => client.watch(...given),
    podLogs: (...given) => client.podLogs(...given),
    raw: (...given) => client.raw(...given),
    close: () => client.close(),
    async create(...given) {
      check('a create');
      return client.create(...given);
    },
    async apply(...given) {
      check('an apply');
      return client.apply(...given);
    },
    async patch(...given) {
      check('a patch');
      return client.patch(...given);
    },
    async update(...given) {
      check('an update');
      return client.update(...given);
    },
    async delete(...given) {
      check('a delete');
      return client.delete(...given);
    },
  };
}
