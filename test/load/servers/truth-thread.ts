/** The thread of a test server: HTTP/1.1 on raw sockets, replies at times that its behaviour gives. */
import { createServer, type Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { exponential, seededRandom } from '../../../src/load/statistics/random.ts';
import { queueDepartures, startMemory, type TruthOptions } from './truth.ts';

const { behaviour, seed, memoryGrowth = 0 } = workerData as TruthOptions;
const random = seededRandom(seed);
const now = () => performance.now() * 1000;
const counts = { received: 0, answered: 0 };
const traceparents: string[] = [];
let began = 0;
let tokens = 0;
let refilled = 0;
let memory = startMemory;
const depart = queueDepartures(behaviour.kind === 'queue' ? behaviour.servers : 1);

interface Reply {
  readonly at: number;
  readonly socket: Socket;
  readonly bytes: Buffer;
}

// A binary heap by time, so that replies leave in the order of their departures.
const heap: Reply[] = [];
function put(reply: Reply): void {
  let i = heap.push(reply) - 1;
  while (i > 0) {
    const parent = (i - 1) >> 1;
    if ((heap[parent] as Reply).at <= (heap[i] as Reply).at) break;
    [heap[parent], heap[i]] = [heap[i] as Reply, heap[parent] as Reply];
    i = parent;
  }
  wake();
}
function take(): Reply {
  const top = heap[0] as Reply;
  const last = heap.pop() as Reply;
  if (heap.length > 0) {
    heap[0] = last;
    for (let i = 0; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < heap.length && (heap[child] as Reply).at < (heap[least] as Reply).at) least = child;
      if (least === i) break;
      [heap[least], heap[i]] = [heap[i] as Reply, heap[least] as Reply];
      i = least;
    }
  }
  return top;
}

let turning = false;
function wake(): void {
  if (!turning) {
    turning = true;
    turn();
  }
}
function turn(): void {
  while (heap.length > 0 && (heap[0] as Reply).at <= now()) {
    const { socket, bytes } = take();
    counts.answered++;
    if (!socket.destroyed) socket.write(bytes);
  }
  const first = heap[0];
  if (first === undefined) turning = false;
  else if (first.at - now() > 2500) setTimeout(turn, Math.floor((first.at - now() - 1300) / 1000));
  else setImmediate(turn);
}

function reply(status: number, body: string): Buffer {
  return Buffer.from(`HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

const ready = new Map<string, Buffer>();
/** A V2 reply for the batch, made once. */
function good(batch: number): Buffer {
  const key = String(batch);
  let bytes = ready.get(key);
  if (bytes === undefined) {
    bytes = reply(
      200,
      JSON.stringify({
        model_name: 'truth',
        outputs: [{ name: 'y', datatype: 'FP32', shape: [batch, 1], data: new Array(batch).fill(0.5) }],
      }),
    );
    ready.set(key, bytes);
  }
  return bytes;
}
const failed = reply(500, '{"error":"this request fails on purpose"}');
const failedBody = reply(200, '{"error":"this request fails on purpose"}');
const limited = reply(429, '{"error":"too many requests"}');

function answer(socket: Socket, body: string): void {
  const at = now();
  if (began === 0) began = at;
  counts.received++;
  memory += memoryGrowth;
  const batch = Number(/"shape":\[(\d+)/.exec(body)?.[1] ?? 1);
  switch (behaviour.kind) {
    case 'fixed':
      put({ at: at + behaviour.microseconds, socket, bytes: good(batch) });
      break;
    case 'bimodal':
      put({
        at: at + (random.next() < behaviour.slowShare ? behaviour.slowMicroseconds : behaviour.microseconds),
        socket,
        bytes: good(batch),
      });
      break;
    case 'queue':
      put({
        at: depart(at, behaviour.service === 'fixed' ? behaviour.microseconds : exponential(random, behaviour.microseconds)),
        socket,
        bytes: good(batch),
      });
      break;
    case 'frozen': {
      const from = began + behaviour.afterSeconds * 1e6;
      const to = from + behaviour.frozenSeconds * 1e6;
      const done = at + behaviour.microseconds;
      put({ at: done >= from && done < to ? to + behaviour.microseconds : done, socket, bytes: good(batch) });
      break;
    }
    case 'limited': {
      const most = behaviour.perSecond / 10;
      tokens = Math.min(most, tokens + ((at - refilled) / 1e6) * behaviour.perSecond);
      refilled = at;
      const allowed = tokens >= 1;
      if (allowed) tokens--;
      put({ at: at + behaviour.microseconds, socket, bytes: allowed ? good(batch) : limited });
      break;
    }
    case 'failing':
      put({
        at: at + behaviour.microseconds,
        socket,
        bytes: random.next() < behaviour.share ? (behaviour.as === 'status' ? failed : failedBody) : good(batch),
      });
      break;
    case 'batch':
      put({ at: depart(at, behaviour.baseMicroseconds + batch * behaviour.eachMicroseconds), socket, bytes: good(batch) });
      break;
  }
}

const metadata = reply(
  200,
  JSON.stringify({
    name: 'truth',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
  }),
);
function metrics(): Buffer {
  return reply(
    200,
    `nv_gpu_utilization{gpu_uuid="GPU-test"} 0.5\nnv_gpu_memory_used_bytes{gpu_uuid="GPU-test"} ${memory}\nnv_gpu_memory_total_bytes{gpu_uuid="GPU-test"} ${32 * 2 ** 30}\n`,
  );
}

const server = createServer({ noDelay: true }, (socket) => {
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (;;) {
      const head = text.indexOf('\r\n\r\n');
      if (head < 0) return;
      const traceparent = /\r\ntraceparent: (.*)/i.exec(text.slice(0, head))?.[1];
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
      if (text.length < head + 4 + length) return;
      const body = text.slice(head + 4, head + 4 + length);
      if (traceparent !== undefined) traceparents.push(traceparent);
      if (text.startsWith('GET /metrics')) socket.write(metrics());
      else if (text.startsWith('GET /v2/models/truth/stats')) socket.write(reply(404, '{"error":"no statistics"}'));
      else if (text.startsWith('GET /v2/models/truth')) socket.write(metadata);
      else if (text.startsWith('POST /v2/models/truth/infer')) answer(socket, body);
      else socket.write(reply(404, '{"error":"Request for unknown model: \'other\' is not found"}'));
      text = text.slice(head + 4 + length);
    }
  });
});
server.listen(0, '127.0.0.1', () => parentPort?.postMessage({ port: (server.address() as { port: number }).port }));
parentPort?.on('message', (asked: 'counts' | 'traceparents') =>
  parentPort?.postMessage(asked === 'counts' ? { counts } : { traceparents }),
);
