import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assess } from '../assess.ts';
import { judgement, observation, type Row } from '../observation.fixture.ts';
import type { Load, ServerStages } from '../point.ts';
import { traceLevelOf } from './level.ts';
import { otlpText } from './otlp.ts';
import type { RawPoint } from './raw-point.ts';
import { samplesCsv } from './samples.ts';
import { type Span, spansOf } from './spans.ts';
import { newTracing, type Tracing, traceparentOf } from './trace-context.ts';

/** 2026-01-02T03:04:05Z, where the window of the observations begins. */
const begin = Date.parse('2026-01-02T03:04:05Z') * 1000;
const stages: ServerStages = {
  source: 'triton statistics',
  queue: 100,
  preprocess: 20,
  infer: 700,
  postprocess: null,
  initialise: null,
  other: 180,
  averageBatch: 1,
  requests: 3,
};

/** A point of which every `each`-th request was traced. */
function rawOf(
  rows: readonly Row[],
  load: Load = { loop: 'closed', concurrency: 1 },
  server: ServerStages | null = null,
  each = 1,
): RawPoint & { readonly tracing: Tracing } {
  const observed = observation(rows, load, { server });
  const [result] = observed.results;
  if (result === undefined) throw new Error('an observation has results');
  const point = assess(observed, judgement);
  const span = Uint32Array.from({ length: result.trace.length }, (_, i) => (i % each === 0 ? i + 1 : 0));
  const tracing = newTracing(1000);
  return { point, trace: { ...result.trace, span }, window: observed.window, epochMicroseconds: begin - observed.window.from, tracing };
}

const three: readonly Row[] = [
  [0, 1000],
  [1000, 1200],
  [2200, 5000, 0, 'http5xx'],
];

describe('spans of a measurement', () => {
  it('are the point and below it each request, where the client saw it', () => {
    const [root, ...requests] = spansOf([rawOf(three)], { run: 'run-00001', level: 'client' });
    assert.equal(root?.name, 'point b1-c1');
    assert.deepEqual([root?.start, root?.end], [begin, begin + 3_000_000]);
    assert.deepEqual(
      requests.map(({ start, end, error, parentSpanId }) => [start - begin, end - begin, error, parentSpanId]),
      [
        [0, 1000, undefined, root?.spanId],
        [1000, 2200, undefined, root?.spanId],
        [2200, 7200, 'http5xx', root?.spanId],
      ],
    );
    assert.ok(requests.every(({ client, traceId }) => client && traceId === root?.traceId));
  });

  it('of an open loop begin when a request left, and say how much later than due that was', () => {
    const open: Load = { loop: 'open', requestsPerSecond: 10, arrivals: 'constant' };
    const [, request] = spansOf([rawOf([[100, 900, 250]], open)], { run: 'run-00001', level: 'client' });
    assert.deepEqual([(request?.start ?? 0) - begin, (request?.end ?? 0) - begin], [350, 1000]);
    assert.equal(request?.attributes['modelwright.send_lag_us'], 250);
  });

  it('of level model have the stages that the server told of, inside a request of average length, and say that they are means', () => {
    const raw = rawOf(three, undefined, stages);
    const spans = spansOf([raw], { run: 'run-00001', level: 'model' });
    const average = spans.find(({ name }) => name === 'average request');
    const model = spans.filter(({ name }) => name.startsWith('model '));
    assert.equal((average?.end ?? 0) - (average?.start ?? 0), raw.point.latencyMicroseconds?.mean);
    assert.deepEqual(
      model.map(({ name, start, end, parentSpanId }) => [name, start - begin, end - begin, parentSpanId]),
      [
        ['model queue', 0, 100, average?.spanId],
        ['model preprocess', 100, 120, average?.spanId],
        ['model infer', 120, 820, average?.spanId],
      ],
    );
    assert.ok(model.every(({ attributes }) => attributes['modelwright.aggregate'] === 'mean'));
  });

  it('of level model say so where the server told nothing', () => {
    const spans = spansOf([rawOf(three)], { run: 'run-00001', level: 'model' });
    assert.equal(spans.length, 4);
    assert.equal(spans[0]?.attributes['modelwright.model_level'], 'not told by the server');
  });

  it('are of the requests that the server was told of, by the ids that it was told', () => {
    const rows = Array.from({ length: 1000 }, (_, i): Row => [i * 1000, 500]);
    const raw = rawOf(rows, undefined, null, 100);
    const [root, ...requests] = spansOf([raw], { run: 'run-00001', level: 'client' });
    assert.deepEqual(
      requests.map(({ start, traceId, spanId }) => [start - begin, `00-${traceId}-${spanId}-01`]),
      Array.from({ length: 10 }, (_, i) => [i * 100_000, traceparentOf(raw.tracing, 100 * i + 1)]),
    );
    assert.equal(root?.attributes['modelwright.requests'], 1000);
    assert.equal(root?.attributes['modelwright.requests_traced'], 10);
  });

  it('of a point that is measured again are another trace, and none of one that was not traced', () => {
    const { tracing: _, ...untraced } = rawOf(three);
    const spans = spansOf([rawOf(three), untraced, rawOf(three)], { run: 'run-00001', level: 'client' });
    assert.equal(spans.length, 8);
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 2);
    assert.equal(new Set(spans.map(({ traceId, spanId }) => `${traceId}/${spanId}`)).size, 8);
  });
});

