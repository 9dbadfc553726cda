/** The programs of a real node that are Debian packages: containerd, runc, CNI plugins, iptables, and a registry. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { debianTree, hasDebianTree } from '../../debian/packages.ts';
import { NotPossibleHere } from '../../not-possible.ts';
import { INSTANCES } from '../layout.ts';
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

/**
 * Says in one sentence why no real node can run here, whatever is downloaded and built; undefined when one can. Nothing is changed by it.
 * What an instance needs of the kernel is tried, a tenth of a second long.
 */
export function whyNoRealNode(): string | undefined {
  const why = (reason: string) => `a real node cannot run here: ${reason}`;
  if (process.platform !== 'linux') return why(`it needs Linux, and this is ${process.platform}`);
  if (process.getuid?.() !== 0) return why('containers, cgroups and network namespaces need root; run as root, or use --nodes fake');
  const missing = NEEDED.filter((name) => !onPath(name));
  if (missing.length > 0) return why(`${missing.join(', ')} not found; install the packages util-linux and iproute2`);
  const packageTools = ['apt-get', 'dpkg-deb'].filter((name) => !onPath(name));
  if (packageTools.length > 0 && !hasDebianTree(PACKAGES))
    return why(`containerd, runc and the like are taken from Debian packages, and there is no ${packageTools.join(' and no ')}`);
  try {
    execFileSync('unshare', [...NAMESPACES, 'true'], { stdio: 'pipe' });
  } catch {
    return why('the kernel does not let this process make namespaces; a container needs --privileged for it');
  }
  const cannot = probeKernel();
  return cannot === undefined ? undefined : why(cannot);
}

/** As a node's own (`real-node.ts`), that of cgroups excepted. */
const NAMESPACES = ['--mount', '--uts', '--ipc', '--net', '--pid', '--fork'];

/** What of the kernel's does not work; the trial is where instances are, because not every file system carries overlayfs. */
function probeKernel(): string | undefined {
  mkdirSync(INSTANCES, { recursive: true, mode: 0o700 });
  const folder = mkdtempSync(join(INSTANCES, '.probe-'));
  try {
    execFileSync('unshare', [...NAMESPACES, 'sh', join(import.meta.dirname, 'probe.sh'), folder, String(process.pid)], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    const { stdout, message } = error as { stdout?: Buffer; message: string };
    return stdout?.toString().trim() || message;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Gets the programs. @throws NotPossibleHere with a sentence where no real node can run, and other errors where getting them failed */
export async function getNodeTools(say: Say): Promise<NodeTools> {
  const why = whyNoRealNode();
  if (why) throw new NotPossibleHere(why);
  const { folder: root } = await debianTree(PACKAGES, { say, purpose: 'the real node' });
  const libraries = ['usr/lib', 'lib'].map((folder) => join(root, folder, `${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`));
  const tools: NodeTools = {
    root,
    env: (links) => ({
      PATH: [links, join(root, 'usr/sbin'), join(root, 'usr/bin'), process.env['PATH'] ?? ''].join(':'),
      LD_LIBRARY_PATH: libraries.join(':'),
      XTABLES_LIBDIR: join(libraries[0] ?? '', 'xtables'),
    }),
  };
  probeFirewall(tools);
  return tools;
}

/** kube-proxy's Services and the bridge's port mappings are rules of the firewall. */
function probeFirewall({ root, env }: NodeTools): void {
  const rule = ['iptables', '--table', 'nat', '--append', 'POSTROUTING', '--jump', 'MASQUERADE'];
  try {
    execFileSync('unshare', ['--net', join(root, 'usr/sbin/xtables-nft-multi'), ...rule], {
      stdio: 'pipe',
      env: { ...process.env, ...env('') },
    });
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr ?? '').trim() || (error as Error).message;
    throw new NotPossibleHere(
      `a real node cannot run here: the kernel does not take rules that translate addresses: ${said.split('\n')[0]}`,
    );
  }
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
