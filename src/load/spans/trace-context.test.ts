import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Sampler } from '../engine/sampler.ts';
import { newTracing, shareOf, spanIdOf, traceparentOf } from './trace-context.ts';

describe('the trace that a server is told of', () => {
  it('is written as W3C Trace Context asks for', () => {
    const tracing = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', prefix: '00f067aa', requests: 10 };
    assert.equal(traceparentOf(tracing, 0x0ba902b7), '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01');
    assert.match(traceparentOf(newTracing(1), 1), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.notEqual(newTracing(1).traceId, newTracing(1).traceId);
  });

  it('is shared by the threads of a point, and no two requests have one span', () => {
    const arbitrary = fc.tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 16 }));
    fc.assert(
      fc.property(arbitrary, ([requests, threads]) => {
        const tracing = newTracing(requests);
        const numbers = Array.from({ length: threads }, (_, thread) => {
          const sampler = new Sampler(shareOf(tracing, thread, threads));
          return Array.from({ length: 500 }, (_, i) => sampler.take(i / 500)).filter((number) => number > 0);
        }).flat();
        assert.equal(numbers.length, requests);
        assert.equal(new Set(numbers.map((number) => spanIdOf(tracing, number))).size, requests);
      }),
    );
  });
});

describe('the requests that are traced', () => {
  const taken = (requests: number, passed: readonly number[]) => {
    const sampler = new Sampler(shareOf(newTracing(requests), 0, 1));
    return passed.map((share) => sampler.take(share) > 0);
  };
  it('are spread over the window, whatever leaves in a moment', () => {
    assert.deepEqual(taken(4, [0, 0, 0.1, 0.25, 0.26, 0.5, 0.9, 0.99]), [true, false, false, true, false, true, true, false]);
  });
  it('are all of them where there are no more than may be', () => {
    assert.deepEqual(taken(1000, [0, 0.01, 0.02, 0.5]), [true, true, true, true]);
  });
  it('are never more than asked for', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { maxLength: 200 }),
        (requests, shares) => {
          const rising = shares.toSorted((a, b) => a - b);
          assert.ok(taken(requests, rising).filter(Boolean).length <= requests);
        },
      ),
    );
  });
});
