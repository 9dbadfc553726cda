/** Looks for secrets where they must not be: in everything that a run of the end-to-end tests has left behind, but in Secrets. */
import { createReadStream, globSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
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
  { name: 'private key', pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/ },
] as const;

/**
 * Reads the logs of every process of the instance (the audit log has each write to the API server with its body, but for Secrets, ConfigMaps and
 * tokens), the logs of all pods that are there, all objects that are there but Secrets, and the operator's metrics.
 */
export async function leaks(plane: ControlPlane, planted: readonly Planted[]): Promise<Leak[]> {
  const needles = planted.flatMap(({ name, value }) => spellings(value).map((text) => ({ name, text })));
  const found = new Map<string, Leak>();
  const look = (where: string, text: string) => {
    for (const secret of secretsIn(text, needles)) found.set(`${secret} ${where}`, { secret, where });
  };
  for (const file of logFiles(plane)) {
    const where = relative(plane.dir, file);
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) look(where, line);
  }
  for (const kind of await kinds(plane)) look(`objects of kind ${kind}`, await plane.kubectl(['get', kind, '-A', '-o', 'json']));
  for (const { namespace, name } of await operatorPods(plane)) {
    const proxy = `/api/v1/namespaces/${namespace}/pods/${name}:8080/proxy/metrics`;
    look(`metrics of ${name}`, await plane.kubectl(['get', '--raw', proxy]));
  }
  return [...found.values()];
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

function secretsIn(text: string, needles: readonly { readonly name: string; readonly text: string }[]): string[] {
  return [
    ...needles.filter((needle) => text.includes(needle.text)).map(({ name }) => name),
    ...forms.filter(({ pattern }) => pattern.test(text)).map(({ name }) => name),
  ];
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
