import { BlockList, isIP } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment asks for when going to `url`, or undefined to go directly. The rules are those of Go's `net/http`
 * (golang.org/x/net/http/httpproxy), which every Kubernetes component follows: `HTTPS_PROXY` or `HTTP_PROXY` by the URL's scheme, lower case
 * too; loopback is never proxied; `NO_PROXY` lists `*`, addresses, CIDR blocks, domains with their subdomains, each with an optional port.
 */
export function proxyFor(url: URL, environment: Environment = process.env): string | undefined {
  const read = (name: string) => environment[name] || environment[name.toLowerCase()] || undefined;
  const proxy = read(url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  if (proxy === undefined || isLoopback(hostOf(url))) return undefined;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const exempt = (read('NO_PROXY') ?? '').split(',').some((entry) => matches(entry.trim().toLowerCase(), hostOf(url), port));
  if (exempt) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function hostOf(url: URL): string {
  return url.hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '') return false;
  if (entry === '*') return true;
  if (entry.includes('/')) return inBlock(entry, host);
  const withPort = isIP(entry) === 6 ? null : /^(?<name>.*):(?<port>\d+)$/.exec(entry);
  if (withPort?.groups !== undefined && withPort.groups['port'] !== port) return false;
  const name = (withPort?.groups?.['name'] ?? entry).replace(/^\[|\]$/g, '').replace(/^\*(?=\.)/, '');
  if (isIP(name) !== 0) return name === host;
  // ".example.com" means subdomains only, "example.com" the domain as well.
  return name.startsWith('.') ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}

function inBlock(block: string, host: string): boolean {
  const [network = '', bits = ''] = block.split('/');
  const family = isIP(network);
  const prefix = Number(bits);
  if (family === 0 || isIP(host) === 0 || !Number.isInteger(prefix) || prefix > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
}
