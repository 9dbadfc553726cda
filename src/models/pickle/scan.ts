import { PickleReader, type ReadAt } from './reader.ts';

/** What a pickle would do, found by reading its instructions; nothing is imported or called. */
export interface PickleScan {
  /** Every class or function that it names, `module.name`, sorted. */
  readonly globals: readonly string[];
  /** It builds a name at run time, so the list cannot be complete. */
  readonly hiddenGlobals: boolean;
  /** `_sklearn_version` of the estimators in it. */
  readonly sklearnVersions: readonly string[];
  /** Why the reading stopped early; absent when every instruction was read. */
  readonly incomplete?: string;
}

/** A value on the pickle machine's stack, as far as the scan needs it. */
type Value =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'bool'; readonly bool: boolean }
  | { readonly kind: 'none' }
  | { readonly kind: 'tuple'; readonly items: readonly Value[] }
  | { readonly kind: 'dict'; readonly entries: Map<string, Value> }
  | { readonly kind: 'global'; readonly name: string }
  | { readonly kind: 'object'; readonly of: string; readonly args: readonly Value[]; state: Value | undefined }
  | { readonly kind: 'other' };

const other: Value = { kind: 'other' };
const maxInstructions = 20_000_000;
const maxText = 4096;
const maxStack = 1_000_000;

/**
 * Reads the instructions of a pickle (all protocols, and joblib's format with arrays in between) and returns what it names.
 * Time is linear in the instructions; arrays are skipped by their declared size.
 */
export async function scanPickle(readAt: ReadAt, sizeBytes: number): Promise<PickleScan> {
  const machine = new Machine(new PickleReader(readAt, sizeBytes));
  const incomplete = await machine.run();
  return {
    globals: [...machine.globals].sort(),
    hiddenGlobals: machine.hidden,
    sklearnVersions: [...machine.sklearnVersions].sort(),
    ...(incomplete === undefined ? {} : { incomplete }),
  };
}

class Machine {
  readonly #reader: PickleReader;
  readonly globals = new Set<string>();
  readonly sklearnVersions = new Set<string>();
  hidden = false;
  #instructions = 0;

  constructor(reader: PickleReader) {
    this.#reader = reader;
  }

