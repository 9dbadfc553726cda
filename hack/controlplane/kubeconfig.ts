/** Kubeconfig files with everything inside them, so that they can be copied and outlive a change of folder. */
import { dump } from 'js-yaml';
import type { KeyPair } from './x509.ts';

export interface KubeconfigInput {
  /** Name of the cluster and the context. */
  readonly cluster: string;
  readonly user: string;
  readonly server: string;
  /** The API server's authority, PEM. */
  readonly ca: string;
  readonly client: KeyPair;
}

/** The file's text. */
export function kubeconfig({ cluster, user, server, ca, client }: KubeconfigInput): string {
  return dump({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': cluster,
    clusters: [{ name: cluster, cluster: { server, 'certificate-authority-data': base64(ca) } }],
    contexts: [{ name: cluster, context: { cluster, user } }],
    users: [{ name: user, user: { 'client-certificate-data': base64(client.cert), 'client-key-data': base64(client.key) } }],
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
