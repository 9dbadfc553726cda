/** Layers of Debian packages, without what only a person at a shell would look for. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Say } from '../controlplane/log.ts';
import { type Architecture, debianTree } from '../debian/packages.ts';
import { folder, fromFolder, link, text } from './entries.ts';
import { cachedLayer, type Layer, type LayerOptions } from './layer.ts';
import type { Entry } from './tar.ts';

/** The user of every image made here: nobody's number in distroless images, too. */
export const USER = '65532:65532';

/** Licences stay. */
const UNWANTED = [
  /^usr\/share\/(?!ca-certificates|doc|java|zoneinfo)/,
  /^usr\/share\/doc\/.*(?<!\/copyright)$/,
  /\/(gconv|perl)\//,
  /^(etc\/(init|init\.d|cron\.[a-z]+|logrotate\.d|systemd)|var)\//,
  /^usr\/lib\/(systemd|tmpfiles\.d)\//,
];

export interface DebianLayer extends LayerOptions {
  readonly say: Say;
  /** What the packages are for, in an error message. */
  readonly purpose: string;
  /** Default that of this machine. */
  readonly architecture?: Architecture;
  /** Another number where something was done to the unpacked packages. */
  readonly prepared?: number;
}

/** The packages as one layer. */
export async function debianLayer(packages: readonly string[], options: DebianLayer): Promise<Layer> {
  const { folder: root, versions } = await debianTree(packages, options);
  return cachedLayer(
    ['debian', versions, UNWANTED.map(String), options.prepared ?? 0, ...(options.architecture ? [options.architecture] : [])],
    async () => fromFolder(root, '', (path) => !UNWANTED.some((pattern) => pattern.test(path))).map(merged),
    options,
  );
}

/**
 * The first layer of an image: the few folders and files that programs expect, and the links that make `/lib` and `/usr/lib` one, as in
 * Debian itself. There is no shell in it.
 */
export async function rootLayer(options: LayerOptions = {}): Promise<Layer> {
  const entries: Entry[] = [
    ...['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => [link(name, `usr/${name}`), folder(`usr/${name}`)]),
    ...['dev', 'proc', 'sys', 'home/nonroot'].map((path) => folder(path)),
    ...['tmp', 'var/tmp'].map((path) => folder(path, 0o1777)),
    text('etc/passwd', 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n'),
    text('etc/group', 'root:x:0:\nnonroot:x:65532:\n'),
    text('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  ];
  return cachedLayer(['root', entries], async () => entries, options);
}

/** The authorities that Debian trusts, in the file where programs look: a package's script would make it. */
export async function certificatesLayer({ say, purpose, ...options }: DebianLayer): Promise<Layer> {
  const { folder: root, versions } = await debianTree(['ca-certificates'], { say, purpose });
  return cachedLayer(
    ['certificates', 2, versions],
    async () => {
      const authorities = join(root, 'usr/share/ca-certificates/mozilla');
      const all = readdirSync(authorities).sort();
      // OpenSSL's own place first: a variable that names the file would take precedence over what a cluster's administrator sets.
      return [
        link('usr/lib/ssl/cert.pem', '/etc/ssl/certs/ca-certificates.crt'),
        text('etc/ssl/certs/ca-certificates.crt', all.map((name) => readFileSync(join(authorities, name), 'utf8')).join('')),
      ];
    },
    options,
  );
}

/** A package of Debian 12 may still have its files below `/lib`, which is a link in the image. */
function merged(entry: Entry): Entry {
  return { ...entry, path: entry.path.replace(/^(bin|sbin|lib|lib64)\//, 'usr/$1/') };
}
