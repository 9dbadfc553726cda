/** Looks for secrets where they must not be: in everything that a run of the end-to-end tests has left behind, but in Secrets. */
import { globSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { accountKey } from './azure.ts';

/** A secret of which no trace may be anywhere. */
export interface Planted {
  readonly name: string;
  readonly value: string;
}

/** Secrets that every end-to-end test uses. */
export const everywhere: readonly Planted[] = [{ name: 'key of the storage account', value: accountKey }];

export interface Leak {
  readonly secret: string;
  readonly where: string;
}

/** What must not be there at all, whoever's it is. A token or a signature of any kind is recognised by its form. */
const forms = [
  { name: 'signature of a storage address', pattern: /[?&;]sig=(?!REDACTED)[A-Za-z0-9%+/_-]{20,}/ },
  { name: 'JSON web token', pattern: /eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}/ },
  { name: 'private key', pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----(\\n|\s)*[A-Za-z0-9+/=]{40}/ },
] as const;

/** Reads the logs, all objects that are there but Secrets, and the operator's metrics. */
export async function leaks(plane: ControlPlane, planted: readonly Planted[]): Promise<Leak[]> {
  const search = new Search(planted);
  await search.logs(plane);
  for (const kind of await kinds(plane)) search.look(`objects of kind ${kind}`, await plane.kubectl(['get', kind, '-A', '-o', 'json']));
  for (const { namespace, name } of await operatorPods(plane)) {
    const proxy = `/api/v1/namespaces/${namespace}/pods/${name}:8080/proxy/metrics`;
    search.look(`metrics of ${name}`, await plane.kubectl(['get', '--raw', proxy]));
  }
  return search.found;
}

/**
 * Reads the logs of every process of the instance and of all pods that are there. The audit log among them has each write to the API server since
 * the start with its body, but for Secrets, ConfigMaps and tokens: objects, their status, events.
 */
export async function leaksInLogs(plane: ControlPlane, planted: readonly Planted[]): Promise<Leak[]> {
  const search = new Search(planted);
  await search.logs(plane);
  return search.found;
}

class Search {
  readonly #needles: readonly { readonly name: string; readonly text: string }[];
  readonly #found = new Map<string, Leak>();

  constructor(planted: readonly Planted[]) {
    this.#needles = planted.flatMap(({ name, value }) => spellings(value).map((text) => ({ name, text })));
  }

  get found(): Leak[] {
    return [...this.#found.values()];
  }

  look(where: string, text: string): void {
    const secrets = [
      ...this.#needles.filter((needle) => text.includes(needle.text)).map(({ name }) => name),
      ...forms.filter(({ pattern }) => pattern.test(text)).map(({ name }) => name),
    ];
    for (const secret of secrets) this.#found.set(`${secret} ${where}`, { secret, where });
  }

  async logs(plane: ControlPlane): Promise<void> {
    for (const file of logFiles(plane)) {
      // The log of a pod may go while others are read.
      const log = await open(file).catch(() => undefined);
      for await (const line of log?.readLines() ?? []) this.look(relative(plane.dir, file), line);
    }
  }
}

/** Where a text is that a search must find: the programs of the instance, and the pods. */
export function logFiles(plane: ControlPlane): string[] {
  const files = [join(plane.dir, 'logs/*.log'), join(plane.dir, 'node/log/**/*')].flatMap((pattern) => globSync(pattern));
  return files.filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}

/** A secret as it is, in base64, and percent-encoded. */
function spellings(value: string): string[] {
  return [...new Set([value, Buffer.from(value).toString('base64'), encodeURIComponent(value)])];
}

async function kinds(plane: ControlPlane): Promise<string[]> {
  const names = await plane.kubectl(['api-resources', '--verbs=list', '-o', 'name']);
  return names.split('\n').filter((name) => name !== '' && name !== 'secrets');
}

async function operatorPods(plane: ControlPlane): Promise<{ readonly namespace: string; readonly name: string }[]> {
  const args = ['get', 'pods', '-A', '-l', 'app.kubernetes.io/name=modelwright', '--field-selector=status.phase=Running', '-o', 'json'];
  const { items } = JSON.parse(await plane.kubectl(args)) as { items: { metadata: { namespace: string; name: string } }[] };
  return items.map(({ metadata }) => metadata);
}
