/** Spans of real model servers are children of the client's. Install them with: node test/load/real/install.ts mlserver triton */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { bench } from '../bench.ts';
import { type OtlpCollector, startOtlpCollector } from '../servers/otlp-collector.ts';
import { installed } from './install.ts';
import { startMlServer, startTriton } from './servers.ts';

const needs = (component: string) => {
  const found = installed(component);
  return 'missing' in found ? { skip: found.missing } : {};
};
const traced = ['--trace', 'client', '--trace-requests', '12', '--requests', '60', '--no-repeat-first', '--no-verdict'];

describe('the spans of a model server', () => {
  let collector: OtlpCollector;
  let folder: string;
  before(async () => {
    collector = await startOtlpCollector();
    folder = mkdtempSync(join(tmpdir(), 'modelwright-traces-'));
  });
  after(async () => {
    await collector[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Ids of the requests that were traced, as `trace/span`, by what bench wrote. */
  async function requestsOf(url: string, model: string, more: readonly string[] = []): Promise<string[]> {
    const file = join(folder, `${Math.random()}.json`);
    const { code, stderr } = await bench([url, '--model', model, ...traced, '--trace-file', file, ...more]);
    assert.equal(code, 0, stderr);
    const written = JSON.parse(readFileSync(file, 'utf8')) as {
      resourceSpans: { scopeSpans: { spans: { traceId: string; spanId: string; name: string }[] }[] }[];
    };
    const spans = written.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans: all }) => all));
    const requests = spans.filter(({ name }) => name === 'request').map(({ traceId, spanId }) => `${traceId}/${spanId}`);
    assert.equal(requests.length, 12);
    return requests;
  }

  /** Waits until each of the requests has a child; gives the number of the server's spans in their trace that are children of no span of its own. */
  async function joined(requests: readonly string[]): Promise<number> {
    const parents = () => collector.spans.map(({ traceId, parentSpanId }) => `${traceId}/${parentSpanId}`);
    const missing = () => requests.filter((request) => !parents().includes(request));
    for (let waited = 0; missing().length > 0 && waited < 90_000; waited += 250) await sleep(250);
    assert.deepEqual(missing(), [], JSON.stringify(collector.spans.slice(0, 5)));
    return parents().filter((parent) => requests.includes(parent)).length;
  }

  it('of the real Triton join the trace over REST and gRPC, and it traces nothing else', needs('triton'), async () => {
    const settings = ['mode=opentelemetry', 'rate=0', 'level=TIMESTAMPS', `opentelemetry,url=${collector.http}`];
    await using triton = await startTriton(
      undefined,
      settings.map((setting) => `--trace-config=${setting}`),
    );
    const before = collector.spans.length;
    const rest = await requestsOf(triton.http, 'linear');
    const grpc = await requestsOf(triton.grpc, 'linear', ['--protocol', 'grpc-v2']);
    assert.equal(await joined([...rest, ...grpc]), 24);
    const traces = new Set([...rest, ...grpc].map((request) => request.split('/')[0]));
    assert.ok(collector.spans.slice(before).every(({ traceId }) => traces.has(traceId)));
  });

  it('of the real MLServer join the trace over REST', needs('mlserver'), async () => {
    await using mlserver = await startMlServer({ tracing_server: collector.grpc });
    await joined(await requestsOf(mlserver.http, 'iris'));
  });
});
