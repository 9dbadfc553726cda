import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditMark, auditSince, isWrite } from '../support/audit.ts';
import { apply, freshNamespace, get, kubectl } from '../support/cluster.ts';

test('a test has a namespace of its own and sees what the API server makes of its objects', async () => {
  await using namespace = await freshNamespace();
  const applied = await apply<{ metadata: { uid: string } }>({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'x', namespace: namespace.name },
    data: { a: '1' },
  });
  const read = await get<{ metadata: { uid: string }; data: Record<string, string> }>('configmap', 'x', namespace.name);
  assert.equal(read.metadata.uid, applied.metadata.uid);
  assert.deepEqual(read.data, { a: '1' });
});

test('RBAC is on: a user without a role is refused in the API server’s words', async () => {
  await using namespace = await freshNamespace();
  const refused = kubectl(['get', 'secrets', '-n', namespace.name], { as: 'somebody' });
  await assert.rejects(refused, /secrets is forbidden: User "somebody" cannot list resource "secrets"/);
});

test('the audit log has each request of a user agent, and the body of a write', async () => {
  await using namespace = await freshNamespace();
  const mark = auditMark();
  const object = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'y', namespace: namespace.name }, spec: { ports: [{ port: 80 }] } };
  await kubectl(['create', '-f', '-'], { input: object });
  const here = await auditSince(mark, (event) => event.objectRef?.namespace === namespace.name);
  const writes = here.filter(isWrite);
  assert.deepEqual(
    writes.map(({ verb, objectRef }) => `${verb} ${objectRef?.resource}`),
    ['create services'],
  );
  assert.match(writes[0]?.userAgent ?? '', /^kubectl\//);
  const written = writes[0]?.requestObject as typeof object | undefined;
  assert.equal(written?.metadata.name, 'y');
});

test('a Secret’s content never reaches the audit log', async () => {
  await using namespace = await freshNamespace();
  const mark = auditMark();
  await kubectl(['create', 'secret', 'generic', 's', '-n', namespace.name, '--from-literal=password=swordfish']);
  const writes = await auditSince(mark, (event) => event.objectRef?.resource === 'secrets' && isWrite(event));
  assert.equal(writes.length, 1);
  assert.equal(writes[0]?.requestObject, undefined);
});
