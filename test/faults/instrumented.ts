/**
 * The operator as shipped, with one ear more: asked over the parent's channel, it tells what its caches hold, so that the campaign can compare
 * them with a fresh list. Nothing of the operator's own behaviour is touched.
 */
import type { KubeObject } from '../../src/kube/object.ts';
import { ObjectStore } from '../../src/kube/object-store.ts';

/** One store: its resource and, by `namespace/name`, each object's identity and version. */
export interface Digest {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly state: string;
  readonly objects: Readonly<Record<string, string>>;
}

const stores = new Set<ObjectStore<KubeObject>>();
const { replace } = ObjectStore.prototype;

/** Every store is filled by `replace` before it is of use. */
ObjectStore.prototype.replace = function noted(this: ObjectStore<KubeObject>, ...args: Parameters<typeof replace>) {
  stores.add(this);
  return replace.apply(this, args);
};

function digest(): Digest[] {
  return [...stores].map((store) => ({
    group: store.type.group,
    version: store.type.version,
    plural: store.type.plural,
    state: store.state,
    objects: Object.fromEntries(
      store
        .list()
        .map(({ metadata: { namespace, name, uid, resourceVersion } }) => [`${namespace ?? ''}/${name}`, `${uid}@${resourceVersion}`]),
    ),
  }));
}

process.on('message', (question) => {
  if (question === 'digest') process.send?.(digest());
});
// Whoever started it is gone.
process.on('disconnect', () => process.exit(1));
// The channel alone must not keep the operator from ending.
process.channel?.unref();

await import('../../src/cli/main.ts');
