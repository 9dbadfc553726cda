/** The words that the controllers give as reasons, found in their sources: no list of them could be kept complete by hand. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

/** The ways in which our code names a reason. */
const spellings = [
  /\breason: '([A-Z]\w+)'/g,
  /\breason: [^,;\n]*\? '([A-Z]\w+)' : '([A-Z]\w+)'/g,
  /\b(?:blocking|warning)\(\s*'\w+',\s*'([A-Z]\w+)'/g,
  /\b(?:failed|working)\(\s*'([A-Z]\w+)'/g,
];

/** Each reason, with the files that give it. */
export function reasonsInSources(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const file of globSync('src/{controllers,kserve}/**/*.ts', { cwd: root }).sort()) {
    if (/\.test\.ts$|\/testing\//.test(file)) continue;
    const text = readFileSync(join(root, file), 'utf8');
    const words = new Set(spellings.flatMap((spelling) => [...text.matchAll(spelling)].flatMap((match) => match.slice(1))));
    for (const word of words) found.set(word, [...(found.get(word) ?? []), file]);
  }
  return found;
}

/** Whether a word stands anywhere in the sources as text: a reason may also be chosen in ways that no pattern sees. */
export function isInSources(word: string): boolean {
  return globSync('src/{controllers,kserve,packaging}/**/*.ts', { cwd: root }).some((file) =>
    readFileSync(join(root, file), 'utf8').includes(`'${word}'`),
  );
}