  /** Runs one pickle to its STOP; returns why it could not. */
  async run(depth = 0): Promise<string | undefined> {
    const reader = this.#reader;
    const stack: Value[] = [];
    const marks: number[] = [];
    const memo = new Map<number, Value>();
    const pop = (): Value => stack.pop() ?? other;
    const popMark = (): Value[] => stack.splice(marks.pop() ?? 0);
    const top = (): Value => stack.at(-1) ?? other;
    const ended = 'it ends in the middle of an instruction';
    if (depth > 16) return 'it holds too many pickles inside one another';

    for (;;) {
      this.#instructions += 1;
      if (this.#instructions > maxInstructions) return `it has more than ${maxInstructions} instructions`;
      if (stack.length > maxStack) return 'it stacks too many values';
      const opcode = (await reader.take(1))?.[0];
      if (opcode === undefined) return ended;
      switch (String.fromCharCode(opcode)) {
        case '.':
          return undefined;
        case '(':
          marks.push(stack.length);
          break;
        case '0':
          pop();
          break;
        case '1':
          popMark();
          break;
        case '2':
          stack.push(top());
          break;
        case 'N':
          stack.push({ kind: 'none' });
          break;
        case '\x88':
        case '\x89':
          stack.push({ kind: 'bool', bool: opcode === 0x88 });
          break;
        // Numbers, as text or binary.
        case 'I':
        case 'L':
        case 'F': {
          const line = await reader.line(10_000);
          if (line === undefined) return ended;
          stack.push({ kind: 'number', number: Number(line.replace(/L$/, '')) });
          break;
        }
        case 'J':
        case 'K':
        case 'M':
        case 'G': {
          const bytes = await reader.take(opcode === 0x4a ? 4 : opcode === 0x4b ? 1 : opcode === 0x4d ? 2 : 8);
          if (bytes === undefined) return ended;
          stack.push({
            kind: 'number',
            number: opcode === 0x47 ? bytes.readDoubleBE(0) : opcode === 0x4a ? bytes.readInt32LE(0) : bytes.readUIntLE(0, bytes.length),
          });
          break;
        }
        case '\x8a':
        case '\x8b': {
          const length = await this.#length(opcode === 0x8a ? 1 : 4);
          const bytes = length === undefined || length > maxText ? undefined : await reader.take(length);
          if (bytes === undefined) return ended;
          stack.push({ kind: 'number', number: littleEndian(bytes) });
          break;
        }
        // Text and bytes.
        case 'S':
        case 'V': {
          const line = await reader.line(1 << 20);
          if (line === undefined) return ended;
          stack.push({ kind: 'text', text: opcode === 0x53 ? line.replace(/^['"]|['"]$/g, '') : line });
          break;
        }
        case 'U':
        case 'C':
        case '\x8c':
        case 'T':
        case 'B':
        case 'X':
        case '\x8d':
        case '\x8e':
        case '\x96': {
          const width = 'UC\x8c'.includes(String.fromCharCode(opcode)) ? 1 : 'TBX'.includes(String.fromCharCode(opcode)) ? 4 : 8;
          const length = await this.#length(width);
          if (length === undefined) return ended;
          if (length > maxText) {
            if (!reader.skip(length)) return ended;
            stack.push(other);
            break;
          }
          const bytes = await reader.take(length);
          if (bytes === undefined) return ended;
          const isText = 'UX\x8cT\x8d'.includes(String.fromCharCode(opcode));
          stack.push(isText ? { kind: 'text', text: bytes.toString('utf8') } : other);
          break;
        }
        // Containers.
        case ')':
          stack.push({ kind: 'tuple', items: [] });
          break;
        case 't':
          stack.push({ kind: 'tuple', items: popMark() });
          break;
        case '\x85':
        case '\x86':
        case '\x87':
          stack.push({ kind: 'tuple', items: stack.splice(Math.max(0, stack.length - (opcode - 0x84))) });
          break;
        case '}':
          stack.push({ kind: 'dict', entries: new Map() });
          break;
        case 'd':
          stack.push(this.#fill({ kind: 'dict', entries: new Map() }, popMark()));
          break;
        case 's': {
          const [key, value] = stack.splice(Math.max(0, stack.length - 2));
          this.#fill(top(), [key ?? other, value ?? other]);
          break;
        }
        case 'u': {
          const items = popMark();
          this.#fill(top(), items);
          break;
        }
        case ']':
        case '\x8f':
          stack.push(other);
          break;
        case 'a':
          pop();
          break;
        case 'e':
        case '\x90':
          popMark();
          break;
        case 'l':
        case '\x91':
          popMark();
          stack.push(other);
          break;
        // Memo.
        case 'p':
        case 'g': {
          const line = await reader.line(100);
          if (line === undefined) return ended;
          if (opcode === 0x70) memo.set(Number(line), top());
          else stack.push(memo.get(Number(line)) ?? other);
          break;
        }
        case 'q':
        case 'r':
        case 'h':
        case 'j': {
          const index = await this.#length(opcode === 0x71 || opcode === 0x68 ? 1 : 4);
          if (index === undefined) return ended;
          if (opcode === 0x71 || opcode === 0x72) memo.set(index, top());
          else stack.push(memo.get(index) ?? other);
          break;
        }
        case '\x94':
          memo.set(memo.size, top());
          break;
        // Names and calls.
        case 'c': {
          const [module, name] = [await reader.line(maxText), await reader.line(maxText)];
          if (module === undefined || name === undefined) return ended;
          stack.push(this.#global(module, name));
          break;
        }
        case 'i': {
          const [module, name] = [await reader.line(maxText), await reader.line(maxText)];
          if (module === undefined || name === undefined) return ended;
          const called = this.#global(module, name);
          stack.push({ kind: 'object', of: called.name, args: popMark(), state: undefined });
          break;
        }
        case '\x93': {
          const [module, name] = stack.splice(Math.max(0, stack.length - 2));
          if (module?.kind === 'text' && name?.kind === 'text') stack.push(this.#global(module.text, name.text));
          else {
            this.hidden = true;
            stack.push(other);
          }
          break;
        }
        case 'o': {
          const [of, ...args] = popMark();
          stack.push({ kind: 'object', of: nameOf(of), args, state: undefined });
          break;
        }
        case 'R':
        case '\x81': {
          const [of, args] = stack.splice(Math.max(0, stack.length - 2));
          stack.push({ kind: 'object', of: nameOf(of), args: itemsOf(args), state: undefined });
          break;
        }
        case '\x92': {
          const [of, args] = stack.splice(Math.max(0, stack.length - 3));
          stack.push({ kind: 'object', of: nameOf(of), args: itemsOf(args), state: undefined });
          break;
        }
        case 'b': {
          const state = pop();
          const object = top();
          if (object.kind === 'object') {
            object.state = state;
            const array = await this.#skipArray(object, depth);
            if (array !== undefined) return array;
          }
          break;
        }
        case 'P':
          if ((await reader.line(maxText)) === undefined) return ended;
          stack.push(other);
          break;
        case 'Q':
          pop();
          stack.push(other);
          break;
        case '\x82':
        case '\x83':
        case '\x84': {
          // Extension codes stand for names that copyreg holds at run time.
          if ((await reader.take(1 << (opcode - 0x82))) === undefined) return ended;
          this.hidden = true;
          stack.push(other);
          break;
        }
        case '\x80':
          if ((await reader.take(1)) === undefined) return ended;
          break;
        case '\x95':
          if ((await reader.take(8)) === undefined) return ended;
          break;
        case '\x97':
          stack.push(other);
          break;
        case '\x98':
          break;
        default:
          return `byte ${reader.position - 1} is no pickle instruction`;
      }
    }
  }

  /** joblib writes an array's bytes straight behind the object that describes it. Returns why it cannot be passed over. */
  async #skipArray(object: Extract<Value, { kind: 'object' }>, depth: number): Promise<string | undefined> {
    if (object.of !== 'joblib.numpy_pickle.NumpyArrayWrapper' || object.state?.kind !== 'dict') return undefined;
    const { entries } = object.state;
    const type = dtypeOf(entries.get('dtype'));
    const shape = entries.get('shape');
    if (type === undefined || shape?.kind !== 'tuple') return 'an array has no readable type or shape';
    if (type === 'object') return this.run(depth + 1);
    let elements = 1;
    for (const item of shape.items) {
      if (item.kind !== 'number' || !(item.number >= 0)) return 'an array has no readable shape';
      elements *= item.number;
    }
    const alignment = entries.get('numpy_array_alignment_bytes');
    if (alignment?.kind === 'number') {
      const padding = (await this.#reader.take(1))?.[0];
      if (padding === undefined || !this.#reader.skip(padding)) return 'an array is cut off';
    }
    return this.#reader.skip(elements * type) ? undefined : 'an array is cut off';
  }

  #global(module: string, name: string): { kind: 'global'; name: string } {
    const full = `${module}.${name}`;
    if (this.globals.size < 10_000) this.globals.add(full);
    return { kind: 'global', name: full };
  }

  #fill(target: Value, items: readonly Value[]): Value {
    for (let index = 0; index + 1 < items.length; index += 2) {
      const [key, value] = [items[index], items[index + 1]];
      if (key?.kind !== 'text' || value === undefined) continue;
      if (key.text === '_sklearn_version' && value.kind === 'text') this.sklearnVersions.add(value.text);
      if (target.kind === 'dict' && target.entries.size < 100_000) target.entries.set(key.text, value);
    }
    return target;
  }

  async #length(width: number): Promise<number | undefined> {
    const bytes = await this.#reader.take(width);
    return bytes === undefined ? undefined : littleEndian(bytes);
  }
}

function littleEndian(bytes: Buffer): number {
  let value = 0;
  for (let index = bytes.length - 1; index >= 0; index -= 1) value = value * 256 + (bytes[index] ?? 0);
  return value;
}

function nameOf(value: Value | undefined): string {
  return value?.kind === 'global' ? value.name : '';
}

function itemsOf(value: Value | undefined): readonly Value[] {
  return value?.kind === 'tuple' ? value.items : [];
}

/** Bytes of one element of `numpy.dtype('f8', …)`, or `object`. */
function dtypeOf(value: Value | undefined): number | 'object' | undefined {
  if (value?.kind !== 'object' || !/^numpy(?:\.\w+)*\.dtype$/.test(value.of)) return undefined;
  const [code] = value.args;
  if (code?.kind !== 'text') return undefined;
  if (/^[|<>=]?O\d*$/.test(code.text)) return 'object';
  const match = /^[|<>=]?([?biufcSUVmM])(\d*)$/.exec(code.text);
  if (match === null) return undefined;
  if (match[1] === '?') return 1;
  // numpy writes flexible types as S0/V0 with the size in the state; 'U' counts characters of four bytes.
  const size = Number(match[2]);
  const stated = value.state?.kind === 'tuple' ? value.state.items[5] : undefined;
  if ((match[1] === 'V' || match[1] === 'S' || match[1] === 'U') && stated?.kind === 'number')
    return stated.number > 0 ? stated.number : undefined;
  return match[1] === 'U' ? size * 4 : size;
}
