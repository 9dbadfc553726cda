/** The Azure clouds whose blob hosts are known; `Zone` hosts (`account.z01.blob.storage.azure.net`) belong to the public cloud. */
export type AzureCloud = 'Public' | 'China' | 'USGovernment';

/** Blob endpoint suffix of each cloud. */
export const blobSuffix: Readonly<Record<AzureCloud, string>> = {
  Public: 'blob.core.windows.net',
  China: 'blob.core.chinacloudapi.cn',
  USGovernment: 'blob.core.usgovcloudapi.net',
};

/** Where a workload or a service principal gets its token in each cloud. */
export const authorityHost: Readonly<Record<AzureCloud, string>> = {
  Public: 'login.microsoftonline.com',
  China: 'login.partner.microsoftonline.cn',
  USGovernment: 'login.microsoftonline.us',
};

export interface AzureHost {
  readonly account: string;
  readonly cloud: AzureCloud;
  /** A host of an account with Azure DNS zone endpoints. */
  readonly zone: boolean;
}

/** The account and cloud that a blob host names; undefined for any other host. The host may carry a port. */
export function parseAzureHost(host: string): AzureHost | undefined {
  const name = host.toLowerCase().replace(/:\d+$/, '');
  const zone = /^([a-z0-9]{3,24})\.z\d{1,2}\.blob\.storage\.azure\.net$/.exec(name);
  if (zone?.[1] !== undefined) return { account: zone[1], cloud: 'Public', zone: true };
  for (const [cloud, suffix] of Object.entries(blobSuffix) as [AzureCloud, string][]) {
    if (!name.endsWith(`.${suffix}`)) continue;
    const account = name.slice(0, -suffix.length - 1);
    // A secondary (read-only) endpoint is the account with "-secondary".
    if (/^[a-z0-9]{3,24}(?:-secondary)?$/.test(account)) return { account: account.replace(/-secondary$/, ''), cloud, zone: false };
  }
  return undefined;
}

/** The blob host of an account in a cloud. */
export function azureHost(account: string, cloud: AzureCloud): string {
  return `${account}.${blobSuffix[cloud]}`;
}
