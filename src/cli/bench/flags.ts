import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { LatencyBound } from '../../load/best.ts';
import { quantileOfName } from '../../load/statistics/percentile.ts';
import { UsageError } from '../../load/transport/target.ts';
import { type AddressRules, isAddressRange } from '../../models/addresses.ts';

/** `1,2,8` → numbers above 0; `label` names the flag in the error. */
export function numberList(text: string, label: string, integer: boolean): number[] {
  const numbers = text.split(',').map((part) => positive(part, label, integer));
  if (new Set(numbers).size !== numbers.length) throw new UsageError(`${label} ${text} names a value twice`);
  return numbers;
}

export function positive(text: string, label: string, integer = false): number {
  const value = Number(text.trim());
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0 || (integer && !Number.isInteger(value))) {
    throw new UsageError(`${label} takes ${integer ? 'whole ' : ''}numbers above 0, not "${text}"`);
  }
  return value;
}

export function notNegative(text: string, label: string): number {
  return Number(text) === 0 && text.trim() !== '' ? 0 : positive(text, label);
}

/** `30`, `30s`, `500ms`, `2m` → seconds. */
export function seconds(text: string, label: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  const factor = { ms: 0.001, s: 1, m: 60, h: 3600 }[match?.[2] ?? 's'] ?? 1;
  const value = Number(match?.[1]) * factor;
  if (match === null || !(value >= 0)) throw new UsageError(`${label} takes a time like 30s, 500ms or 2m, not "${text}"`);
  return value;
}

/** `p99=100ms` → a bound; `label` names the flag in the error. */
export function latencyBound(text: string, label = '--slo'): LatencyBound {
  const [name = '', time = ''] = text.split('=');
  if (quantileOfName(name) === undefined || !['p50', 'p90', 'p95', 'p99', 'p999', 'p99.9'].includes(name)) {
    throw new UsageError(`${label} ${text}: the percentile must be p50, p90, p95, p99 or p999, as in ${label} p99=100ms`);
  }
  const maxMicroseconds = seconds(/[a-z]$/.test(time) ? time : `${time}ms`, label) * 1e6;
  if (!(maxMicroseconds > 0)) throw new UsageError(`${label} ${text}: the bound must be above 0`);
  return { percentile: name === 'p99.9' ? 'p999' : name, maxMicroseconds };
}

/** `public,private,10.0.0.0/8` → what may be connected to. */
export function addressRules(text: string): AddressRules {
  const rules = text.split(',').filter(Boolean);
  const wrong = rules.find((rule) => rule !== 'public' && rule !== 'private' && !isAddressRange(rule));
  if (wrong !== undefined)
    throw new UsageError(`--allow-addresses "${wrong}" is neither public nor private, nor an address or a range like 10.0.0.0/8`);
  return rules;
}

/** `name=value` pairs. */
export function pairs(texts: readonly string[], label: string): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new UsageError(`${label} takes NAME=VALUE, not "${text}"`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

export function readFile(file: string, label: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new UsageError(`${label} ${file} cannot be read: ${(error as Error).message}`);
  }
}

export function readJson(file: string, label: string): unknown {
  const text = readFile(file, label).toString();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${label} ${file} is not JSON: ${(error as Error).message}`);
  }
}

/** A bearer token from a file or from what a command prints; never from the command line itself, where every user of the machine sees it. */
export function tokenFrom(file: string | undefined, command: string | undefined): string | undefined {
  if (file !== undefined && command !== undefined) throw new UsageError('--token-file and --token-command exclude each other');
  let text: string | undefined;
  if (file !== undefined) text = readFile(file, '--token-file').toString();
  if (command !== undefined) {
    try {
      text = execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000 });
    } catch {
      throw new UsageError('--token-command failed; run it by hand to see why');
    }
  }
  const token = text?.trim();
  if (token === '' || (token !== undefined && !/^[\x21-\x7e]+$/.test(token)))
    throw new UsageError('the token is empty or has characters that no token has');
  return token;
}
