import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RuntimeDeclaration, ServingPlatformStatus } from '../../api/serving-platform/index.ts';
import { dialectOf } from '../../kserve/dialect.ts';
import { effectiveDeclarations, updateAnnotation } from './declarations.ts';
import type { ImageAnswer } from './image-query.ts';
import type { Observed } from './observe.ts';

const [digest, other] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`];
const shipped = 'nvcr.io/nvidia/tritonserver:23.05-py3';

interface Given {
  readonly status?: ServingPlatformStatus;
  readonly answers?: readonly ImageAnswer[];
  readonly policy?: object;
  readonly update?: string;
  readonly kserve?: number;
  readonly runtimes?: readonly object[];
  readonly shipped?: string | null;
}

/** What comes of one declaration; every question gets the next of the answers. */
function effective(
  declaration: RuntimeDeclaration,
  { status, answers = [], policy, update, kserve = 20, runtimes = [], shipped: own = shipped }: Given = {},
) {
  const observed = (known: ReadonlyMap<string, ImageAnswer>) =>
    ({
      platform: {
        metadata: { annotations: update === undefined ? {} : { [updateAnnotation(declaration.type)]: update } },
        spec: { runtimes: [declaration], ...(policy !== undefined && { policy }) },
        status,
      },
      serving: dialectOf({ major: 0, minor: kserve }),
      runtimes,
      answers: known,
    }) as unknown as Observed;
  const asked = effectiveDeclarations(observed(new Map()), [declaration], () => own ?? undefined);
  const known = new Map(asked.queries.flatMap(({ key }, at) => (answers[at] === undefined ? [] : [[key, answers[at]] as const])));
  return effectiveDeclarations(observed(known), [declaration], () => own ?? undefined);
}

const pinned = { type: 'Triton', version: '20.10-py3', pinDigests: true } as const;
const resolvedTime = '2026-01-01T00:00:00Z';
const answer = (tag: string, found?: string): ImageAnswer => ({
  kind: 'Resolved',
  version: { wanted: '20.10-py3', tag, ...(found !== undefined && { digest: found }) },
  platforms: ['linux/amd64'],
  resolvedTime,
});
const resolution = {
  type: 'Triton',
  image: 'nvcr.io/nvidia/tritonserver',
  version: { wanted: '20.10-py3', tag: '20.10-py3', digest },
  platforms: ['linux/amd64'],
  resolvedTime,
} as const;
const inEffect = {
  type: 'Triton',
  image: `nvcr.io/nvidia/tritonserver@${digest}`,
  managedVia: 'ClusterServingRuntime',
  models: { total: 0, updated: 0, behind: [], summary: '0/0' },
} as const;
const status: ServingPlatformStatus = {
  resolutions: [{ ...resolution, platforms: ['linux/amd64'] }],
  runtimes: [{ ...inEffect, models: { ...inEffect.models, behind: [] } }],
};
const failure = { kind: 'Failed', cause: 'Unreachable', message: 'nvcr.io cannot be reached (ECONNREFUSED)' } as const;

describe('a declared version', () => {
  it('that is a plain tag or a digest is taken as it is, and nobody is asked', () => {
    for (const version of ['20.10-py3', digest]) {
      const { declared, queries } = effective({ type: 'Triton', version });
      assert.deepEqual([declared, queries], [[{ type: 'Triton', version }], []]);
    }
    assert.deepEqual(effective({ type: 'Triton', version: digest, pinDigests: true }).queries, []);
  });

  it('is asked for at the repository that KServe ships, with its variant', () => {
    const [query] = effective({ type: 'Triton', version: '20.x' }).queries;
    assert.ok(query?.kind === 'Resolve');
    assert.deepEqual([query.image, query.variant, query.pinDigests], ['nvcr.io/nvidia/tritonserver', '-py3', false]);
  });

  it('waits for the first answer', () => {
    const { declared, isWaiting, problems } = effective(pinned);
    assert.deepEqual([declared, isWaiting, problems], [[], true, []]);
  });

  it('becomes the digest, and the status says from which tag', () => {
    const { declared, resolutions } = effective(pinned, { answers: [answer('20.10-py3', digest)] });
    assert.deepEqual(declared, [{ ...pinned, version: digest }]);
    assert.deepEqual(resolutions, [resolution]);
  });

  it('becomes the tag of its range where no digest is asked for', () => {
    const { declared } = effective({ type: 'Triton', version: '20.x' }, { answers: [answer('20.10-py3')] });
    assert.equal(declared[0]?.version, '20.10-py3');
  });

  it('stays what it was resolved to, and the registry is not asked again', () => {
    const { declared, queries, resolutions } = effective(pinned, { status });
    assert.deepEqual(declared, [{ ...pinned, version: digest }]);
    assert.deepEqual([queries, resolutions], [[], [resolution]]);
  });

  it('is found on our runtime where the status was lost', () => {
    const metadata = (record: string) => ({
      metadata: {
        name: 'ours',
        labels: { 'modelwright.dev/runtime-type': 'Triton' },
        annotations: { 'modelwright.dev/resolution': record },
      },
    });
    const { declared, queries, resolutions } = effective(pinned, { runtimes: [metadata('{'), metadata(JSON.stringify(resolution))] });
    assert.deepEqual([declared[0]?.version, queries, resolutions], [digest, [], [resolution]]);
    assert.equal(effective({ ...pinned, version: '21.02-py3' }, { runtimes: [metadata(JSON.stringify(resolution))] }).queries.length, 1);
  });

  const changes: readonly [what: string, declaration: RuntimeDeclaration, given: Given][] = [
    ['another version', { ...pinned, version: '21.02-py3' }, {}],
    ['another image', { ...pinned, image: 'mirror.example/triton' }, {}],
    ['another platform', { ...pinned, platform: 'linux/arm64' }, {}],
    ['a version for GPUs', { ...pinned, gpuVersion: '20.10-py3-gpu' }, {}],
    ['a range where there was a tag', { type: 'Triton', version: '20.x' }, {}],
    ['a request for an update', pinned, { update: 'now' }],
  ];
  for (const [what, declaration, given] of changes) {
    it(`is asked for again after ${what}; until there is an answer models keep the image they get`, () => {
      const { declared, queries, isWaiting } = effective(declaration, { status, ...given });
      assert.equal(queries.length, 1);
      assert.equal(isWaiting, true);
      assert.deepEqual([declared[0]?.image, declared[0]?.version], ['nvcr.io/nvidia/tritonserver', digest]);
    });
  }

  it('is never unpinned by a registry that does not answer: the condition names the cause and what models get meanwhile', () => {
    const { declared, problems, resolutions } = effective({ ...pinned, version: '21.02-py3' }, { status, answers: [failure] });
    assert.equal(declared[0]?.version, digest);
    assert.deepEqual(resolutions, [resolution]);
    assert.equal(problems[0]?.reason, 'Unreachable');
    assert.match(
      problems[0]?.message ?? '',
      new RegExp(`spec\\.runtimes\\[Triton\\]: nvcr\\.io cannot be reached.*until then models get .*${digest}, as before`),
    );
  });

  it('that was served by tag keeps the tag while it cannot be pinned', () => {
    const byTag = {
      runtimes: [{ ...inEffect, image: 'nvcr.io/nvidia/tritonserver:20.10-py3', models: { ...inEffect.models, behind: [] } }],
    };
    assert.equal(effective(pinned, { status: byTag, answers: [failure] }).declared[0]?.version, '20.10-py3');
  });

  it('goes on with the new answer after an update', () => {
    const { declared, resolutions } = effective(pinned, { status, update: 'now', answers: [answer('20.10-py3', other)] });
    assert.equal(declared[0]?.version, other);
    assert.equal(resolutions[0]?.request, 'now');
  });

  it('has no digest where the ConfigMap decides, and nobody is asked for one', () => {
    const { declared, queries } = effective(pinned, { kserve: 7 });
    assert.deepEqual([declared, queries], [[pinned], []]);
  });
});

describe('a range of an image that nobody names', () => {
  it('is refused where the ConfigMap decides, and else left to what is said of the missing runtime', () => {
    const range = { type: 'Triton', version: '20.x' } as const;
    assert.equal(effective(range, { shipped: null, kserve: 7 }).problems[0]?.reason, 'ImageUnknown');
    assert.deepEqual(effective(range, { shipped: null }).declared, [range]);
  });
});

describe('the image of a GPU build', () => {
  const tf = { type: 'TFServing', image: 'mirror.example/tf', version: '2.6.2', pinDigests: true } as const;
  it('is looked for by the tag that KServe would make', () => {
    const [query] = effective(tf).queries;
    assert.ok(query?.kind === 'Resolve' && query.derivesGpuTag);
    const found: ImageAnswer = {
      kind: 'Resolved',
      version: { wanted: '2.6.2', tag: '2.6.2', digest },
      gpuVersion: { wanted: '2.6.2-gpu', tag: '2.6.2-gpu', digest: other },
      platforms: [],
      resolvedTime,
    };
    const { declared, resolutions } = effective(tf, { answers: [found] });
    assert.equal(declared[0]?.gpuVersion, other);
    const again = effective(tf, { status: { resolutions: resolutions.map((one) => ({ ...one })) } });
    assert.deepEqual(again.queries, []);
    assert.equal(again.declared[0]?.gpuVersion, other);
  });
});

describe('the policy on runtime images', () => {
  it('refuses a declaration from elsewhere, and asks its registry nothing', () => {
    const given = { policy: { runtimeRegistries: ['mirror.example:5000', 'docker.io/tensorflow'] } };
    const { declared, problems, queries } = effective(pinned, given);
    assert.deepEqual([declared, queries], [[], []]);
    assert.equal(problems[0]?.reason, 'ImageNotAllowed');
    for (const image of ['mirror.example:5000/triton', 'tensorflow/serving', 'index.docker.io/tensorflow/serving']) {
      assert.equal(effective({ type: 'Triton', image, version: '1' }, given).problems.length, 0, image);
    }
    for (const image of ['mirror.example/triton', 'tensorflow-two/serving', 'mirror.example:5000.evil.example/x']) {
      assert.equal(effective({ type: 'Triton', image, version: '1' }, given).problems.length, 1, image);
    }
  });
});
