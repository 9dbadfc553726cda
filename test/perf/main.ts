/**
 * Measures, and prints one JSON document: the environment, and each figure with all its runs, its median, its spread and its goal.
 *
 *   npm run bench                                    every suite
 *   npm run bench -- operator|load|packaging|profile [options of the suite]
 *
 * A suite is a folder with a `main.ts` that exports `bench(args): Promise<Figure[]>`. Progress goes to stderr. A missed goal is no failure of
 * the run: the JSON says so.
 */
import { environment } from './environment.ts';
import type { Figure } from './figure.ts';

interface Suite {
  bench(args: readonly string[]): Promise<readonly Figure[]>;
}

const suites: Readonly<Record<string, () => Promise<Suite>>> = {
  operator: () => import('./operator/main.ts'),
  load: () => import('./load/main.ts'),
  packaging: () => import('./packaging/main.ts'),
  profile: () => import('./profile/main.ts'),
};

const [asked, ...args] = process.argv.slice(2);
if (asked !== undefined && !(asked in suites)) {
  console.error(`no suite "${asked}": there are ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}

const results: Record<string, unknown> = {};
const started = environment();
for (const [name, load] of Object.entries(suites)) {
  if (asked !== undefined && asked !== name) continue;
  console.error(`measuring: ${name}`);
  const { bench } = await load();
  results[name] = await bench(args);
}
console.log(JSON.stringify({ environment: started, suites: results }, null, 2));
