import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aProfile } from './profile.fixture.ts';
import { redacted } from './redact.ts';
import { profileFormats, rendered } from './show.ts';

describe('an export for others', () => {
  const secrets = ['our.example', 'ourcompany', 'GPU-12345678', '99999999-', '11111111-', 'vision-token', 'vision/', 'resnet-run-2b-1'];

  for (const format of profileFormats) {
    it(`names no machine, address or namespace in ${format}`, () => {
      const text = rendered(redacted(aProfile()), format);
      for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} is in the ${format}`);
    });
  }

  it('keeps every figure and what they are of', () => {
    const { status } = redacted(aProfile());
    assert.deepEqual(status?.results, aProfile().status?.results);
    assert.deepEqual(status?.best, aProfile().status?.best);
    assert.equal(status?.provenance?.gpuProduct, 'Tesla-T4');
    assert.equal(status?.provenance?.imageDigest, aProfile().status?.provenance?.imageDigest);
    assert.equal(status?.provenance?.image, 'registry/tritonserver:24.01');
    assert.deepEqual(status?.provenance?.nodes, ['node-1']);
  });

  it('gives a name the same placeholder in sentences', () => {
    const ready = redacted(aProfile()).status?.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(ready?.message, '4 points on node-1');
  });

  it('hides the host of a URL, with its port, wherever it stands', () => {
    const profile = aProfile({ target: 'http://10.1.2.3:8000' });
    const url = {
      ...profile,
      spec: { ...profile.spec, target: { url: 'http://10.1.2.3:8000', modelName: 'resnet', host: 'resnet.models.our.example' } },
    };
    const text = JSON.stringify(redacted(url));
    assert.ok(!text.includes('10.1.2.3') && !text.includes('our.example'));
    assert.equal(redacted(url).spec.target.url, 'http://host');
  });

  it('leaves the profile that it was given as it was', () => {
    const profile = aProfile();
    redacted(profile);
    assert.deepEqual(profile, aProfile());
  });
});
