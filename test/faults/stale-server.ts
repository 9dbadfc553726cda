/**
 * A second API server on the same etcd whose link to it can be frozen: what it then serves from its caches is the past. Restarting an operator onto such
 * a server is how controllers travel in time (Sieve, OSDI '22).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Api } from './api.ts';
import type { Upstream } from './proxy/fault-proxy.ts';
import type { World } from './world.ts';

export class StaleServer implements AsyncDisposable {
  readonly upstream: Upstream;
  readonly #process: ChildProcess;
  readonly #relay: Relay;

  private constructor(upstream: Upstream, process: ChildProcess, relay: Relay) {
    this.upstream = upstream;
    this.#process = process;
    this.#relay = relay;
  }

  /** Starts with the arguments of the first server, its own port and the relay in place of etcd; resolves when it is ready. */
  static async start(world: World): Promise<StaleServer> {
    const etcd = new URL(world.plane.record.etcdUrl);
    const relay = await Relay.start(Number(etcd.port));
    const first = (await world.plane.processes()).find(({ name }) => name === 'kube-apiserver');
    if (first === undefined) throw new Error('the control plane has no kube-apiserver');
    const [command = '', ...args] = readFileSync(`/proc/${first.pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
    const port = await freePort();
    const changed = args
      .filter((argument) => !argument.startsWith('--audit'))
      .map((argument) =>
        argument
          .replace(/^--etcd-servers=.*/, `--etcd-servers=http://127.0.0.1:${relay.port}`)
          .replace(/^--secure-port=.*/, `--secure-port=${port}`),
      );
    const child = spawn(command, [...changed, `--cert-dir=${join(world.folder, 'stale')}`], { stdio: 'ignore' });
    process.once('exit', () => child.kill('SIGKILL'));
    const upstream = { server: `https://127.0.0.1:${port}`, headers: world.api.headers, tls: world.api.tls };
    await untilReady(world.api, upstream);
    return new StaleServer(upstream, child, relay);
  }

  /** From now on it hears nothing of etcd. */
  freeze(): void {
    this.#relay.freeze();
  }

  thaw(): void {
    this.#relay.thaw();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#relay.thaw();
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
    await this.#relay.close();
  }
}

/** TCP to a port on loopback that can be held up without being closed. */
class Relay {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #frozen = false;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(target: number): Promise<Relay> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const relay = new Relay(server);
    server.on('connection', (client) => relay.#join(client, connect(target, '127.0.0.1')));
    return relay;
  }

  freeze(): void {
    this.#frozen = true;
    for (const socket of this.#sockets) socket.pause();
  }

  thaw(): void {
    this.#frozen = false;
    for (const socket of this.#sockets) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, server: Socket): void {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (chunk) => to.write(chunk));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#frozen) from.pause();
    }
  }
}

async function untilReady(api: Api, upstream: Upstream): Promise<void> {
  const { Agent, request } = await import('undici');
  const agent = new Agent({ connect: { ...upstream.tls } });
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const status = await request(`${upstream.server}/readyz`, { dispatcher: agent, headers: { ...api.headers } }).then(
      async (answer) => {
        await answer.body.dump();
        return answer.statusCode;
      },
      () => 0,
    );
    if (status === 200) {
      await agent.close();
      return;
    }
    await sleep(200);
  }
  throw new Error('the second kube-apiserver did not become ready');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
