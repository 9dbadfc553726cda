/** A line of a Java properties file. */
export interface Property {
  readonly key: string;
  readonly value: string;
  readonly line: number;
}

/** Reads a Java properties file: comments, continued lines, `=`, `:` or blank between key and value, escapes. Total. */
export function parseProperties(text: string): Property[] {
  const properties: Property[] = [];
  const lines = text.split(/\r\n|\n|\r/);
  for (let index = 0; index < lines.length; index += 1) {
    const line = index + 1;
    let logical = (lines[index] ?? '').replace(/^[ \t\f]+/, '');
    if (logical === '' || logical.startsWith('#') || logical.startsWith('!')) continue;
    while (/(?:^|[^\\])(?:\\\\)*\\$/.test(logical) && index + 1 < lines.length) {
      index += 1;
      logical = logical.slice(0, -1) + (lines[index] ?? '').replace(/^[ \t\f]+/, '');
    }
    let at = 0;
    while (at < logical.length && !/[=: \t\f]/.test(logical[at] ?? '')) at += logical[at] === '\\' ? 2 : 1;
    const key = unescapeProperty(logical.slice(0, at));
    const value = unescapeProperty(logical.slice(at).replace(/^[ \t\f]*[=:]?[ \t\f]*/, ''));
    properties.push({ key, value, line });
  }
  return properties;
}

function unescapeProperty(text: string): string {
  const named: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' };
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.)|$)/g, (_, code: string | undefined, character: string | undefined) =>
    code === undefined ? (named[character ?? ''] ?? character ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  );
}
