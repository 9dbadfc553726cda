/** What a campaign consists of; every count can be given on the command line. */
import { parseArgs } from 'node:util';

export interface CampaignOptions {
  readonly seed: number;
  readonly crashes: number;
  readonly requestFaults: number;
  readonly watchFaults: number;
  readonly halfOpenTrials: number;
  readonly bookmarkTrials: number;
  readonly leaderKills: number;
  readonly leaderStops: number;
  readonly leaderTerminations: number;
  /** Of the leader trials together, how many with the real lease of 15 s. */
  readonly realLeases: number;
  readonly restarts: number;
  readonly compactions: number;
  readonly uncollected: number;
  readonly staleServers: number;
  readonly usurpations: number;
  readonly expirations: number;
  /** `all`, `none`, or names of defects with commas between. */
  readonly defects: string;
}

const defaults = {
  seed: ['1', 'the choices of the campaign follow from it'],
  crashes: ['160', 'SIGKILLs at writes'],
  'request-faults': ['1000', 'faults on requests'],
  'watch-faults': ['500', 'faults on watches, without half-open ones'],
  'half-open': ['3', 'trials with all watches half-open; each takes 90 s and more'],
  'without-bookmarks': ['1', 'trials without any bookmark; each takes 200 s and more'],
  'leader-kills': ['50', 'SIGKILLs of the leader of two replicas'],
  'leader-stops': ['50', 'SIGSTOPs of the leader of two replicas, woken up when the other has taken over'],
  'leader-terminations': ['5', 'SIGTERMs of the leader of two replicas, with the lease of 15 s'],
  'real-leases': ['5', 'kills and stops among these with the lease of 15 s; the others have one of 6 s'],
  restarts: ['2', 'restarts of the API server'],
  compactions: ['3', 'compactions of etcd under broken watches'],
  uncollected: ['3', 'ModelDeployments made anew while nobody collects garbage'],
  'stale-servers': ['3', 'operators that come up on an API server that lags behind'],
  usurpations: ['5', 'InferenceServices that others replace while the operator looks away'],
  expirations: ['5', 'times that all watches come back with an expired position'],
  defects: ['all', 'seeded defects that the campaign must catch: all, none, or names'],
} as const satisfies Readonly<Record<string, readonly [string, string]>>;

type Name = keyof typeof defaults;

export const usage = [
  'npm run test:faults [-- --option value …]',
  ...Object.entries(defaults).map(([name, [value, text]]) => `  --${name.padEnd(20)} ${text} (${value})`),
].join('\n');

/** Throws for what it does not know. */
export function parseOptions(args: readonly string[]): CampaignOptions | 'help' {
  const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: 'string' } as const]));
  const parsed = parseArgs({ args: [...args], options: { ...options, help: { type: 'boolean' } } });
  const values: Readonly<Record<string, unknown>> = parsed.values;
  if (values['help']) return 'help';
  const text = (name: Name) => String(values[name] ?? defaults[name][0]);
  const count = (name: Name) => {
    const value = Number(text(name));
    if (!Number.isInteger(value) || value < 0) throw new Error(`--${name} must be a whole number, not "${text(name)}"`);
    return value;
  };
  return {
    seed: count('seed'),
    crashes: count('crashes'),
    requestFaults: count('request-faults'),
    watchFaults: count('watch-faults'),
    halfOpenTrials: count('half-open'),
    bookmarkTrials: count('without-bookmarks'),
    leaderKills: count('leader-kills'),
    leaderStops: count('leader-stops'),
    leaderTerminations: count('leader-terminations'),
    realLeases: count('real-leases'),
    restarts: count('restarts'),
    compactions: count('compactions'),
    uncollected: count('uncollected'),
    staleServers: count('stale-servers'),
    usurpations: count('usurpations'),
    expirations: count('expirations'),
    defects: text('defects'),
  };
}
