/** The programs of a real node that are Debian packages: containerd, runc, CNI plugins, iptables, and a registry. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { debianTree } from '../../debian/packages.ts';
import type { Say } from '../log.ts';

/** With the libraries that a bare installation lacks. */
const PACKAGES = [
  'containerd',
  'containernetworking-plugins',
  'docker-registry',
  'iptables',
  'libip4tc2',
  'libip6tc2',
  'libmnl0',
  'libnetfilter-conntrack3',
  'libnfnetlink0',
  'libnftnl11',
  'libseccomp2',
  'libxtables12',
  'runc',
];

/** What every Linux distribution has, but for small containers. */
const NEEDED = ['unshare', 'nsenter', 'setpriv', 'mount', 'ip', 'sleep'];

export interface NodeTools {
  /** Folder of the unpacked packages. */
  readonly root: string;
  /** What a program among them needs to find the others and its libraries. */
  env(links: string): Readonly<Record<string, string>>;
}

/** Says in one sentence why no real node can run here; undefined when one can. */
export function whyNoRealNode(): string | undefined {
  const why = (reason: string) => `a real node cannot run here: ${reason}`;
  if (process.platform !== 'linux') return why(`it needs Linux, and this is ${process.platform}`);
  if (process.getuid?.() !== 0) return why('containers, cgroups and network namespaces need root; run as root, or use --nodes fake');
  const missing = NEEDED.filter((name) => !onPath(name));
  if (missing.length > 0) return why(`${missing.join(', ')} not found; install the packages util-linux and iproute2`);
  try {
    execFileSync('unshare', ['--mount', '--uts', '--ipc', '--net', '--pid', '--fork', 'true'], { stdio: 'pipe' });
  } catch {
    return why('the kernel does not let this process make namespaces; a container needs --privileged for it');
  }
  return undefined;
}

/** Gets the programs; throws one sentence where that cannot be done. */
export async function getNodeTools(say: Say): Promise<NodeTools> {
  const why = whyNoRealNode();
  if (why) throw new Error(why);
  const { folder: root } = await debianTree(PACKAGES, { say, purpose: 'the real node' });
  const libraries = ['usr/lib', 'lib'].map((folder) => join(root, folder, `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`));
  return {
    root,
    env: (links) => ({
      PATH: [links, join(root, 'usr/sbin'), join(root, 'usr/bin'), process.env['PATH'] ?? ''].join(':'),
      LD_LIBRARY_PATH: libraries.join(':'),
      XTABLES_LIBDIR: join(libraries[0] ?? '', 'xtables'),
    }),
  };
}

/** The names that Debian gives iptables only when it is installed. */
export function linkIptables(root: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (const family of ['iptables', 'ip6tables']) {
    for (const suffix of ['', '-save', '-restore'])
      symlinkSync(join(root, 'usr/sbin/xtables-nft-multi'), join(folder, `${family}${suffix}`));
  }
}

function onPath(name: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
