/** What the operator and the ServingPlatform decide about load Jobs. */
export interface BenchSettings {
  /** Image with the program `modelwright`. */
  readonly image: string;
  /** Whole CPUs of a load pod; all but one send. */
  readonly cpus: number;
  readonly maxConcurrentRuns: number;
}

export const defaultBenchSettings = { cpus: 2, maxConcurrentRuns: 1 } as const;
