/**
 * The operator as shipped, with one ear more: asked over the parent's channel, it tells what its caches hold, so that the campaign can compare
 * them with a fresh list. And what it caches is frozen: a reader who changes an object, which all readers share, fails at once. Nothing else of the
 * operator's own behaviour is touched.
 */
import type { KubeObject } from '../../src/kube/object.ts';
import { deepFreeze, ObjectStore } from '../../src/kube/object-store.ts';

/** One store: its resource and, by `namespace/name`, each object's identity and version. */
export interface Digest {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly state: string;
  readonly objects: Readonly<Record<string, string>>;
}

const stores = new Set<ObjectStore<KubeObject>>();
const { replace, put } = ObjectStore.prototype;

/** Every store is filled by `replace` before it is of use. */
ObjectStore.prototype.replace = function noted(this: ObjectStore<KubeObject>, objects, resourceVersion) {
  stores.add(this);
  replace.call(this, [...objects].map(deepFreeze), resourceVersion);
};
ObjectStore.prototype.put = function frozen(this: ObjectStore<KubeObject>, object) {
  put.call(this, deepFreeze(object));
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
