/**
 * The addresses of one real node: a /24 of its own, so that several instances live side by side.
 *
 *   10.213.N.1 this machine's end of the link, 10.213.N.2 the node, 10.213.N.128/25 its pods
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { claim } from '../claim.ts';

export interface NodeNetwork {
  /** Name of this machine's end of the link, 15 characters at most. */
  readonly link: string;
  /** This machine, as the node and its pods reach it. */
  readonly host: string;
  readonly node: string;
  /** Length of the prefix that the two share. */
  readonly prefix: number;
  /** Where pods get their addresses from. */
  readonly pods: string;
}

const BASE = '10.213';

/** A text that tells this instance from those of other checkouts, too: names in the kernel are shared by all. */
export function instanceMark(dir: string): string {
  return createHash('sha256').update(dir).digest('hex').slice(0, 8);
}

/** The addresses of subnet `number`. */
export function networkOf(number: number, dir: string): NodeNetwork {
  const subnet = `${BASE}.${number}`;
  return { link: `mw-${instanceMark(dir)}`, host: `${subnet}.1`, node: `${subnet}.2`, prefix: 29, pods: `${subnet}.128/25` };
}

/**
 * Reserves a subnet that neither another instance nor a route of this machine has, for the process `owner`.
 * @param folder where the reservations of all instances are kept, with those of ports
 */
export function reserveNetwork(folder: string, dir: string, owner: number, routes: readonly string[] = routesHere()): NodeNetwork {
  mkdirSync(folder, { recursive: true });
  for (let number = 0; number < 256; number++) {
    const file = join(folder, `net-${number}`);
    if (!claim(file, owner)) continue;
    if (!routes.some((route) => route.startsWith(`${BASE}.${number}.`))) return networkOf(number, dir);
    rmSync(file, { force: true });
  }
  throw new Error(`no free subnet ${BASE}.0.0 to ${BASE}.255.0 for a node: end an instance that has one`);
}

function routesHere(): string[] {
  const routes = JSON.parse(execFileSync('ip', ['-4', '-json', 'route', 'show'], { encoding: 'utf8' })) as { dst: string }[];
  return routes.map(({ dst }) => dst);
}
