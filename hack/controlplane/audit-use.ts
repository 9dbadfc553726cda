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
  /** `modelwright/0.1.0`: which version of the operator asked; absent where it was another program with its account. */
  readonly program?: string;
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
    for (const use of line.includes('"system:serviceaccount:') ? usesOf(line) : []) uses.set(JSON.stringify(use), use);
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${instance}.json`), JSON.stringify([...uses.values()], null, 1));
}

/** What one request needed: none that is nobody's, two where an apply made its object. */
function usesOf(line: string): Use[] {
  try {
    const { verb, user, impersonatedUser, userAgent = '', objectRef, responseStatus, annotations } = JSON.parse(line) as AuditLine;
    // The operator behind a proxy that speaks in its name; a test that asks with kubectl what it may is not the operator.
    const isOurs = userAgent.startsWith('modelwright/');
    const { username } = (isOurs ? impersonatedUser : undefined) ?? user;
    if (objectRef?.resource === undefined || !username.startsWith('system:serviceaccount:')) return [];
    const { apiGroup = '', resource, subresource, name, namespace } = objectRef;
    const decision = annotations?.['authorization.k8s.io/decision'];
    const use: Use = {
      user: username,
      verb,
      group: apiGroup,
      resource: subresource === undefined ? resource : `${resource}/${subresource}`,
      ...(name !== undefined && named.has(resource) && { name }),
      allowed: decision !== 'forbid',
      ...(isOurs && { program: userAgent.split(' ')[0] as string }),
      ...(namespace !== undefined && username.split(':')[2] === namespace && { own: true }),
    };
    // An apply is the verb patch. Where it makes the object the API server asks for create besides, and the log has only the answer to tell.
    return verb === 'patch' && responseStatus?.code === 201 ? [use, { ...use, verb: 'create' }] : [use];
  } catch {
    return [];
  }
}

/** Resources of which the roles grant single objects; of all others the name would only make the files long. */
const named = new Set(['configmaps', 'leases']);
