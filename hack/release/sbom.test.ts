import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Bom, checkBom, only, stable, withDebian } from './sbom.ts';

const component = (name: string, more: object = {}) => ({
  name,
  version: '1.0.0',
  purl: `pkg:npm/${name}@1.0.0`,
  licenses: [{}],
  hashes: [{}],
  ...more,
});
const bom: Bom = {
  bomFormat: 'CycloneDX',
  serialNumber: 'urn:uuid:1',
  metadata: { timestamp: '2026-01-01T00:00:00Z', component: { name: 'modelwright', version: '1', 'bom-ref': 'root' } },
  components: [
    component('b', { externalReferences: [{ type: 'distribution', url: 'http://host/b' }] }),
    component('a', { group: '@scope' }),
  ],
};
const wanted = (name: string) => ({ name, version: '1.0.0', license: 'MIT' });

it('is the same for the same packages, whenever and wherever it is made', () => {
  const text = JSON.stringify(stable(bom));
  assert.doesNotMatch(text, /urn:uuid|2026|http:/);
  assert.deepEqual(
    stable(bom).components.map(({ name }) => name),
    ['a', 'b'],
  );
});

it('is refused where a package, its licence or its checksum is missing', () => {
  checkBom(bom, [wanted('b'), wanted('@scope/a')]);
  assert.throws(() => checkBom(bom, [wanted('c')]), /c 1\.0\.0 is not in the bill/);
  assert.throws(() => checkBom({ ...bom, components: [component('d', { hashes: [] })] }, [wanted('d')]), /no licence or no checksum/);
});

it('keeps the packages that are asked for, and what depends on what among them', () => {
  const all: Bom = {
    ...bom,
    components: [component('a', { 'bom-ref': 'a' }), component('b', { 'bom-ref': 'b' }), component('test', { 'bom-ref': 'test' })],
    dependencies: [
      { ref: 'root', dependsOn: ['a', 'test'] },
      { ref: 'a', dependsOn: ['b'] },
      { ref: 'test', dependsOn: ['b'] },
    ],
  };
  const kept = only(all, [wanted('a'), wanted('b')]);
  assert.deepEqual(
    kept.components.map(({ name }) => name),
    ['a', 'b'],
  );
  assert.deepEqual(kept.dependencies, [
    { ref: 'root', dependsOn: ['a'] },
    { ref: 'a', dependsOn: ['b'] },
  ]);
});

it('has the packages of Debian that the image has, for each architecture', () => {
  const libc = { name: 'libstdc++6', version: '12.2.0-14+deb12u1', architecture: 'arm64' };
  const { components } = withDebian(bom, [libc]);
  const added = components.at(-1);
  assert.equal(added?.purl, 'pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=arm64');
  assert.equal(components.length, bom.components.length + 1);
  assert.throws(() => withDebian(bom, [{ ...libc, name: 'bash' }]), /licence of Debian's bash is not known/);
});
