/** What the end-to-end tests do to the operator. */
import { resolve } from 'node:path';
import { kubeconfigOf, OperatorProcess } from '../../integration/deployment/operator-process.ts';
import { eventually, get, kubectl, list } from '../../support/cluster.ts';
import { SYSTEM } from './world.ts';

const PROGRAM = resolve(import.meta.dirname, '../../../dist/modelwright.js');
const NAME = 'modelwright';
const PREFIX = 'MODELWRIGHT_';

/** Both pods at once, without time to say goodbye. */
export async function killOperator(): Promise<void> {
  await kubectl(['delete', 'pods', '--all', '-n', SYSTEM, '--grace-period=0', '--force', '--wait=false']);
}

/** Returns when a pod that is there leads. */
export async function operatorActs(): Promise<void> {
  const acts = async () => {
    const leases = await list<{ spec: { holderIdentity?: string } }>('leases', SYSTEM);
    const pods = await list<{ metadata: { name: string } }>('pods', SYSTEM);
    return leases.some(({ spec }) => pods.some(({ metadata }) => spec.holderIdentity?.startsWith(metadata.name)));
  };
  await eventually(acts, Boolean, 180);
}

/**
 * The operator where the node of the tests is not: on this machine, as a replica on another node of a larger cluster. It has the rights, the
 * settings and the lease of the installed one, and acts once nobody else does.
 */
export async function operatorElsewhere(): Promise<OperatorProcess> {
  const kubeconfig = JSON.parse(await kubeconfigOf(NAME, SYSTEM)) as { contexts: { context: object }[] };
  const contexts = kubeconfig.contexts.map((named) => ({ ...named, context: { ...named.context, namespace: SYSTEM } }));
  const deployment = await get<Deployment>('deployment', NAME, SYSTEM);
  const settings = deployment.spec.template.spec.containers[0]?.env ?? [];
  const flags = settings
    .filter(({ name }) => name.startsWith(PREFIX) && name !== `${PREFIX}METRICS_BIND_ADDRESS`)
    .flatMap(({ name, value = '' }) => [`--${name.slice(PREFIX.length).toLowerCase().replaceAll('_', '-')}`, value]);
  return OperatorProcess.startAs(JSON.stringify({ ...kubeconfig, contexts }), [], flags, PROGRAM);
}

interface Deployment {
  readonly spec: {
    readonly template: {
      readonly spec: { readonly containers: readonly { readonly env?: readonly { readonly name: string; readonly value?: string }[] }[] };
    };
  };
}
