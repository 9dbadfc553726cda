/** One demand of a `WWW-Authenticate` header (RFC 9110, 11.6.1). */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By lower-case name. */
  readonly parameters: Readonly<Record<string, string>>;
}

const scheme = /\s*,?\s*([A-Za-z][A-Za-z0-9._~+-]*)(?=\s|,|$)(?!\s*=)/y;
const parameter = /\s*,?\s*([A-Za-z][A-Za-z0-9._~+-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/y;

/** Every challenge of the header, in its order. What cannot be read ends the list: a registry is never trusted to write well. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: Challenge[] = [];
  let at = 0;
  const next = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    const name = next(scheme)?.[1];
    if (name === undefined) return challenges;
    const parameters: Record<string, string> = {};
    for (let match = next(parameter); match !== null; match = next(parameter)) {
      parameters[(match[1] ?? '').toLowerCase()] = match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '';
    }
    challenges.push({ scheme: name.toLowerCase(), parameters });
  }
}
