import type { ModelConfig } from './config.ts';
import { PbtxtError, type Token, tokenize } from './lexer.ts';
import { type Field, type Message, messageOf, type Scalar } from './schema.ts';

/** A `config.pbtxt` larger than this is refused; real ones have a few kilobytes. */
export const maxConfigBytes = 1 << 20;

type Value = string | number | boolean | Record<string, unknown>;

/**
 * Reads a Triton model configuration in protobuf's text format, by the rules of protobuf's own parser: unknown fields, repeated
 * singular fields, two members of a oneof, numbers out of range and unknown enumeration names are errors.
 *
 * @throws PbtxtError with line, column and field.
 */
export function parseConfig(text: string): ModelConfig {
  if (text.length > maxConfigBytes) throw new PbtxtError(`The file is larger than ${maxConfigBytes} bytes.`, 1, 1);
  const parser = new Parser(tokenize(text));
  return parser.message(messageOf('ModelConfig'), 'inference.ModelConfig', 'end', '') as ModelConfig;
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** Reads fields up to the closing symbol (or the end of the text) and takes that too. */
  message(message: Message, name: string, close: '}' | '>' | 'end', path: string): Record<string, unknown> {
    const result: Record<string, unknown> = Object.create(null);
    const chosen = new Map<string, string>();
    for (;;) {
      const token = this.#peek();
      if (close === 'end' ? token.kind === 'end' : this.#isSymbol(close)) {
        if (close !== 'end') this.#take();
        return result;
      }
      if (this.#isSymbol('[')) this.#fail('Extensions and Any are not part of a model configuration.', token, path);
      if (token.kind !== 'identifier') this.#fail(`Expected identifier, got: ${token.text}`, token, path);
      this.#take();
      const field = message.get(token.text);
      const here = path === '' ? token.text : `${path}.${token.text}`;
      if (field === undefined) this.#fail(`Message type "${name}" has no field named "${token.text}".`, token, here);
      this.#field(field, token, here, result, chosen);
      if (this.#isSymbol(',') || this.#isSymbol(';')) this.#take();
    }
  }

  #field(field: Field, name: Token, path: string, into: Record<string, unknown>, chosen: Map<string, string>): void {
    if (field.oneof !== undefined) {
      const other = chosen.get(field.oneof);
      if (other !== undefined && other !== name.text) {
        this.#fail(`Field "${name.text}" is specified along with field "${other}", another member of oneof "${field.oneof}".`, name, path);
      }
      chosen.set(field.oneof, name.text);
    }
    if (!field.repeated && into[name.text] !== undefined) {
      this.#fail(`Non-repeated field "${name.text}" is specified multiple times.`, name, path);
    }
    const isMessage = typeof field.type === 'object' && 'message' in field.type;
    if (this.#isSymbol(':')) this.#take();
    else if (!isMessage) this.#expected('":"', path);

    if (!field.repeated) {
      into[name.text] = this.#value(field, path);
      return;
    }
    const values = (into[name.text] ?? []) as Value[];
    into[name.text] = values;
    if (!this.#isSymbol('[')) {
      values.push(this.#value(field, `${path}[${values.length}]`));
      return;
    }
    this.#take();
    if (this.#isSymbol(']')) {
      this.#take();
      return;
    }
    for (;;) {
      values.push(this.#value(field, `${path}[${values.length}]`));
      if (this.#isSymbol(']')) {
        this.#take();
        return;
      }
      if (!this.#isSymbol(',')) this.#expected('","', path);
      this.#take();
    }
  }

  #value(field: Field, path: string): Value {
    const { type } = field;
    if (typeof type === 'string') return this.#scalar(type, path);
    if ('enum' in type) return this.#enum(type.enum, path);
    const open = this.#peek();
    if (!this.#isSymbol('{') && !this.#isSymbol('<')) this.#expected('"{"', path);
    this.#take();
    return this.message(messageOf(type.message), `inference.${type.message}`, open.text === '{' ? '}' : '>', path);
  }

  #scalar(type: Scalar, path: string): Value {
    switch (type) {
      case 'string':
        return this.#string(path);
      case 'bool':
        return this.#bool(path);
      case 'float':
        return this.#float(path);
      default:
        return this.#integer(type, path);
    }
  }

  #string(path: string): string {
    const parts: string[] = [];
    while (this.#peek().kind === 'string') parts.push(this.#take().text);
    if (parts.length === 0) this.#fail(`Expected string, got: ${this.#peek().text}`, this.#peek(), path);
    return parts.join('');
  }

  #bool(path: string): boolean {
    const token = this.#take();
    if (token.kind === 'integer') {
      const value = BigInt(literal(token.text));
      if (value > 1n) this.#fail(`Integer out of range (${token.text})`, token, path);
      return value === 1n;
    }
    if (['true', 'True', 't'].includes(token.text)) return true;
    if (['false', 'False', 'f'].includes(token.text)) return false;
    return this.#fail(`Invalid value for boolean field "${last(path)}". Value: "${token.text}".`, token, path);
  }

  #float(path: string): number {
    const negative = this.#isSymbol('-');
    if (negative) this.#take();
    const token = this.#take();
    const sign = negative ? -1 : 1;
    if (token.kind === 'integer' || token.kind === 'float') return sign * Number(token.text.replace(/[fF]$/, ''));
    if (/^inf(?:inity)?$/i.test(token.text)) return sign * Number.POSITIVE_INFINITY;
    if (/^nan$/i.test(token.text)) return Number.NaN;
    return this.#fail(`Expected double, got: ${token.text}`, token, path);
  }

  #integer(type: 'int32' | 'int64' | 'uint32' | 'uint64', path: string): number {
    const signed = type === 'int32' || type === 'int64';
    const negative = signed && this.#isSymbol('-');
    if (negative) this.#take();
    const token = this.#take();
    if (token.kind !== 'integer') this.#fail(`Expected integer, got: ${token.text}`, token, path);
    const value = BigInt(literal(token.text)) * (negative ? -1n : 1n);
    const bits = type.endsWith('32') ? 32 : 64;
    const fits = signed ? BigInt.asIntN(bits, value) === value : BigInt.asUintN(bits, value) === value;
    if (!fits) this.#fail(`Integer out of range (${token.text})`, token, path);
    return Number(value);
  }

  #enum(values: readonly string[], path: string): Value {
    const token = this.#take();
    if (token.kind === 'identifier') {
      if (!values.includes(token.text)) {
        this.#fail(`Unknown enumeration value of "${token.text}" for field "${last(path)}".`, token, path);
      }
      return token.text;
    }
    if (token.kind !== 'integer') this.#fail(`Expected integer or identifier, got: "${token.text}"`, token, path);
    // Enumerations are open: a number without a name is kept and means nothing to the server.
    const number = Number(literal(token.text));
    return values[number] ?? number;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '', line: 1, column: 1 };
  }

  #take(): Token {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  #isSymbol(symbol: string): boolean {
    const token = this.#peek();
    return token.kind === 'symbol' && token.text === symbol;
  }

  #expected(what: string, path: string): never {
    const token = this.#peek();
    return this.#fail(`Expected ${what}, found "${token.text}".`, token, path);
  }

  #fail(message: string, token: Token, path: string): never {
    throw new PbtxtError(message, token.line, token.column, path);
  }
}

/** The digits as BigInt reads them: protobuf writes octal as 017. */
function literal(digits: string): string {
  return /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
}

function last(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1).replace(/\[\d+\]$/, '');
}
