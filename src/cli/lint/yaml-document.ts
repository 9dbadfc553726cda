/** The documents of a YAML or JSON text, with the place of every field. */
import { constructFromEvents, EVENT_ID, type Event, getScalarValue, parseEvents, SCALAR_STYLE, YAMLException } from 'js-yaml';
import { kubectlYaml } from './kubectl-yaml.ts';

export type FieldPath = readonly (string | number)[];

/** Both count from 1, the column in characters. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface YamlDocument {
  readonly value: unknown;
  /** Where the field's name stands; for the entry of a list, the entry. A field that is not there: its nearest parent. */
  keyPosition(path: FieldPath): Position;
  /** Where the value stands that a person has to change: a scalar itself, for a map or list its name. */
  position(path: FieldPath): Position;
  /** A scalar as it is written, without quotes; undefined for a map, a list and what is not there. */
  written(path: FieldPath): string | undefined;
}

/** A text that is no YAML, and where. */
export class YamlError extends Error {
  override readonly name = 'YamlError';
  readonly code = 'YAML_ERROR';
  readonly position: Position;

  constructor(message: string, position: Position) {
    super(message);
    this.position = position;
  }
}

/** What thirty aliases can unfold to is still small; without a limit, a few lines unfold to more than memory holds. */
const maxAliases = 30;

/** @throws YamlError */
export function parseYaml(text: string): YamlDocument[] {
  try {
    const events = parseEvents(text, {});
    const values = constructFromEvents(events, { source: text, schema: kubectlYaml, maxAliases });
    const lines = lineStarts(text);
    return placesOf(events, text).map((places, index) => document(values[index], places, lines));
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new YamlError(error.reason, { line: (error.mark?.line ?? 0) + 1, column: (error.mark?.column ?? 0) + 1 });
  }
}

interface Place {
  readonly key: number;
  readonly value: number;
  readonly written?: string;
}

type Places = ReadonlyMap<string, Place>;

const keyOf = (path: FieldPath) => JSON.stringify(path);

function document(value: unknown, places: Places, lines: readonly number[]): YamlDocument {
  const nearest = (path: FieldPath): Place => {
    for (let length = path.length; length >= 0; length--) {
      const place = places.get(keyOf(path.slice(0, length)));
      if (place !== undefined) return place;
    }
    return { key: 0, value: 0 };
  };
  return {
    value,
    keyPosition: (path) => positionOf(nearest(path).key, lines),
    position: (path) => {
      const { key, value, written } = nearest(path);
      return positionOf(written === undefined || written === '' ? key : value, lines);
    },
    written: (path) => places.get(keyOf(path))?.written,
  };
}

/** A cursor over the events: every event but POP opens a node, and POP closes a document, list or map. */
function placesOf(events: readonly Event[], text: string): Places[] {
  const documents: Map<string, Place>[] = [];
  let places = new Map<string, Place>();
  let index = 0;

  function node(path: FieldPath, key?: number): void {
    const event = events[index++];
    if (event === undefined) return;
    switch (event.type) {
      case EVENT_ID.SCALAR: {
        const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
        const value = event.valueStart < 0 ? (key ?? 0) : event.valueStart - (quoted ? 1 : 0);
        places.set(keyOf(path), { key: key ?? value, value, written: getScalarValue(text, event) });
        return;
      }
      case EVENT_ID.ALIAS:
        places.set(keyOf(path), { key: key ?? event.anchorStart - 1, value: event.anchorStart - 1 });
        return;
      case EVENT_ID.SEQUENCE:
        places.set(keyOf(path), { key: key ?? event.start, value: event.start });
        for (let item = 0; isOpen(); item++) node([...path, item]);
        index++;
        return;
      case EVENT_ID.MAPPING:
        places.set(keyOf(path), { key: key ?? event.start, value: event.start });
        while (isOpen()) field(path);
        index++;
        return;
      default:
        return;
    }
  }

  function field(path: FieldPath): void {
    const event = events[index];
    if (event?.type === EVENT_ID.SCALAR) {
      index++;
      node([...path, getScalarValue(text, event)], Math.max(event.valueStart, 0));
    } else {
      node([...path, '']);
      node([...path, '']);
    }
  }

  function isOpen(): boolean {
    return events[index] !== undefined && events[index]?.type !== EVENT_ID.POP;
  }

  while (index < events.length) {
    if (events[index++]?.type !== EVENT_ID.DOCUMENT) continue;
    places = new Map();
    documents.push(places);
    if (isOpen()) node([]);
    index++;
  }
  return documents;
}

function lineStarts(text: string): number[] {
  const starts = [text.startsWith('\uFEFF') ? 1 : 0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

function positionOf(offset: number, lines: readonly number[]): Position {
  const next = lines.findIndex((start) => start > offset);
  const line = next < 0 ? lines.length : next;
  return { line: Math.max(line, 1), column: Math.max(offset - (lines[Math.max(line, 1) - 1] ?? 0), 0) + 1 };
}
