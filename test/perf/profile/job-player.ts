/** Plays the Job controller and the kubelets for load Jobs: every index gets its pod, ends, and tells what it should. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Api, mergePatch, type Thing } from '../../faults/api.ts';
import { type Job, messageFor } from '../../integration/profile/objects.ts';
import { inParallel } from '../operator/objects.ts';

export class JobPlayer {
  readonly #api: Api;
  readonly #namespace: string;
  readonly #played = new Set<string>();
  #stopped = false;
  #work: Promise<void> = Promise.resolve();

  constructor(api: Api, namespace: string) {
    this.#api = api;
    this.#namespace = namespace;
  }

  start(): void {
    this.#work = this.#play();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }

  async #play(): Promise<void> {
    while (!this.#stopped) {
      const { items } = (await this.#api.must('GET', `/apis/batch/v1/namespaces/${this.#namespace}/jobs`)) as unknown as {
        items: (Thing & Job)[];
      };
      const news = items.filter(({ metadata }) => !this.#played.has(metadata.uid));
      for (const { metadata } of news) this.#played.add(metadata.uid);
      await inParallel(news, 16, (job) => this.#run(job));
      await sleep(500);
    }
  }

  async #run(job: Thing & Job): Promise<void> {
    const { name, uid, labels } = job.metadata;
    const namespace = this.#namespace;
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    for (let index = 0; index < job.spec.completions; index++) {
      const metadata = {
        name: `${name}-${index}`,
        namespace,
        labels: { ...labels, 'batch.kubernetes.io/job-completion-index': String(index) },
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true }],
      };
      const containers = [{ name: 'bench', image: 'modelwright:bench' }];
      await this.#api.must('POST', pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec: { restartPolicy: 'Never', containers } });
      const terminated = { exitCode: 0, reason: 'Completed', message: messageFor(job, index), ...times() };
      const containerStatuses = [
        { name: 'bench', image: 'modelwright:bench', imageID: '', ready: false, restartCount: 0, state: { terminated } },
      ];
      await this.#status(`${pods}/${metadata.name}`, { phase: 'Succeeded', containerStatuses });
    }
    const { startedAt: at } = times();
    const conditions = ['SuccessCriteriaMet', 'Complete'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: at,
      lastProbeTime: at,
    }));
    const completedIndexes = job.spec.completions === 1 ? '0' : `0-${job.spec.completions - 1}`;
    const status = { startTime: at, completionTime: at, succeeded: job.spec.completions, completedIndexes, conditions };
    await this.#status(`/apis/batch/v1/namespaces/${namespace}/jobs/${name}`, status);
  }

  async #status(path: string, status: object): Promise<void> {
    const answer = await this.#api.request('PATCH', `${path}/status`, { status }, mergePatch);
    if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
  }
}

function times(): { readonly startedAt: string; readonly finishedAt: string } {
  const at = `${new Date().toISOString().slice(0, 19)}Z`;
  return { startedAt: at, finishedAt: at };
}
