import { dockerHub, namedRegistry, parseImage } from '../models/image-reference.ts';

/** An image reference as a registry sees it: which server, which repository there, which tag or digest. */
export interface RegistryReference {
  /** Registry host with its port, lower case; Docker Hub is `docker.io` however it was written. */
  readonly host: string;
  /** Repository at that registry, complete: `library/nginx` for `nginx`. */
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:…` */
  readonly digest?: string;
}

/** Docker Hub by the names that people, Knative and container engines give it. */
const dockerHubNames: readonly string[] = [dockerHub, 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com'];

/** Takes an image reference apart; what names no registry is on Docker Hub, and a single word there belongs to `library`. */
export function parseReference(image: string): RegistryReference {
  const { repository: path, ...version } = parseImage(image);
  const named = namedRegistry(path);
  const host = canonicalHost(named ?? dockerHub);
  const repository = named === undefined ? path : path.slice(named.length + 1);
  return { host, repository: host === dockerHub && !repository.includes('/') ? `library/${repository}` : repository, ...version };
}

const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const repositoryPattern = new RegExp(`^${component}(?:/${component})*$`);
const hostPattern = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** Whether it keeps the grammar of references: what does not could change the path of a request. */
export function isSound({ host, repository, tag, digest }: RegistryReference): boolean {
  return (
    hostPattern.test(host) &&
    repositoryPattern.test(repository) &&
    (tag === undefined || tagPattern.test(tag)) &&
    (digest === undefined || /^sha256:[a-f0-9]{64}$/.test(digest))
  );
}

/** One spelling for each registry host. */
export function canonicalHost(host: string): string {
  const lower = host.toLowerCase();
  return dockerHubNames.includes(lower) ? dockerHub : lower;
}

/** The server that speaks the registry API for a host. */
export function apiHost(host: string): string {
  return host === dockerHub ? 'registry-1.docker.io' : host;
}
