/** Edits of single string values inside a JSON text that leave every other byte as it was: others write the same text, each in their own layout. */

/** Where a value stands in the text, and what is below it. */
interface Node {
  readonly start: number;
  readonly end: number;
  /** Of an object: its members in order. */
  readonly members?: readonly Member[];
}

interface Member {
  readonly key: string;
  /** Of the key's opening quote. */
  readonly start: number;
  readonly value: Node;
}

/** A text that is no JSON object, or has nothing where an edit was to go. */
export class JsonTextError extends Error {
  override readonly name = 'JsonTextError';
  readonly code = 'JSON_TEXT';
}

/** The value at a path of object keys; undefined where there is none. Throws `JsonTextError` for a text that is no JSON object. */
export function readAt(text: string, path: readonly string[]): unknown {
  const node = find(parse(text), path);
  return node === undefined ? undefined : (JSON.parse(text.slice(node.start, node.end)) as unknown);
}

/** Sets the string at a path, whose parent object must be there; a missing member is added behind the last one, laid out as that is. */
export function setAt(text: string, path: readonly string[], value: string): string {
  const { parent, key } = parentOf(text, path);
  const members = parent.members ?? [];
  const member = members.findLast((candidate) => candidate.key === key);
  if (member !== undefined) return splice(text, member.value.start, member.value.end, JSON.stringify(value));
  const last = members.at(-1);
  const written = `${JSON.stringify(key)}: ${JSON.stringify(value)}`;
  if (last === undefined) return splice(text, parent.start + 1, parent.start + 1, written);
  return splice(text, last.value.end, last.value.end, `,${layoutBefore(text, last)}${written}`);
}

/** Takes the member at a path away, with the comma before it: undoes a `setAt` that added it. */
export function removeAt(text: string, path: readonly string[]): string {
  const { parent, key } = parentOf(text, path);
  const members = parent.members ?? [];
  const index = members.findLastIndex((candidate) => candidate.key === key);
  const member = members[index];
  if (member === undefined) return text;
  const [before, after] = [members[index - 1], members[index + 1]];
  if (before !== undefined) return splice(text, before.value.end, member.value.end, '');
  return splice(text, member.start, after === undefined ? member.value.end : after.start, '');
}

function parentOf(text: string, path: readonly string[]): { readonly parent: Node; readonly key: string } {
  const parent = find(parse(text), path.slice(0, -1));
  const key = path.at(-1);
  if (parent?.members === undefined || key === undefined) throw new JsonTextError(`there is no object at ${path.slice(0, -1).join('.')}`);
  return { parent, key };
}

function splice(text: string, start: number, end: number, middle: string): string {
  return text.slice(0, start) + middle + text.slice(end);
}

/** White space in front of a member, back to what stands before it. */
function layoutBefore(text: string, { start }: Member): string {
  return /\s*$/.exec(text.slice(0, start))?.[0] ?? '';
}

/** Of several members with one key the last counts, for Go as for JavaScript. */
function find(root: Node, path: readonly string[]): Node | undefined {
  let node: Node | undefined = root;
  for (const key of path) node = node?.members?.findLast((member) => member.key === key)?.value;
  return node;
}

function parse(text: string): Node {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new JsonTextError(`it is not valid JSON: ${(error as Error).message}`);
  }
  const root = valueAt(text, skipSpace(text, 0));
  if (root.members === undefined) throw new JsonTextError('it is valid JSON, but no object');
  return root;
}

const scalar = /(?:"(?:[^"\\]|\\.)*"|[^\s,\]}]+)/y;

/** The value that begins at `start`. The text is known to be JSON, so that brackets and commas are where they must be. */
function valueAt(text: string, start: number): Node {
  if (text[start] !== '{' && text[start] !== '[') return { start, end: scalarEnd(text, start) };
  const isObject = text[start] === '{';
  const members: Member[] = [];
  let at = skipSpace(text, start + 1);
  while (text[at] !== '}' && text[at] !== ']') {
    const memberStart = at;
    let key = '';
    if (isObject) {
      const keyEnd = scalarEnd(text, at);
      key = JSON.parse(text.slice(at, keyEnd)) as string;
      at = skipSpace(text, skipSpace(text, keyEnd) + 1);
    }
    const value = valueAt(text, at);
    if (isObject) members.push({ key, start: memberStart, value });
    at = skipSpace(text, value.end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return { start, end: at + 1, ...(isObject && { members }) };
}

function scalarEnd(text: string, start: number): number {
  scalar.lastIndex = start;
  scalar.exec(text);
  return scalar.lastIndex;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\t' || text[at] === '\r') at += 1;
  return at;
}
