/** What the operator's roles grant against what it was seen to use, both ways. */
import type { RbacRule } from '../generate/chart/roles.ts';

/** One thing that may be done: `patch configmaps of "" named config-deployment`. */
export interface Permission {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly name?: string;
}

export interface SeenUse extends Permission {
  readonly user: string;
  readonly allowed: boolean;
}

/** A difference that is meant, and why. */
export interface Waiver {
  readonly matches: Partial<Permission>;
  readonly why: string;
}

export interface Comparison {
  /** Granted and never used. */
  readonly unused: readonly Permission[];
  /** Asked for and refused. */
  readonly refused: readonly Permission[];
  /** Waivers that waived nothing: they can go. */
  readonly idle: readonly Waiver[];
  readonly granted: number;
  readonly waived: number;
}

export function expand(rules: readonly RbacRule[]): Permission[] {
  return rules.flatMap(({ apiGroups, resources, verbs, resourceNames }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        verbs.flatMap((verb) =>
          (resourceNames ?? [undefined]).map((name) => ({ verb, group, resource, ...(name !== undefined && { name }) })),
        ),
      ),
    ),
  );
}

/**
 * @param waivers of what is granted and never used
 * @param refusals of what was refused
 */
export function compare(
  granted: readonly Permission[],
  seen: readonly SeenUse[],
  waivers: readonly Waiver[],
  refusals: readonly Waiver[] = [],
): Comparison {
  const had = seen.filter(({ allowed }) => allowed);
  const unused = granted.filter((permission) => !had.some((use) => covers(permission, use)));
  const refused = distinct(seen.filter(({ allowed }) => !allowed));
  const waivedBy = (permission: Permission) => waivers.find(({ matches }) => fits(matches, permission));
  const meant = (permission: Permission) => refusals.find(({ matches }) => fits(matches, permission));
  const used = new Set([...unused.map(waivedBy), ...refused.map(meant)]);
  return {
    unused: unused.filter((permission) => waivedBy(permission) === undefined),
    refused: refused.filter((permission) => meant(permission) === undefined),
    idle: [...waivers, ...refusals].filter((waiver) => !used.has(waiver)),
    granted: granted.length,
    waived: unused.filter((permission) => waivedBy(permission) !== undefined).length,
  };
}

/** Whether a use needed this permission. One that is granted for every object of the resource covers each by its name. */
function covers(permission: Permission, use: Permission): boolean {
  const { verb, group, resource, name } = permission;
  return use.verb === verb && use.group === group && use.resource === resource && (name === undefined || use.name === name);
}

function fits(matches: Partial<Permission>, permission: Permission): boolean {
  return Object.entries(matches).every(([part, value]) => permission[part as keyof Permission] === value);
}

function distinct(uses: readonly SeenUse[]): Permission[] {
  const found = new Map(
    uses.map(({ verb, group, resource, name }) => {
      const permission = { verb, group, resource, ...(name !== undefined && { name }) };
      return [JSON.stringify(permission), permission] as const;
    }),
  );
  return [...found.values()];
}

export function describe({ verb, group, resource, name }: Permission): string {
  return `${verb} ${resource}${group === '' ? '' : `.${group}`}${name === undefined ? '' : ` "${name}"`}`;
}
