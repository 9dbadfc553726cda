/** What other projects make of ours, by their own code: see hack/controlplane/modules/judges. */
import { execFile } from 'node:child_process';
import { getBinaries } from '../../hack/controlplane/binaries.ts';
import { JUDGES } from '../../hack/controlplane/catalog.ts';

export interface Question {
  readonly objects?: readonly object[];
  /** Argo CD's health script. */
  readonly script?: string;
  /** Flux's expressions. */
  readonly flux?: object;
  /** Rules of Prometheus as YAML. */
  readonly rules?: string;
  /** PromQL. */
  readonly expressions?: readonly string[];
}

export interface Health {
  readonly argo?: string;
  readonly argoMessage?: string;
  readonly flux?: string;
  readonly kstatus: string;
}

export interface Verdict {
  readonly health?: readonly Health[];
  /** Metrics that rules and expressions name. */
  readonly metrics?: readonly string[];
  readonly errors?: readonly string[];
}

export async function judged(question: Question): Promise<Verdict> {
  const { judge } = await getBinaries([{ component: JUDGES, binaries: ['judge'] }], { say: console.error });
  return new Promise((done, fail) => {
    const child = execFile(judge?.path ?? '', [], { maxBuffer: 16 << 20 }, (error, stdout, stderr) => {
      if (error === null) done(JSON.parse(stdout) as Verdict);
      else fail(new Error(`judge: ${stderr.trim() || error.message}`));
    });
    child.stdin?.end(JSON.stringify(question));
  });
}
