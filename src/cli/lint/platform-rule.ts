/** What one version of KServe would make of a deployment or a ServingPlatform, as rules for lint. */
import type { ModelDeployment } from '../../api/model-deployment/index.ts';
import type { DeploymentMode } from '../../api/model-deployment/serving.ts';
import { dialectOf } from '../../kserve/dialect.ts';
import { judge } from '../../kserve/judge.ts';
import { judgePlatform } from '../../kserve/platform/judge-platform.ts';
import type { Problem } from '../../kserve/problem.ts';
import type { Finding } from '../../models/finding.ts';
import type { KServeVersion } from '../../models/kserve-version.ts';
import type { ExtraRule, PlatformRule } from './judge-manifests.ts';

/**
 * @param mode for deployments that name none; omitted: the first that this KServe offers.
 *
 * The platform's policy is not known here, so what a spec names is taken to be allowed.
 */
export function platformRule(version: KServeVersion, mode?: DeploymentMode): ExtraRule {
  const dialect = dialectOf(version);
  return (deployment) => {
    const inUse = deployment.spec.deploymentMode ?? mode ?? dialect.modes[0];
    if (inUse === undefined) return [];
    return judge(deployment, { dialect, mode: inUse, policy: everythingNamedBy(deployment) }).map(findingOf);
  };
}

export function servingPlatformRule(version: KServeVersion): PlatformRule {
  const dialect = dialectOf(version);
  return ({ spec }) =>
    judgePlatform(spec, dialect).map((problem) => {
      const finding = findingOf(problem);
      // Entries go by their type in messages, and by their place in a file.
      const path = finding.path.replace(
        /\[([A-Za-z]+)\]/,
        (_, type) => `[${spec.runtimes?.findIndex((runtime) => runtime.type === type)}]`,
      );
      return { ...finding, path };
    });
}

function findingOf({ blocking, message }: Problem): Finding {
  const [path, sentence] = splitPath(message);
  return { code: 'MW-L2201', severity: blocking ? 'error' : 'warning', path, sentence, fix: '' };
}

function everythingNamedBy({ spec }: ModelDeployment) {
  return {
    serviceAccounts: spec.serviceAccountName === undefined ? [] : [spec.serviceAccountName],
    imageRegistries: spec.transformer === undefined ? [] : [spec.transformer.image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')],
  };
}

/** A problem begins with the field it is about: `spec.runtime.version: …`. */
function splitPath(message: string): [path: string, sentence: string] {
  const match = /^((?:metadata|spec)[A-Za-z.[\]0-9]*):? (.*)$/s.exec(message);
  return [match?.[1] ?? '', match?.[2] ?? message];
}
