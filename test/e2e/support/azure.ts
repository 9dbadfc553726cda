/**
 * Azure Blob for pods: Azurite in a pod, behind TLS and under the account's real name. Its Service has the node's own address, so that pods and
 * this machine reach it at one place: pods find it by the node's DNS and trust it by KServe's CA bundle, `modelwright push` on this
 * machine by what `pushEnvironment` says. What is stored outlives the pod in a volume.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import tls from 'node:tls';
import { pathToFileURL } from 'node:url';
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { until } from '../../../hack/controlplane/probe.ts';
import { createAuthority, issue } from '../../../hack/controlplane/x509.ts';
import { hostVolume, restrictedNamespace } from './objects.ts';

const CHECKOUT = resolve(import.meta.dirname, '../../..');
const AUTHORITY = 'modelwright e2e';
const NAMESPACE = 'azure';
const NAME = 'azurite';

export const account = 'modelwright';
export const accountHost = `${account}.blob.core.windows.net`;
export const container = 'models';
/** Of this test alone; the service is reached from this machine and its pods only. */
export const accountKey = Buffer.alloc(64, 7).toString('base64');

export interface Authority {
  readonly commonName: string;
  readonly cert: string;
  readonly key: string;
}

/** The certificate authority of the account, PEM: an organisation's own, which nobody trusts until told. */
export function makeAuthority(plane: ControlPlane): Authority {
  const authority = { commonName: AUTHORITY, ...createAuthority(AUTHORITY) };
  mkdirSync(azureFolder(plane), { recursive: true });
  writeFileSync(authorityFile(plane), authority.cert);
  return authority;
}

/**
 * Starts Azurite with one private container.
 * @param image reference with digest
 */
export async function startAzurite(plane: ControlPlane, image: string, authority: Authority): Promise<void> {
  const address = addressOf(plane);
  const data = join(azureFolder(plane), 'data');
  mkdirSync(data, { recursive: true });
  chmodSync(data, 0o777);
  const serving = issue(authority, { commonName: 'blob', hosts: [accountHost, address] });
  writeFileSync(plane.record.node?.hostsFile ?? '', `${address} ${accountHost}\n`);
  const items = [
    restrictedNamespace(NAMESPACE),
    ...hostVolume(NAMESPACE, 'data', data, 'ReadWriteOnce'),
    ...objects(image, address, serving),
  ];
  await plane.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await untilAzuriteAnswers(plane);
  await containerClient(plane).create();
}

/** Returns when there is no Azurite any more. What it stored stays. */
export async function takeAzuriteAway(plane: ControlPlane): Promise<void> {
  await plane.kubectl(['scale', 'deployment', NAME, '-n', NAMESPACE, '--replicas=0']);
  await plane.kubectl(['wait', '--for=delete', 'pod', '-l', `app=${NAME}`, '-n', NAMESPACE, '--timeout=120s']);
}

export async function bringAzuriteBack(plane: ControlPlane): Promise<void> {
  await plane.kubectl(['scale', 'deployment', NAME, '-n', NAMESPACE, '--replicas=1']);
  await untilAzuriteAnswers(plane);
}

function objects(image: string, address: string, { cert, key }: { readonly cert: string; readonly key: string }): object[] {
  const metadata = { name: NAME, namespace: NAMESPACE };
  const labels = { app: NAME };
  const container = {
    name: NAME,
    image,
    args: [
      ...['--location', '/data', '--blobHost', '0.0.0.0', '--blobPort', '8443', '--cert', '/tls/tls.crt', '--key', '/tls/tls.key'],
      ...['--silent', '--skipApiVersionCheck', '--disableTelemetry'],
    ],
    env: [{ name: 'AZURITE_ACCOUNTS', valueFrom: { secretKeyRef: { name: NAME, key: 'accounts' } } }],
    resources: { requests: { cpu: '20m', memory: '128Mi' }, limits: { memory: '512Mi' } },
    readinessProbe: { tcpSocket: { port: 8443 }, periodSeconds: 1 },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      { name: 'data', mountPath: '/data' },
      { name: 'tls', mountPath: '/tls' },
    ],
  };
  return [
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata,
      stringData: { accounts: `${account}:${accountKey}`, 'tls.crt': cert, 'tls.key': key },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { selector: labels, externalIPs: [address], ports: [{ port: 443, targetPort: 8443 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 1,
        strategy: { type: 'Recreate' },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            automountServiceAccountToken: false,
            terminationGracePeriodSeconds: 5,
            securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
            containers: [container],
            volumes: [
              { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
              { name: 'tls', secret: { secretName: NAME } },
            ],
          },
        },
      },
    },
  ];
}

/** After a start or a restart. */
export async function untilAzuriteAnswers(plane: ControlPlane): Promise<void> {
  let last = '';
  const ready = () =>
    containerClient(plane)
      .exists()
      .then(() => true)
      .catch((error: Error) => {
        last = error.message;
        return false;
      });
  await until(ready, { seconds: 180, problem: () => `Azurite does not answer: ${last}` });
}

/** The container as this machine reaches it, by address. */
export function containerClient(plane: ControlPlane): ContainerClient {
  tls.setDefaultCACertificates([...tls.getCACertificates('bundled'), readFileSync(authorityFile(plane), 'utf8')]);
  const credential = new StorageSharedKeyCredential(account, accountKey);
  return new ContainerClient(`https://${addressOf(plane)}/${account}/${container}`, credential, { retryOptions: { maxTries: 1 } });
}

/** Lets a program on this machine reach the account by its name. */
export function pushEnvironment(plane: ControlPlane): NodeJS.ProcessEnv {
  return {
    ...process.env,
    AZURE_STORAGE_ACCESS_KEY: accountKey,
    NODE_EXTRA_CA_CERTS: authorityFile(plane),
    MODELWRIGHT_TEST_ADDRESS: addressOf(plane),
    NODE_OPTIONS: `--import=${pathToFileURL(join(CHECKOUT, 'test/packaging/support/resolve-accounts.mjs')).href}`,
  };
}

export function authorityFile(plane: ControlPlane): string {
  return join(azureFolder(plane), 'ca.crt');
}

function azureFolder(plane: ControlPlane): string {
  return join(plane.dir, 'azure');
}

function addressOf(plane: ControlPlane): string {
  if (!plane.record.node) throw new Error(`instance ${plane.name} has no real node`);
  return plane.record.node.address;
}
