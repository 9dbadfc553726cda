/** What a unary gRPC call costs the client over node:http2 as used here, and over @grpc/grpc-js. */

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Client, credentials } from '@grpc/grpc-js';
import { LoadThread } from '../../../src/load/engine/thread.ts';
import { errorClasses } from '../../../src/load/point.ts';
import { readWindow } from '../../../src/load/statistics/window.ts';
import { now } from '../../../src/load/transport/channel.ts';
import { parseTarget } from '../../../src/load/transport/target.ts';
import { type Figure, figure } from '../figure.ts';

const body = Buffer.alloc(200, 1);
const path = '/inference.GRPCInferenceService/ModelInfer';

/** A gRPC server in a thread of its own that answers every call with 200 bytes. */
async function echo(): Promise<{ readonly port: number; stop(): Promise<number> }> {
  const source = `
    const { createServer } = require('node:http2');
    const { parentPort } = require('node:worker_threads');
    const reply = Buffer.alloc(205); reply.writeUInt32BE(200, 1);
    const server = createServer();
    server.on('stream', (stream) => {
      stream.on('error', () => {}); stream.on('data', () => {});
      stream.on('end', () => { stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' })); stream.end(reply); });
    });
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
  const worker = new Worker(source, { eval: true });
  const [port] = (await once(worker, 'message')) as [number];
  return { port, stop: () => worker.terminate() };
}

interface Cost {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

async function own(port: number, concurrency: number, seconds: number): Promise<Cost> {
  const thread = new LoadThread({
    target: parseTarget(`grpc://127.0.0.1:${port}`),
    transport: 'grpc',
    requests: [{ method: 'POST', path, headers: [], body }],
    load: { loop: 'closed', concurrency },
    seed: 1,
    maxConnections: 64,
    limits: { timeoutMicroseconds: 10e6, maxBodyBytes: 1 << 20 },
    warmup: { requests: 500, seconds: 0.5 },
    checkEvery: 100,
    check: { protocol: 'http', batchSize: 1, batched: false, minimumBytes: 1 },
    spin: false,
  });
  const never = new AbortController().signal;
  await thread.warm(never);
  const from = now();
  const window = { from, to: from + seconds * 1e6 };
  const before = process.threadCpuUsage();
  const { trace } = await thread.measure(from, { kind: 'until', at: window.to }, never);
  const cpu = process.threadCpuUsage(before);
  const facts = readWindow(trace, window, errorClasses.length);
  return { perSecond: facts.completedPerSecond, cpuMicroseconds: (cpu.user + cpu.system) / (facts.completedPerSecond * seconds) };
}

async function grpcJs(port: number, concurrency: number, seconds: number): Promise<Cost> {
  const clients = Array.from(
    { length: concurrency },
    (_, i) => new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.channel_id': i, 'grpc.use_local_subchannel_pool': 1 }),
  );
  const identity = (value: Buffer) => value;
  const call = (client: Client) =>
    new Promise<void>((resolve, reject) =>
      client.makeUnaryRequest(path, identity, identity, body, (error) => (error === null ? resolve() : reject(error))),
    );
  const loop = async (until: number) => {
    let done = 0;
    await Promise.all(
      clients.map(async (client) => {
        while (now() < until) {
          await call(client);
          done++;
        }
      }),
    );
    return done;
  };
  await loop(now() + 5e5);
  const before = process.threadCpuUsage();
  const began = now();
  const done = await loop(began + seconds * 1e6);
  const elapsed = (now() - began) / 1e6;
  const cpu = process.threadCpuUsage(before);
  for (const client of clients) client.close();
  return { perSecond: done / elapsed, cpuMicroseconds: (cpu.user + cpu.system) / done };
}

/** Alternating rounds; the ratio of CPU per call decides which transport is used. */
export async function grpcTransports(rounds: number, seconds: number): Promise<Figure[]> {
  const server = await echo();
  const figures: Figure[] = [];
  for (const concurrency of [1, 16]) {
    const pairs: { ours: Cost; theirs: Cost }[] = [];
    for (let round = 0; round < rounds; round++) {
      const ours = await own(server.port, concurrency, seconds);
      const theirs = await grpcJs(server.port, concurrency, seconds);
      console.error(
        `  ${concurrency} at once: node:http2 ${ours.cpuMicroseconds.toFixed(1)} µs CPU a call, ${ours.perSecond.toFixed(0)}/s; grpc-js ${theirs.cpuMicroseconds.toFixed(1)} µs, ${theirs.perSecond.toFixed(0)}/s`,
      );
      pairs.push({ ours, theirs });
    }
    figures.push(
      figure(
        `CPU per gRPC call, node:http2 to grpc-js, ${concurrency} at once`,
        'ratio',
        pairs.map(({ ours, theirs }) => ours.cpuMicroseconds / theirs.cpuMicroseconds),
        { goal: { atMost: 1 }, detail: { ours: pairs.map((pair) => pair.ours), grpcJs: pairs.map((pair) => pair.theirs) } },
      ),
    );
  }
  await server.stop();
  return figures;
}
