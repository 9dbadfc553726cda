import type { Stage } from './serving.ts';

/** Something that will not work, or not as meant, on this cluster. */
export interface Problem {
  readonly stage: Stage;
  /** One CamelCase word for programs; stable. */
  readonly reason: string;
  /** Names the field and the remedy. */
  readonly message: string;
  /** Nothing is written to the cluster while a blocking problem stands. */
  readonly blocking: boolean;
}

export function blocking(stage: Stage, reason: string, message: string): Problem {
  return { stage, reason, message, blocking: true };
}

export function warning(stage: Stage, reason: string, message: string): Problem {
  return { stage, reason, message, blocking: false };
}
