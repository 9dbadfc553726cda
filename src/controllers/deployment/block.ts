import type { Stage } from '../../kserve/serving.ts';

/** Something that keeps the declared spec from being served until somebody changes something. */
export interface Block {
  readonly stage: Stage;
  readonly reason: string;
  readonly message: string;
}
