/**
 * A web server for one folder of packages, as a model repository may be:
 *
 *   node hack/demo/file-server.ts FOLDER ADDRESS PORT
 */
import { createReadStream, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';

const [folder = '', address, port] = process.argv.slice(2);

createServer((request, response) => {
  const name = readdirSync(folder).find((file) => request.url === `/${file}`);
  if (name === undefined) return void response.writeHead(404).end();
  response.writeHead(200, { 'content-type': 'application/zip' });
  createReadStream(join(folder, name)).pipe(response);
}).listen(Number(port), address);
