import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FieldSet, isApplied, sameValue } from './field-set.ts';

/** Field sets as a real API server wrote them for what is desired here. */
const scalar: FieldSet = { 'f:spec': { 'f:replicas': {}, 'f:paused': {} } };
const atomicMap: FieldSet = { 'f:spec': { 'f:nodeSelector': {} } };
const containers: FieldSet = {
  'f:spec': {
    'f:containers': {
      'k:{"name":"main"}': {
        '.': {},
        'f:name': {},
        'f:image': {},
        'f:resources': { 'f:limits': { 'f:cpu': {} } },
        'f:ports': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} } },
      },
    },
  },
};
const container = { name: 'main', image: 'nginx', resources: { limits: { cpu: '1' } }, ports: [{ containerPort: 80 }] };
const liveContainer = {
  ...container,
  ports: [{ containerPort: 80, protocol: 'TCP' }],
  terminationMessagePath: '/dev/termination-log',
  imagePullPolicy: 'Always',
};

describe('what we desire is applied', () => {
  for (const [what, fields, desired, live, expected] of [
    ['the same values', scalar, { spec: { replicas: 1, paused: true } }, { spec: { replicas: 1, paused: true } }, true],
    [
      'beside fields of others',
      scalar,
      { spec: { replicas: 1, paused: true } },
      { spec: { replicas: 1, paused: true, x: 1 }, status: {} },
      true,
    ],
    [
      'a field left undefined',
      scalar,
      { spec: { replicas: 1, paused: true, x: undefined } },
      { spec: { replicas: 1, paused: true } },
      true,
    ],
    ['another value', scalar, { spec: { replicas: 2, paused: true } }, { spec: { replicas: 1, paused: true } }, false],
    ['a field that is gone', scalar, { spec: { replicas: 1, paused: true } }, { spec: { replicas: 1 } }, false],
    [
      'a field that we do not own yet, though it has the value',
      scalar,
      { spec: { replicas: 1, paused: true, x: 1 } },
      { spec: { replicas: 1, paused: true, x: 1 } },
      false,
    ],
    ['a field that we own and desire no more', scalar, { spec: { replicas: 1 } }, { spec: { replicas: 1, paused: true } }, false],
    ['an atomic map', atomicMap, { spec: { nodeSelector: { a: 'b' } } }, { spec: { nodeSelector: { a: 'b' } } }, true],
    [
      'an atomic map with an entry too many',
      atomicMap,
      { spec: { nodeSelector: { a: 'b' } } },
      { spec: { nodeSelector: { a: 'b', c: 'd' } } },
      false,
    ],
    [
      'a list of map entries, with what the server defaulted',
      containers,
      { spec: { containers: [container] } },
      { spec: { containers: [liveContainer] } },
      true,
    ],
    [
      'beside entries of others',
      containers,
      { spec: { containers: [container] } },
      { spec: { containers: [{ name: 'sidecar' }, liveContainer] } },
      true,
    ],
    ['an entry that is gone', containers, { spec: { containers: [container] } }, { spec: { containers: [{ name: 'sidecar' }] } }, false],
    ['an entry too many of ours', containers, { spec: { containers: [] } }, { spec: { containers: [liveContainer] } }, false],
    [
      'an entry more than we own',
      containers,
      { spec: { containers: [container, { name: 'b' }] } },
      { spec: { containers: [liveContainer, { name: 'b' }] } },
      false,
    ],
    [
      'another value in an entry',
      containers,
      { spec: { containers: [{ ...container, image: 'httpd' }] } },
      { spec: { containers: [liveContainer] } },
      false,
    ],
    [
      'an amount that the server spells otherwise',
      containers,
      { spec: { containers: [{ ...container, resources: { limits: { cpu: '1000m' } } }] } },
      { spec: { containers: [liveContainer] } },
      true,
    ],
    [
      'another amount',
      containers,
      { spec: { containers: [{ ...container, resources: { limits: { cpu: '2' } } }] } },
      { spec: { containers: [liveContainer] } },
      false,
    ],
    ['a set', { 'f:finalizers': { '.': {}, 'v:"a/b"': {} } }, { finalizers: ['a/b'] }, { finalizers: ['x/y', 'a/b'] }, true],
    ['a set without our element', { 'f:finalizers': { 'v:"a/b"': {} } }, { finalizers: ['a/b'] }, { finalizers: ['x/y'] }, false],
    [
      'a set with another element of ours',
      { 'f:finalizers': { 'v:"a/b"': {} } },
      { finalizers: ['c/d'] },
      { finalizers: ['a/b', 'c/d'] },
      false,
    ],
    [
      'owner references by uid',
      { 'f:o': { 'k:{"uid":"1"}': {} } },
      { o: [{ uid: '1', name: 'a' }] },
      { o: [{ uid: '2' }, { uid: '1', name: 'a' }] },
      true,
    ],
    [
      'an owner reference with another name',
      { 'f:o': { 'k:{"uid":"1"}': {} } },
      { o: [{ uid: '1', name: 'b' }] },
      { o: [{ uid: '1', name: 'a' }] },
      false,
    ],
    ['an empty list, which nobody owns', { 'f:size': {} }, { size: 1, tags: [] }, { size: 1, tags: ['of others'] }, true],
    ['an empty list that is not there', { 'f:size': {} }, { size: 1, tags: [] }, { size: 1 }, false],
    ['a list that we emptied', { 'f:size': {}, 'f:tags': { 'v:"a"': {} } }, { size: 1, tags: [] }, { size: 1, tags: ['a'] }, false],
    ['an empty map', { 'f:labels': {} }, { labels: {} }, { labels: {} }, true],
    ['a list owned by index, as nothing of ours is', { 'f:l': { 'i:0': {} } }, { l: [1] }, { l: [1] }, false],
    ['a value of another shape', scalar, { spec: 'text' }, { spec: { replicas: 1, paused: true } }, false],
  ] as const) {
    it(`${what}: ${expected}`, () => assert.equal(isApplied(fields as FieldSet, desired, live), expected));
  }
});

describe('two values', () => {
  for (const [a, b, same] of [
    [{ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 }, true],
    [{ a: 1, b: undefined }, { a: 1 }, true],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [[1, 2], [2, 1], false],
    [[1], [1, 2], false],
    [null, {}, false],
    [{}, [], false],
    ['1', 1, false],
    ['1000m', '1', false],
    [{ limits: { memory: '1Gi' } }, { limits: { memory: '1024Mi' } }, true],
    [{ annotations: { x: '1Gi' } }, { annotations: { x: '1024Mi' } }, false],
  ] as const) {
    it(`${JSON.stringify(a)} and ${JSON.stringify(b)} are ${same ? 'the same' : 'different'}`, () => assert.equal(sameValue(a, b), same));
  }
});
