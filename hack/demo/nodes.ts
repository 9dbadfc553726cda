/** Which nodes the demo runs on: a real one where that costs no minutes, else fake ones. */
import { hasFiles } from '../controlplane/cache.ts';
import { COREDNS, HELM, KSERVE_PYTHON, KUBERNETES } from '../controlplane/catalog.ts';
import { findBinary } from '../controlplane/lookup.ts';
import { whyNoRealNode } from '../controlplane/node/tools.ts';
import { isInstalled } from '../images/python.ts';

export type Nodes = 'real' | 'fake';

export interface Choice {
  readonly nodes: Nodes;
  /** What that means and why, for the person in front of it. */
  readonly because: string;
}

/** What only a real node needs, and what takes minutes the first time. */
const programs = [
  [KUBERNETES, 'kubelet'],
  [KUBERNETES, 'kube-proxy'],
  [COREDNS, 'coredns'],
  [HELM, 'helm'],
] as const;
const pythonPackages = ['storage-initializer', 'sklearn', 'sklearn-storage'] as const;

/** @param asked by the person; without it a real node is taken where everything for it is there already */
export async function chooseNodes(asked: Nodes | undefined): Promise<Choice> {
  if (asked === 'fake') return { nodes: 'fake', because: 'Fake nodes, as asked: no containers run' };
  const why = whyNoRealNode();
  if (asked === 'real') {
    if (why !== undefined) throw new Error(why);
    return { nodes: 'real', because: 'A real node, as asked: every container runs' };
  }
  if (why !== undefined) return { nodes: 'fake', because: `Fake nodes: no containers run, because ${why}` };
  const missing = await missingHere();
  if (missing.length > 0)
    return {
      nodes: 'fake',
      because: `Fake nodes: no containers run. A real one is possible here; making what it needs (${missing.join(', ')}) takes up to 15 minutes, once: npm run demo -- --nodes real`,
    };
  return {
    nodes: 'real',
    because: 'A real node: every container runs. (A library of eleven models on fake nodes: npm run demo -- --nodes fake)',
  };
}

async function missingHere(): Promise<string[]> {
  const missing: string[] = [];
  for (const [component, name] of programs) if ((await findBinary(component, name)) === undefined) missing.push(name);
  if (!hasFiles(KSERVE_PYTHON)) missing.push('KServe’s programs in Python');
  return [...missing, ...pythonPackages.filter((name) => !isInstalled(name)).map((name) => `the Python packages of ${name}`)];
}
