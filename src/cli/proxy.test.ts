import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';

const main = new URL('main.ts', import.meta.url).pathname;

/** Runs `lint URL` beside a server that is the proxy and the host at 127.0.0.1 alike; gives what it is asked first. */
async function firstAsked(
  url: (port: number) => string,
  environment: (proxy: string) => Readonly<Record<string, string>>,
): Promise<string> {
  const server = createServer();
  const asked = new Promise<string>((tell) => {
    server.on('request', ({ url = '' }, response) => {
      response.writeHead(404).end();
      tell(url);
    });
    server.on('connect', ({ url = '' }, socket) => {
      // The program is killed as soon as it has asked.
      socket.on('error', () => undefined);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      tell(`CONNECT ${url}`);
    });
  });
  await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens));
  const { port } = server.address() as AddressInfo;
  const env = { PATH: process.env['PATH'], ...environment(`http://127.0.0.1:${port}`) };
  const child = spawn(process.execPath, [main, 'lint', url(port)], { env, stdio: 'ignore' });
  const silent = new Promise<string>((ends) => child.on('exit', (code) => ends(`nothing, exit code ${code}`)));
  const first = await Promise.race([asked, silent]);
  child.kill('SIGKILL');
  server.close();
  return first;
}

it('packages on the web are asked for through the proxy of the environment', async () => {
  const far = () => 'https://models.invalid/resnet50.zip';
  assert.equal(await firstAsked(far, (HTTPS_PROXY) => ({ HTTPS_PROXY })), 'CONNECT models.invalid:443');
  assert.equal(await firstAsked(far, (https_proxy) => ({ https_proxy })), 'CONNECT models.invalid:443');
});

it('what NO_PROXY names is asked itself', async () => {
  const near = (port: number) => `http://127.0.0.1:${port}/resnet50.zip`;
  assert.match(await firstAsked(near, (HTTP_PROXY) => ({ HTTP_PROXY })), /^CONNECT 127\.0\.0\.1:|^http:/);
  assert.equal(await firstAsked(near, (HTTP_PROXY) => ({ HTTP_PROXY, NO_PROXY: '127.0.0.1' })), '/resnet50.zip');
});
