/** Keeps, of an instance that ends, what service accounts asked of the API server, where MODELWRIGHT_AUDIT_USE names a folder for it: see hack/rbac. */
import { createReadStream, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A permission that was asked for, and whether it was had. */
export interface Use {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  /** With its subresource: `pods/log`. */
  readonly resource: string;
  /** Of the object, where the request named one. */
  readonly name?: string;
  readonly allowed: boolean;
  /** Where it was asked for in the namespace of the account itself. */
  readonly own?: true;
}

interface AuditLine {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly impersonatedUser?: { readonly username: string };
  readonly userAgent?: string;
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly name?: string;
    readonly namespace?: string;
  };
  readonly responseStatus?: { readonly code?: number; readonly reason?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Writes each kind of request once. Does nothing without the variable. */
export async function keepUse(auditLog: string, instance: string, folder = process.env['MODELWRIGHT_AUDIT_USE']): Promise<void> {
  if (folder === undefined || folder === '' || !existsSync(auditLog)) return;
  const uses = new Map<string, Use>();
  for await (const line of createInterface({ input: createReadStream(auditLog), crlfDelay: Number.POSITIVE_INFINITY })) {
    const use = line.includes('"system:serviceaccount:') ? useOf(line) : undefined;
    if (use !== undefined) uses.set(JSON.stringify(use), use);
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${instance}.json`), JSON.stringify([...uses.values()], null, 1));
}

function useOf(line: string): Use | undefined {
  try {
    const { verb, user, impersonatedUser, userAgent = '', objectRef, annotations } = JSON.parse(line) as AuditLine;
    // The operator behind a proxy that speaks in its name; a test that asks with kubectl what it may is not the operator.
    const { username } = (userAgent.startsWith('modelwright/') ? impersonatedUser : undefined) ?? user;
    if (objectRef?.resource === undefined || !username.startsWith('system:serviceaccount:')) return undefined;
    const { apiGroup = '', resource, subresource, name, namespace } = objectRef;
    const decision = annotations?.['authorization.k8s.io/decision'];
    return {
      user: username,
      verb,
      group: apiGroup,
      resource: subresource === undefined ? resource : `${resource}/${subresource}`,
      ...(name !== undefined && named.has(resource) && { name }),
      allowed: decision !== 'forbid',
      ...(namespace !== undefined && username.split(':')[2] === namespace && { own: true }),
    };
  } catch {
    return undefined;
  }
}

/** Resources of which the roles grant single objects; of all others the name would only make the files long. */
const named = new Set(['configmaps', 'leases']);
