/** The authorities that KServe's administrator has downloads trust: `storageInitializer.caBundleConfigMapName` of inferenceservice-config. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import tls from 'node:tls';
import { Failure } from '../failure.ts';

/** What KServe calls the file in the volume that it mounts (constants.go, DefaultCaBundleFileName). */
const fileName = 'cabundle.crt';

/**
 * Makes this process trust them besides those that it trusts already. KServe tells init containers by two variables, and none of them is set
 * where there is no bundle. Throws a Failure where the file cannot be read or has no certificate.
 */
export function trustBundleOfKServe(env: NodeJS.ProcessEnv = process.env): void {
  const folder = env['CA_BUNDLE_VOLUME_MOUNT_POINT'];
  if (!env['CA_BUNDLE_CONFIGMAP_NAME'] || !folder) return;
  const file = join(folder, fileName);
  try {
    const certificates = readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    if (certificates.length === 0) throw new Error('it has no certificate (PEM)');
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...certificates]);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Failure(
      `the CA bundle of KServe, ${file}, cannot be used: ${why}; put PEM certificates into the key ${fileName} of ConfigMap ${env['CA_BUNDLE_CONFIGMAP_NAME']}`,
    );
  }
}
