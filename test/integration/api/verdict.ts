/** What the API server says to an object, in the words that kubectl prints. */
import { kubectl } from '../../support/cluster.ts';

export interface Verdict {
  readonly accepted: boolean;
  /** One entry a complaint: `spec.runtime.version: Forbidden: …`. */
  readonly complaints: readonly string[];
}

/** Gives an object to the API server without storing it. `replace` judges a change of the stored object of that name. */
export async function dryRun(verb: 'create' | 'replace', object: object, namespace: string): Promise<Verdict> {
  return verdictOf(kubectl([verb, '--dry-run=server', '-n', namespace, '-f', '-'], { input: object }));
}

/** Turns kubectl's refusal into its complaints; a failure of another kind stays a failure. */
export async function verdictOf(run: Promise<unknown>): Promise<Verdict> {
  try {
    await run;
    return { accepted: true, complaints: [] };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const invalid = /The \w+ "[^"]*" is invalid: (.*)$/s.exec(text);
    const undecodable = /\(BadRequest\): (.*)$/s.exec(text);
    const said = invalid?.[1] ?? undecodable?.[1];
    if (said === undefined) throw error;
    return {
      accepted: false,
      complaints: said
        .split('\n')
        .map((line) => line.replace(/^\* /, '').trim())
        .filter(Boolean),
    };
  }
}
