/** The cache of binaries and YAML, shared by all checkouts of one user and keyed by component and version. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Component } from './catalog.ts';

const MODULES = join(import.meta.dirname, 'modules');

/** The folder of all that is cached: `$XDG_CACHE_HOME/modelwright/controlplane`. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'modelwright', 'controlplane');
}

/** Where reservations of ports are kept, for all instances of this user. */
export function portsFolder(root = cacheRoot()): string {
  return join(root, 'ports');
}

/** One component's entry: `bin/` and `files/` below it. */
export function entryOf(component: Component, root = cacheRoot()): string {
  const own = component.sources ? `-${digestOf(component).slice(0, 8)}` : '';
  return join(root, component.name, `${component.version}${own}-${process.platform}-${process.arch}`);
}

/** A binary of the component as the cache has it, or would have it. */
export function cachedBinary(component: Component, binary: string, root = cacheRoot()): string {
  return join(entryOf(component, root), 'bin', binary);
}

/** The folder with a Go module's copied YAML; another choice of paths makes another folder. */
export function cachedFiles(component: Component, module: string, root = cacheRoot()): string {
  const paths = component.files?.find((files) => files.module === module)?.paths ?? [];
  const choice = createHash('sha256').update(paths.join('\n')).digest('hex').slice(0, 8);
  return join(entryOf(component, root), 'files', `${module.replaceAll('/', '_')}-${choice}`);
}

/** The wrapper module that the component is built from. */
export function wrapperOf(component: Component): string {
  return join(MODULES, component.module);
}

/** Whether all YAML of the component is there. */
export function hasFiles(component: Component, root = cacheRoot()): boolean {
  return (component.files ?? []).every(({ module }) => existsSync(cachedFiles(component, module, root)));
}

function digestOf(component: Component): string {
  const hash = createHash('sha256');
  for (const source of component.sources ?? []) {
    const folder = join(wrapperOf(component), source);
    for (const file of readdirSync(folder).sort()) hash.update(file).update(readFileSync(join(folder, file)));
  }
  return hash.digest('hex');
}
