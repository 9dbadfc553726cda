/**
 * The campaign's own way to the API server: a few lines over undici, on purpose not the client under test.
 * It goes straight to the server, past the proxy.
 */
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { Agent, request } from 'undici';

/** Any Kubernetes object, read as it is. */
export interface Thing {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly {
      readonly kind: string;
      readonly name: string;
      readonly uid: string;
      readonly controller?: boolean;
    }[];
    readonly managedFields?: readonly ManagedFields[];
  };
  // biome-ignore lint/suspicious/noExplicitAny: fields of arbitrary kinds are read by path
  readonly [field: string]: any;
}

export interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly subresource?: string;
  readonly fieldsV1?: unknown;
}

export interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: the body of any answer
  readonly body: any;
}

/** Media types of the patches that the API server takes. */
export const mergePatch = 'application/merge-patch+json';
export const applyPatch = 'application/apply-patch+yaml';

/** One API server, with an administrator's rights. */
export class Api {
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Credentials as TLS options, for whoever else goes there in our name. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly rejectUnauthorized?: boolean };
  readonly #agent: Agent;

  constructor(kubeconfig: string) {
    const { server, tls, headers } = readKubeconfig(kubeconfig);
    this.server = server;
    this.tls = tls;
    this.headers = headers;
    this.#agent = new Agent({ connect: { ...tls }, connections: 32, bodyTimeout: 0, headersTimeout: 60_000, allowH2: false });
  }

  async request(method: string, path: string, body?: unknown, contentType = 'application/json', signal?: AbortSignal): Promise<Answer> {
    const answer = await request(this.server + path, {
      method: method as 'GET',
      dispatcher: this.#agent,
      headers: { ...this.headers, 'user-agent': 'fault-campaign', ...(body !== undefined && { 'content-type': contentType }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, body: parse(text) };
  }

  /** As `request`, but an answer other than 2xx (or one of `accepted`) throws. */
  async must(method: string, path: string, body?: unknown, options: { contentType?: string; accepted?: readonly number[] } = {}) {
    const answer = await this.request(method, path, body, options.contentType);
    if (answer.status >= 300 && !options.accepted?.includes(answer.status)) {
      throw new Error(`${method} ${path}: ${answer.status} ${answer.body?.message ?? ''}`);
    }
    return answer.body;
  }

  /** Lines of a watch, parsed, until it ends. */
  async *watch(path: string, signal: AbortSignal): AsyncGenerator<{ readonly type: string; readonly object: Thing }> {
    const answer = await request(this.server + path, {
      dispatcher: this.#agent,
      headers: { ...this.headers, 'user-agent': 'fault-campaign' },
      signal,
    });
    if (answer.statusCode !== 200) throw new Error(`watch ${path}: ${answer.statusCode} ${await answer.body.text()}`);
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of answer.body) {
      const lines = (rest + decoder.decode(chunk as Buffer, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield JSON.parse(line);
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { message: text };
  }
}

interface KubeconfigFile {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

function readKubeconfig(path: string): Pick<Api, 'server' | 'tls' | 'headers'> {
  const file = load(readFileSync(path, 'utf8')) as KubeconfigFile;
  const cluster = file.clusters[0]?.cluster ?? {};
  const user = file.users[0]?.user ?? {};
  const pem = (entry: Readonly<Record<string, string>>, name: string) => {
    const inline = entry[`${name}-data`];
    if (inline !== undefined) return Buffer.from(inline, 'base64').toString();
    return entry[name] === undefined ? undefined : readFileSync(entry[name], 'utf8');
  };
  const [ca, cert, key] = [pem(cluster, 'certificate-authority'), pem(user, 'client-certificate'), pem(user, 'client-key')];
  return {
    server: cluster['server'] ?? '',
    tls: {
      ...(ca !== undefined ? { ca } : { rejectUnauthorized: false }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    },
    headers: user['token'] === undefined ? {} : { authorization: `Bearer ${user['token']}` },
  };
}
