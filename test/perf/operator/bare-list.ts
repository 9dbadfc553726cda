/**
 * What a cold start is compared with: the same objects by paged lists, or by watch-lists, undici and JSON.parse, nothing kept but the objects. A process of
 * its own, started as the operator is; prints what it used as JSON: objects, peak memory (MB), CPU time (s).
 *
 *   node bare-list.ts list|watch SERVER HEADERS-JSON TLS-JSON PATH …
 */
import { readFileSync } from 'node:fs';
import { Pool } from 'undici';

const [how = '', server = '', headers = '{}', tls = '{}', ...paths] = process.argv.slice(2);
const pool = new Pool(server, { connect: JSON.parse(tls), allowH2: false, connections: 4 });
const kept: unknown[] = [];

function keep(item: { metadata: { managedFields?: unknown } }): void {
  delete item.metadata.managedFields;
  kept.push(item);
}

async function list(path: string): Promise<void> {
  let token = '';
  do {
    const page = `${path}?limit=500${token === '' ? '' : `&continue=${encodeURIComponent(token)}`}`;
    const { body } = await pool.request({ path: page, method: 'GET', headers: JSON.parse(headers) });
    const { items, metadata } = JSON.parse(await body.text());
    for (const item of items) keep(item);
    token = metadata.continue ?? '';
  } while (token !== '');
}

/** A watch that sends the present state first, up to the bookmark at its end: what the API server takes to frame and send objects one by one. */
async function watch(path: string): Promise<void> {
  const query =
    'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=&allowWatchBookmarks=true&timeoutSeconds=300';
  const { body } = await pool.request({ path: `${path}?${query}`, method: 'GET', headers: JSON.parse(headers) });
  let rest: Buffer[] = [];
  for await (const chunk of body as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const { type, object } = JSON.parse(Buffer.concat([...rest, chunk.subarray(start, end)]).toString());
      if (type === 'BOOKMARK') return;
      keep(object);
      rest = [];
      start = end + 1;
    }
    rest.push(chunk.subarray(start));
  }
}

await Promise.all(paths.map(how === 'watch' ? watch : list));
const peak = (Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024) / 1e6;
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ objects: kept.length, peak, cpu: (user + system) / 1e6 }));
process.exit(0);
