import { readFileSync } from 'node:fs';

/** Version of this program: fixed in the bundle at build time, read from package.json where the sources run as they are. */
export function programVersion(): string {
  const built = process.env.MODELWRIGHT_VERSION;
  if (built !== undefined) return built;
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
