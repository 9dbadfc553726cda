/** The measured part of the demo: a ModelProfile whose load pods really run, against a model server that really answers. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { dump } from 'js-yaml';
import type { ModelProfile, ModelProfileSpec } from '../../src/api/model-profile/index.ts';
import type { ModelServer } from './model-server.ts';
import { say, show } from './say.ts';
import { cli, type Demo } from './story.ts';

const run = promisify(execFile);
const profileName = 'iris';
const apiVersion = 'modelwright.dev/v1alpha1';

export interface Measurement {
  /** What is measured, for people. */
  readonly intro: string;
  readonly spec: ModelProfileSpec;
  /** How many points the sweep has. */
  readonly points: number;
}

/** Lets profiles name this machine, and measures a server on it by processes in place of pods. */
export async function measureForReal(demo: Demo, server: ModelServer): Promise<void> {
  const platform = {
    apiVersion,
    kind: 'ServingPlatform',
    metadata: { name: 'default' },
    spec: { policy: { targetHosts: ['127.0.0.0/8'] } },
  };
  await demo.plane.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(platform));
  await measure(demo, {
    intro:
      `Measuring a model for real: ${server.description}, at ${server.url}\n` +
      "    Real: the model server, the Job, its load pod's command and files, every figure. Played: nodes and containers; the pod is a process of this machine.",
    spec: {
      target: { url: server.url, modelName: server.modelName },
      sweep: { batchSizes: [1, 16], concurrency: [1, 2, 4] },
      load: { warmupSeconds: 1, durationSeconds: 3 },
      objective: { latency: [{ percentile: 'p99', maxMilliseconds: 100 }] },
    },
    points: 6,
  });
}

/** Applies a profile, waits for its run, and shows what was found. */
export async function measure(demo: Demo, { intro, spec, points }: Measurement): Promise<void> {
  const { plane, namespace } = demo;
  say(intro);
  const profile = dump({ apiVersion, kind: 'ModelProfile', metadata: { name: profileName }, spec });
  show(profile);
  show(await plane.kubectl(['apply', '-n', namespace, '-f', '-'], profile));
  const measured = await untilMeasured(demo, points);
  say(`kubectl get modelprofiles -n ${namespace}`);
  show(await plane.kubectl(['get', 'modelprofiles', '-n', namespace]));
  const valid = measured.status?.results?.filter((result) => result.valid).length ?? 0;
  if (valid === 0) show('No point is valid, so none is recommended: other programs kept this machine busy, and the reasons below say so.');
  say(`modelwright profile show ${profileName} -n ${namespace}`);
  show((await modelwright(demo, 'profile', 'show', profileName, '-n', namespace)).stdout);
  const page = join(tmpdir(), 'modelwright-demo-iris.html');
  await modelwright(demo, 'profile', 'export', profileName, '-n', namespace, '--html', page);
  show(`The same with plots: ${page}`);
}

/** One point after the other; a busy machine measures what came out invalid once more. */
async function untilMeasured({ plane, namespace, signal }: Demo, points: number): Promise<ModelProfile> {
  const deadline = Date.now() + 300_000;
  let shown = '';
  for (;;) {
    const profile = JSON.parse(await plane.kubectl(['get', 'modelprofile', profileName, '-n', namespace, '-o', 'json'])) as ModelProfile;
    const ready = profile.status?.conditions?.find(({ type }) => type === 'Ready');
    const line = `${ready?.reason ?? 'Waiting'}: ${ready?.message ?? 'for the operator'}`;
    if (line !== shown) show(line);
    shown = line;
    const state = profile.status?.run?.state;
    if (state === 'Complete') {
      const found = profile.status?.results?.length ?? 0;
      if (found !== points) throw new Error(`${points} points were to be measured, the status has ${found}`);
      return profile;
    }
    if (state === 'Failed' || state === 'Cancelled' || Date.now() > deadline) throw new Error(`the profile was not measured: ${line}`);
    await sleep(500, undefined, { signal });
  }
}

function modelwright({ plane }: Demo, ...args: string[]): Promise<{ stdout: string }> {
  return run(process.execPath, [...cli, ...args], { env: { ...process.env, KUBECONFIG: plane.kubeconfig } });
}