describe('OTLP JSON', () => {
  const about = {
    tool: { name: 'modelwright', version: '1.2.3' },
    target: { url: 'http://x', authority: 'x', protocol: 'v2', model: 'iris', modelVersion: null },
    run: 'run-00001',
  };
  const write = (spans: readonly Span[]) =>
    JSON.parse(otlpText(spans, about)) as {
      resourceSpans: { resource: { attributes: object[] }; scopeSpans: { scope: object; spans: Record<string, unknown>[] }[] }[];
    };

  it('has hexadecimal ids, nanoseconds in strings, kinds and states by number, and typed attributes', () => {
    const { resourceSpans } = write(spansOf([rawOf(three)], { run: 'run-00001', level: 'client' }));
    const [{ resource, scopeSpans } = { resource: { attributes: [] }, scopeSpans: [] }] = resourceSpans;
    assert.deepEqual(resource.attributes[0], { key: 'service.name', value: { stringValue: 'modelwright bench' } });
    const [{ spans } = { spans: [] }] = scopeSpans;
    const [root, first, , failed] = spans;
    assert.match(String(root?.['traceId']), /^[0-9a-f]{32}$/);
    assert.match(String(root?.['spanId']), /^[0-9a-f]{16}$/);
    assert.equal('parentSpanId' in (root ?? {}), false);
    assert.equal(first?.['startTimeUnixNano'], `${BigInt(begin) * 1000n}`);
    assert.equal(first?.['endTimeUnixNano'], `${BigInt(begin + 1000) * 1000n}`);
    assert.deepEqual([root?.['kind'], first?.['kind']], [1, 3]);
    assert.deepEqual([first?.['status'], failed?.['status']], [{}, { code: 2, message: 'http5xx' }]);
    const [attribute] = (first?.['attributes'] ?? []) as object[];
    assert.deepEqual(attribute, { key: 'modelwright.batch_size', value: { intValue: '1' } });
  });
});

describe('raw samples', () => {
  it('are every request in the order of their ends', () => {
    assert.deepEqual(samplesCsv([rawOf(three)]).text.split('\r\n'), [
      'measurement,point,due_us,latency_us,send_lag_us,error',
      '0,b1-c1,0.0,1000.0,0.0,',
      '0,b1-c1,1000.0,1200.0,0.0,',
      '0,b1-c1,2200.0,5000.0,0.0,http5xx',
      '',
    ]);
  });

  it('are thinned evenly, the same share of each point, where there are too many, and tell of how many', () => {
    const rows = (count: number) => Array.from({ length: count }, (_, i): Row => [i * 100, 50]);
    const { text, kept, of } = samplesCsv([rawOf(rows(1000)), rawOf(rows(200))], 120);
    assert.deepEqual([kept, of], [120, 1200]);
    assert.equal(text.split('\r\n').filter((line) => line.startsWith('1,')).length, 20);
  });
});

describe('the level of a trace', () => {
  it('is what a client can see; deeper ones are refused with who can', () => {
    assert.equal(traceLevelOf('Model'), 'model');
    assert.throws(() => traceLevelOf('framework'), /the layers of a model are seen by the framework in the server's process only/);
    assert.throws(() => traceLevelOf('hardware'), /Nsight Compute or DCGM/);
    assert.throws(() => traceLevelOf('everything'), /--trace everything: not known; this client traces client and model/);
  });
});
