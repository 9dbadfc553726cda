/**
 * How the program is bundled. What the operator never uses of its libraries costs it memory and time all the same when it is loaded, so some of them are
 * given to esbuild in parts.
 */
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { BuildOptions, Plugin } from 'esbuild';
import { nodeFlags } from './node-flags.ts';

const resolve = createRequire(import.meta.url).resolve;

/** Whoever imports no more than this of undici gets its pools without fetch, WebSocket, caches and mocks. */
const slimUndici = `
import Dispatcher from 'undici/lib/dispatcher/dispatcher.js';
import api from 'undici/lib/api/index.js';
Object.assign(Dispatcher.prototype, api);
export { default as Agent } from 'undici/lib/dispatcher/agent.js';
export { default as Pool } from 'undici/lib/dispatcher/pool.js';
export { default as ProxyAgent } from 'undici/lib/dispatcher/proxy-agent.js';
export function request(url, { dispatcher, method = 'GET', ...options }) {
  const { origin, pathname, search } = new URL(url);
  return dispatcher.request({ ...options, method, origin, path: pathname + search });
}
`;
const slimImporters = /[\\/]src[\\/](kube|registry)[\\/]/;

/** Modules of Node that are large, or that load what is large when all of their exports are read, as an import does: `http.WebSocket` is a second undici. */
const lateBuiltins = /^node:(http|https|http2)$/;

/** HTTP/2 is never spoken by the operator; undici loads it with its first client. */
const http2Client = resolve('undici/lib/dispatcher/client-h2.js');

/** Gives the parts of libraries that are used, and loads late what may never be. */
const slim: Plugin = {
  name: 'slim',
  setup(build) {
    build.onResolve({ filter: /^undici$/ }, ({ importer }) =>
      slimImporters.test(importer) ? { path: 'undici', namespace: 'slim' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'slim' }, () => ({ contents: slimUndici, resolveDir: import.meta.dirname }));

    build.onResolve({ filter: /[\\/]client-h2(\.js)?$/ }, ({ namespace }) =>
      namespace === 'late' ? undefined : { path: http2Client, namespace: 'late' },
    );
    build.onLoad({ filter: /client-h2/, namespace: 'late' }, ({ path }) => ({
      contents: `module.exports = (...given) => require('./client-h2.js')(...given);`,
      resolveDir: dirname(path),
    }));

    build.onResolve({ filter: lateBuiltins }, ({ path, kind }) => (kind === 'import-statement' ? { path, namespace: 'late' } : undefined));
    build.onLoad({ filter: lateBuiltins, namespace: 'late' }, ({ path }) => {
      const names = Object.keys(Object.getOwnPropertyDescriptors(process.getBuiltinModule(path)));
      const contents = `for (const name of ${JSON.stringify(names)})
  Object.defineProperty(module.exports, name, { enumerable: true, get: () => process.getBuiltinModule(${JSON.stringify(path)})[name] });`;
      return { contents };
    });
  },
};

/** For CommonJS packages within an ES module. */
const requireInModule = "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";

/** A whole program as one ES module, for tests and benchmarks: everything of its libraries, nothing left out. */
export const oneModule = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  banner: { js: requireInModule },
  logLevel: 'error',
} as const satisfies BuildOptions;

/**
 * The CLI and the operator as ESM that needs no node_modules. `modelwright.js` is the program, `load-worker.js` its sending thread; what only some commands
 * need lies in chunks of its own, so that the operator does not hold it in memory.
 */
export function bundleOptions(version: string, outdir: string) {
  return {
    entryPoints: { modelwright: 'src/cli/main.ts', 'load-worker': 'src/load/engine/worker.ts' },
    outdir,
    absWorkingDir: dirname(import.meta.dirname),
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    minifySyntax: true,
    // Comments with one character beyond Latin-1 would make V8 keep the whole text in two bytes a character.
    minifyWhitespace: true,
    sourcemap: 'external',
    legalComments: 'external',
    define: { 'process.env.MODELWRIGHT_VERSION': JSON.stringify(version) },
    banner: {
      js: `#!/usr/bin/env -S node ${nodeFlags.join(' ')}\n${requireInModule}`,
    },
    plugins: [slim],
    logLevel: 'warning',
  } satisfies BuildOptions;
}
