import type { ModelDeployment } from '../api/model-deployment/index.ts';
import type { DeploymentMode } from '../api/model-deployment/serving.ts';
import type { Dialect } from './dialect.ts';
import type { ClusterFacts } from './facts.ts';
import { allowsImage, allowsServiceAccount, type Policy } from './policy.ts';
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

export interface JudgeContext {
  readonly dialect: Dialect;
  readonly mode: DeploymentMode;
  /** Knative's feature flags are read from here; without them nothing is said about flags. */
  readonly facts?: ClusterFacts;
  readonly policy: Policy;
}

/** Everything that the API server cannot judge at apply, because it depends on what is installed. Blocking problems come first. */
export function judge(deployment: ModelDeployment, context: JudgeContext): Problem[] {
  const problems = [...judgePolicy(deployment, context.policy)];
  return problems.toSorted((a, b) => Number(b.blocking) - Number(a.blocking));
}

function judgePolicy({ spec }: ModelDeployment, policy: Policy): Problem[] {
  const problems: Problem[] = [];
  const refuse = (reason: string, message: string) => problems.push({ stage: 'Validation', reason, message, blocking: true });
  if (spec.serviceAccountName !== undefined && !allowsServiceAccount(policy, spec.serviceAccountName)) {
    refuse(
      'ServiceAccountNotAllowed',
      `spec.serviceAccountName: the cluster policy does not allow "${spec.serviceAccountName}"; leave the field out, or ask an administrator to add it to the allowed service accounts`,
    );
  }
  if (spec.transformer !== undefined && !allowsImage(policy, spec.transformer.image)) {
    refuse(
      'ImageNotAllowed',
      `spec.transformer.image: the cluster policy does not allow images from there ("${spec.transformer.image}"); use an allowed registry, or ask an administrator to add it`,
    );
  }
  return problems;
}
