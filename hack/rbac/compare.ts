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
  /** `modelwright/0.1.0`; absent where it was another program with the operator's account. */
  readonly program?: string;
  /** In the operator's own namespace. */
  readonly own?: true;
}

/** A difference that is meant, and why. */
export interface Waiver {
  readonly matches: Partial<Permission>;
  readonly why: string;
}

export interface Comparison {
  /** Granted and never used. */
  readonly unused: readonly Permission[];
  /** Asked for and refused, and not granted there: what is was refused for a moment, by a server that had just started, or when the roles went. */
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

export interface Granted {
  /** In every namespace. */
  readonly everywhere: readonly Permission[];
  /** In the operator's own namespace. */
  readonly own: readonly Permission[];
}

/** @param waivers of what is granted and never used */
export function compare({ everywhere, own }: Granted, seen: readonly SeenUse[], waivers: readonly Waiver[]): Comparison {
  const granted = [...everywhere, ...own];
  const had = seen.filter(({ allowed }) => allowed);
  const unused = granted.filter((permission) => !had.some((use) => covers(permission, use)));
  const isGranted = (use: SeenUse) => (use.own ? granted : everywhere).some((permission) => covers(permission, use));
  const refused = distinct(seen.filter((use) => !use.allowed && !isGranted(use)));
  const waivedBy = (permission: Permission) => waivers.find(({ matches }) => fits(matches, permission));
  const used = new Set(unused.map(waivedBy));
  return {
    unused: unused.filter((permission) => waivedBy(permission) === undefined),
    refused,
    idle: waivers.filter((waiver) => !used.has(waiver)),
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

/** Whether it was an operator of this checkout that asked. Tests of upgrades run an earlier one, which did what its own chart granted. */
export function isOperators({ user, program }: SeenUse, operator: string): boolean {
  return user === operator && program !== undefined && !program.startsWith('modelwright/earlier-');
}

export function describe({ verb, group, resource, name }: Permission): string {
  return `${verb} ${resource}${group === '' ? '' : `.${group}`}${name === undefined ? '' : ` "${name}"`}`;
}
