/** A mistake in a text-format message, with its place counted as protobuf counts it (both from 1). */
export class PbtxtError extends Error {
  readonly line: number;
  readonly column: number;
  /** The field being read, as a path; empty at the top level. */
  readonly field: string;

  constructor(message: string, line: number, column: number, field = '') {
    super(message);
    this.name = 'PbtxtError';
    this.line = line;
    this.column = column;
    this.field = field;
  }
}

export type TokenKind = 'identifier' | 'integer' | 'float' | 'string' | 'symbol' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** The text as written; for a string its decoded value. */
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '?': '?',
};

/** Splits a text-format message into tokens; `#` begins a comment. Takes time linear in the text. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const identifier = /[A-Za-z_][A-Za-z0-9_]*/y;
  const number = /(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?)/y;
  let line = 1;
  let lineStart = 0;
  let at = 0;
  const fail = (message: string): never => {
    throw new PbtxtError(message, line, at - lineStart + 1);
  };

  while (at < text.length) {
    const character = text[at] ?? '';
    if (character === '\n') {
      at += 1;
      line += 1;
      lineStart = at;
    } else if (' \t\r\f\v'.includes(character)) {
      at += 1;
    } else if (character === '#') {
      const end = text.indexOf('\n', at);
      at = end < 0 ? text.length : end;
    } else if (character === '"' || character === "'") {
      const start = { line, column: at - lineStart + 1 };
      const [value, next] = readString(text, at, fail);
      tokens.push({ kind: 'string', text: value, ...start });
      at = next;
    } else {
      const column = at - lineStart + 1;
      identifier.lastIndex = at;
      number.lastIndex = at;
      const word = identifier.exec(text)?.[0] ?? number.exec(text)?.[0];
      if (word === undefined) {
        if (character < ' ' || character === '\x7f') fail('Invalid control characters encountered in text.');
        if (character > '~') fail(`Interpreting non ascii codepoint ${character.codePointAt(0) ?? 0}.`);
        tokens.push({ kind: 'symbol', text: character, line, column });
        at += 1;
        continue;
      }
      if (/^0[0-9]/.test(word) && !/^0[0-7]+$/.test(word) && /^\d+$/.test(word))
        fail('Numbers starting with leading zero must be in octal.');
      at += word.length;
      if (/^[\d.]/.test(word) && /[A-Za-z0-9_]/.test(text[at] ?? '')) fail('Need space between number and identifier.');
      const kind = /^[A-Za-z_]/.test(word) ? 'identifier' : /^(?:0[xX][0-9a-fA-F]+|\d+)$/.test(word) ? 'integer' : 'float';
      tokens.push({ kind, text: word, line, column });
    }
  }
  tokens.push({ kind: 'end', text: '', line, column: at - lineStart + 1 });
  return tokens;
}

function readString(text: string, start: number, fail: (message: string) => never): [string, number] {
  const quote = text[start];
  // Octal and hexadecimal escapes are bytes of UTF-8 (Python writes names that way), so the value is put together as bytes.
  const bytes: Buffer[] = [];
  let at = start + 1;
  for (;;) {
    const character = text[at];
    if (character === undefined) return fail('Unexpected end of string.');
    if (character === quote) return [Buffer.concat(bytes).toString('utf8'), at + 1];
    if (character === '\n') return fail('String literals cannot cross line boundaries.');
    if (character !== '\\') {
      let end = at + 1;
      while (end < text.length && text[end] !== quote && text[end] !== '\n' && text[end] !== '\\') end += 1;
      bytes.push(Buffer.from(text.slice(at, end)));
      at = end;
      continue;
    }
    const pattern = /\\(?:([abfnrtv\\'"?])|([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U(00[01][0-9a-fA-F]{5}))/y;
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return fail('Invalid escape sequence in string literal.');
    const [whole, simple, octal, hex, short, long] = match;
    if (simple !== undefined) bytes.push(Buffer.from(simpleEscapes[simple] ?? ''));
    else if (octal !== undefined || hex !== undefined) {
      const byte = octal === undefined ? Number.parseInt(hex ?? '0', 16) : Number.parseInt(octal, 8);
      if (byte > 0xff) return fail('Invalid escape sequence in string literal.');
      bytes.push(Buffer.of(byte));
    } else {
      const code = Number.parseInt(short ?? long ?? '0', 16);
      if (code > 0x10ffff) return fail('Invalid escape sequence in string literal.');
      bytes.push(Buffer.from(String.fromCodePoint(code)));
    }
    at += whole.length;
  }
}
