/**
 * Azure Blob for pods: Azurite behind TLS under the account's real name, on the address at which pods reach this machine. Pods find it by
 * the node's DNS and trust it by KServe's CA bundle; `modelwright push` on this machine by what `pushEnvironment` says.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import tls from 'node:tls';
import { pathToFileURL } from 'node:url';
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import type { ControlPlane } from '../../../hack/controlplane/plane.ts';
import { until } from '../../../hack/controlplane/probe.ts';
import { createAuthority, issue } from '../../../hack/controlplane/x509.ts';

const CHECKOUT = resolve(import.meta.dirname, '../../..');
const AUTHORITY = 'modelwright e2e';

export const account = 'modelwright';
export const accountHost = `${account}.blob.core.windows.net`;
export const container = 'models';
/** Of this test alone; the service is reached from this machine and its pods only. */
export const accountKey = Buffer.alloc(64, 7).toString('base64');
/** The process of the instance, to stop and start. */
export const AZURITE = 'azurite';

/** Starts Azurite with one private container; returns the certificate authority, PEM. */
export async function startAzurite(plane: ControlPlane): Promise<string> {
  const host = addressOf(plane);
  const folder = azureFolder(plane);
  mkdirSync(folder, { recursive: true });
  const authority = { commonName: AUTHORITY, ...createAuthority(AUTHORITY) };
  const serving = issue(authority, { commonName: 'blob', hosts: [accountHost, host] });
  const files = { 'ca.crt': authority.cert, 'server.crt': serving.cert, 'server.key': serving.key };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
  await plane.startProcess({
    name: AZURITE,
    command: process.execPath,
    args: [
      join(CHECKOUT, 'node_modules/azurite/dist/src/blob/main.js'),
      ...['--location', join(folder, 'data'), '--blobHost', host, '--blobPort', '443'],
      ...['--cert', join(folder, 'server.crt'), '--key', join(folder, 'server.key')],
      ...['--silent', '--skipApiVersionCheck', '--disableTelemetry'],
    ],
    env: { AZURITE_ACCOUNTS: `${account}:${accountKey}` },
  });
  await untilAzuriteAnswers(plane);
  await containerClient(plane).create();
  writeFileSync(plane.record.node?.hostsFile ?? '', `${host} ${accountHost}\n`);
  return authority.cert;
}

/** After a start or a restart. */
export async function untilAzuriteAnswers(plane: ControlPlane): Promise<void> {
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), readFileSync(join(azureFolder(plane), 'ca.crt'), 'utf8')]);
  const ready = () =>
    containerClient(plane)
      .exists()
      .then(() => true)
      .catch(() => false);
  await until(ready, { seconds: 60, problem: () => 'Azurite does not answer' });
}

/** The container as this machine reaches it, by address. */
export function containerClient(plane: ControlPlane): ContainerClient {
  const credential = new StorageSharedKeyCredential(account, accountKey);
  return new ContainerClient(`https://${addressOf(plane)}/${account}/${container}`, credential, { retryOptions: { maxTries: 1 } });
}

/** Lets a program on this machine reach the account by its name. */
export function pushEnvironment(plane: ControlPlane): NodeJS.ProcessEnv {
  return {
    ...process.env,
    AZURE_STORAGE_ACCESS_KEY: accountKey,
    NODE_EXTRA_CA_CERTS: join(azureFolder(plane), 'ca.crt'),
    MODELWRIGHT_TEST_ADDRESS: addressOf(plane),
    NODE_OPTIONS: `--import=${pathToFileURL(join(CHECKOUT, 'test/packaging/support/resolve-accounts.mjs')).href}`,
  };
}

function azureFolder(plane: ControlPlane): string {
  return join(plane.dir, 'azure');
}

function addressOf(plane: ControlPlane): string {
  if (!plane.record.node) throw new Error(`instance ${plane.name} has no real node`);
  return plane.record.node.host;
}
