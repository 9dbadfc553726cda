/**
 * A control plane on which a ModelProfile is measured for real: the Job controller makes the Pods, their `modelwright bench` runs as a process
 * (`hack/controlplane/job-processes`), and loads whatever a test has started on loopback. The nodes and the containers are played.
 */
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { start } from '../../hack/controlplane/instance.ts';
import type { ControlPlane } from '../../hack/controlplane/plane.ts';
import type { ModelProfile, ModelProfileSpec, ProfileResult } from '../../src/api/model-profile/index.ts';

const root = resolve(import.meta.dirname, '../..');
const namespace = 'models';

export class ProfilePlane implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly namespace = namespace;

  private constructor(plane: ControlPlane) {
    this.plane = plane;
  }

  /** Control plane, CRDs, operator, and a ServingPlatform that lets profiles name this machine. */
  static async start(name: string): Promise<ProfilePlane> {
    const plane = await start({ name: `${name}-${process.pid}`, nodes: 'fake', jobs: 'processes', say: console.error });
    try {
      await plane.kubectl(['apply', '--server-side', '-f', resolve(root, 'crds')]);
      await plane.established(['-f', resolve(root, 'crds')]);
      await plane.kubectl(['create', 'namespace', namespace]);
      await plane.startProcess({
        name: 'operator',
        command: process.execPath,
        args: [resolve(root, 'src/cli/main.ts'), 'operator', '--metrics-bind-address', '127.0.0.1:0', '--image', 'modelwright:test'],
        env: { KUBECONFIG: plane.kubeconfig },
      });
      const self = new ProfilePlane(plane);
      await self.apply({
        apiVersion: 'modelwright.dev/v1alpha1',
        kind: 'ServingPlatform',
        metadata: { name: 'default' },
        spec: { policy: { targetHosts: ['127.0.0.0/8'] } },
      });
      return self;
    } catch (error) {
      await plane.stop();
      throw error;
    }
  }

  async apply(object: object): Promise<void> {
    await this.plane.kubectl(['apply', '--server-side', '-n', namespace, '-f', '-'], JSON.stringify(object));
  }

  /** Applies a profile and waits until its run has ended, however that was. */
  async measure(name: string, spec: ModelProfileSpec, seconds = 240): Promise<ModelProfile> {
    await this.apply({ apiVersion: 'modelwright.dev/v1alpha1', kind: 'ModelProfile', metadata: { name }, spec });
    return this.until(name, ({ status }) => ['Complete', 'Failed', 'Cancelled'].includes(status?.run?.state ?? ''), seconds);
  }

  /** Asks until the profile is as wanted; throws its last state and what the load pods said after `seconds`. */
  async until(name: string, wanted: (profile: ModelProfile) => boolean, seconds = 240): Promise<ModelProfile> {
    const deadline = Date.now() + seconds * 1000;
    for (;;) {
      const profile = JSON.parse(await this.plane.kubectl(['get', 'modelprofile', name, '-n', namespace, '-o', 'json'])) as ModelProfile;
      const observed = profile.status?.observedGeneration === (profile.metadata.generation ?? 0);
      if (observed && wanted(profile)) return profile;
      if (Date.now() > deadline)
        throw new Error(`not so within ${seconds} s:\n${JSON.stringify(profile.status, null, 2)}\n${await this.pods()}`);
      await sleep(500);
    }
  }

  private pods(): Promise<string> {
    return this.plane.kubectl(['get', 'pods', '-n', namespace, '-o', 'jsonpath={range .items[*]}{.metadata.name} {.status}{"\\n"}{end}']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.plane.stop();
  }
}

/** A result that must be there. */
export function resultOf(profile: ModelProfile, id: string): ProfileResult {
  const found = profile.status?.results?.find((result) => result.id === id);
  if (found === undefined)
    throw new Error(`${id} is not among the results: ${JSON.stringify(profile.status?.results?.map((result) => result.id))}`);
  return found;
}
