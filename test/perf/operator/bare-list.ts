/**
 * What a cold start is compared with: the same objects by paged lists, undici and JSON.parse, nothing kept but the objects. A process of its own,
 * started as the operator is; prints what it used as JSON: objects, peak memory (MB), CPU time (s).
 *
 *   node bare-list.ts SERVER HEADERS-JSON TLS-JSON PATH …
 */
import { readFileSync } from 'node:fs';
import { Pool } from 'undici';

const [server = '', headers = '{}', tls = '{}', ...paths] = process.argv.slice(2);
const pool = new Pool(server, { connect: JSON.parse(tls), allowH2: false, connections: 4 });
const kept: unknown[] = [];

async function list(path: string): Promise<void> {
  let token = '';
  do {
    const page = `${path}?limit=500${token === '' ? '' : `&continue=${encodeURIComponent(token)}`}`;
    const { body } = await pool.request({ path: page, method: 'GET', headers: JSON.parse(headers) });
    const { items, metadata } = JSON.parse(await body.text());
    for (const item of items) {
      delete item.metadata.managedFields;
      kept.push(item);
    }
    token = metadata.continue ?? '';
  } while (token !== '');
}

await Promise.all(paths.map(list));
const peak = (Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024) / 1e6;
const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ objects: kept.length, peak, cpu: (user + system) / 1e6 }));
process.exit(0);
