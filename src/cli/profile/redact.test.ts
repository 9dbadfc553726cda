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

  it('names no machine of a Dedicated run, nor whoever else was on it', () => {
    const profile = aProfile();
    const uuid = 'GPU-87654321-aaaa-bbbb-cccc-1234567890ab';
    const said = (type: string, message: string) => ({ type, status: 'False', reason: 'X', message, lastTransitionTime: 'x' }) as const;
    const dedicated = {
      ...profile,
      spec: {
        ...profile.spec,
        mode: 'Dedicated' as const,
        sweep: { concurrency: [1], hardware: [{ name: 't4', nodeSelector: { 'kubernetes.io/hostname': 'rack7' } }] },
        accuracy: { dataset: { url: 'https://data.our.example/x.jsonl' }, metric: 'Top1' as const },
      },
      status: {
        ...profile.status,
        hardware: [
          { name: 't4', state: 'Measured' as const, nodes: ['rack7'], gpuProduct: 'Tesla-T4' },
          {
            name: 'a100',
            state: 'Unavailable' as const,
            message: 'No node takes this pod: node a100-3.our.example has the taint x:NoSchedule',
          },
        ],
        run: {
          id: 'r00000000001',
          state: 'Complete' as const,
          specHash: 'h',
          queuedTime: 'x',
          gpuTenants: ['others/trainer-0'],
          disturbances: [{ job: 'j', index: 0, reason: 'OtherGpuTenant' as const, pods: ['others/trainer-1'] }],
        },
        idle: {
          runId: 'r00000000001',
          state: 'Waiting' as const,
          waitingSince: 'x',
          busy: [`${uuid} on node rack7, of Pod others/trainer-2: 85 % used`],
        },
        gpuSource: 'the DCGM exporter gpu-operator/dcgm-x7k2p on node rack7',
        conditions: [
          said(
            'Idle',
            `Waits for idle GPUs: ${uuid} on node rack-9, of Pods others/trainer-3 and others/trainer-4: 85 % used, more than 5 %`,
          ),
          said('Ready', 'ModelProfile others/nightly measures on GPUs of node rack7, and no node has more'),
        ],
      },
    };
    const shown = redacted(dedicated);
    for (const secret of ['rack', 'trainer', 'others', 'our.example', 'gpu-operator', 'dcgm-x7k2p', '87654321']) {
      assert.ok(!JSON.stringify(shown).includes(secret), `${secret} in ${JSON.stringify(shown)}`);
    }
    assert.deepEqual(shown.status?.hardware?.[0]?.nodes, ['node-2']);
    assert.equal(
      shown.status?.conditions?.[0]?.message,
      'Waits for idle GPUs: GPU on node (left out), of Pods (left out): 85 % used, more than 5 %',
    );
    assert.equal(shown.status?.conditions?.[1]?.message, 'ModelProfile (left out) measures on GPUs of node node-2, and no node has more');
    assert.equal(shown.status?.run?.disturbances?.[0]?.reason, 'OtherGpuTenant');
  });

  it('leaves the profile that it was given as it was', () => {
    const profile = aProfile();
    redacted(profile);
    assert.deepEqual(profile, aProfile());
  });
});
