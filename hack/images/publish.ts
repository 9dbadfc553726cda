/** Sends images to a registry (OCI distribution specification 1.1), what it has already excepted. */
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { imageCache } from './cache.ts';
import { type Image, MANIFEST_TYPE, readBlob } from './image.ts';

/**
 * @param registry host and port of a registry that speaks plain HTTP and asks for no credentials
 * @returns whether anything had to be sent
 */
export async function publish(image: Image, registry: string, root = imageCache()): Promise<boolean> {
  const { repository, tag } = partsOf(image.reference);
  const base = `http://${registry}/v2/${repository}`;
  const there = await call('HEAD', `${base}/manifests/${tag}`, { accept: MANIFEST_TYPE });
  if (there.status === 200 && there.headers['docker-content-digest'] === image.digest) return false;
  for (const { digest, size } of [...image.layers, image.config]) await sendBlob(base, digest, size, root);
  const headers = { 'content-type': MANIFEST_TYPE, 'content-length': image.manifest.length };
  await expecting(201, 'PUT', `${base}/manifests/${tag}`, headers, Readable.from([image.manifest]));
  return true;
}

/** The repository as a registry knows it, without the registry's own name, and the tag. */
export function partsOf(reference: string): { readonly repository: string; readonly tag: string } {
  const match = /^[^/]+\/(?<repository>[^:@]+):(?<tag>[^:/]+)$/.exec(reference);
  if (!match?.groups) throw new Error(`image reference "${reference}" must be REGISTRY/REPOSITORY:TAG`);
  return { repository: match.groups['repository'] ?? '', tag: match.groups['tag'] ?? '' };
}

async function sendBlob(base: string, digest: string, size: number, root: string): Promise<void> {
  if ((await call('HEAD', `${base}/blobs/${digest}`)).status === 200) return;
  const { headers } = await expecting(202, 'POST', `${base}/blobs/uploads/`, { 'content-length': 0 });
  const upload = new URL(String(headers.location), base);
  upload.searchParams.set('digest', digest);
  const type = { 'content-type': 'application/octet-stream', 'content-length': size };
  await expecting(201, 'PUT', upload.href, type, readBlob(digest, root));
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

async function expecting(status: number, method: string, url: string, headers: Record<string, string | number>, body?: Readable) {
  const answer = await call(method, url, headers, body);
  if (answer.status !== status) throw new Error(`the registry answered ${answer.status} to ${method} ${url}: ${answer.body.slice(0, 300)}`);
  return answer;
}

function call(method: string, url: string, headers: Record<string, string | number> = {}, body?: Readable): Promise<Answer> {
  return new Promise((done, fail) => {
    const sent = request(url, { method, headers, agent: false }, async (response) => {
      try {
        let text = '';
        for await (const chunk of response) text += chunk;
        done({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      } catch (error) {
        fail(error);
      }
    });
    sent.on('error', fail);
    if (body) pipeline(body, sent).catch(fail);
    else sent.end();
  });
}
