import type { ModelDeployment } from '../api/model-deployment/index.ts';
import { gpuTaggedRuntimes } from '../api/model-deployment/runtime.ts';
import { isDigest } from '../models/image-reference.ts';
import { type Dialect, describeDialect } from './dialect.ts';
import { defaultGpuResource, resourceNameOf, selectorLabelOf } from './gpu.ts';
import { blocking, type Problem, warning } from './problem.ts';
import { protocolVersion } from './runtimes.ts';
import { chooseServer, type Server } from './server.ts';

/** Whether this KServe has a server for the runtime and protocol, and whether the image will be the one that was meant. */
export function judgeServer(deployment: ModelDeployment, dialect: Dialect): Problem[] {
  const server = chooseServer(deployment, dialect);
  return [...judgeProtocol(server, dialect), ...judgeVersion(deployment, server, dialect), ...judgeGpu(deployment, server, dialect)];
}

function judgeProtocol({ runtime, protocol, choice, runtimeName }: Server, dialect: Dialect): Problem[] {
  const declared = dialect.runtimes?.find(({ metadata }) => metadata.name === runtimeName)?.spec?.protocolVersions;
  if (declared !== undefined && !declared.includes(protocolVersion[protocol])) {
    return [
      blocking(
        'Validation',
        'ProtocolNotSupported',
        `spec.runtime.protocol: the ${runtime.type} runtime of this cluster, ${runtimeName}, speaks ${declared.join(', ')} and not ${protocolVersion[protocol]}; choose one of these, or ask an administrator for protocols in spec.runtimes of the ServingPlatform`,
      ),
    ];
  }
  if (choice !== undefined || runtimeName !== undefined) return [];
  const named = describeDialect(dialect);
  if (dialect.runtimes === undefined) {
    return [
      blocking(
        'Validation',
        'ProtocolNotSupported',
        `spec.runtime.protocol: ${named} has no ${runtime.type} server that speaks ${protocol}; use ${runtime.type === 'Triton' ? 'V2' : 'V1'}, or a newer KServe`,
      ),
    ];
  }
  // A ServingRuntime of the namespace may still fit, so KServe is asked all the same.
  return [
    warning(
      'Platform',
      'NoSupportingRuntime',
      `spec.runtime: no single ClusterServingRuntime here serves model format ${runtime.modelFormat} with protocol ${protocolVersion[protocol]}; install ${runtime.servers.map(({ name }) => name).join(' or ')}, or another protocol may do`,
    ),
  ];
}

function judgeVersion({ spec }: ModelDeployment, server: Server, dialect: Dialect): Problem[] {
  const version = spec.runtime.version;
  const problems: Problem[] = [];
  if (version !== undefined && isDigest(version) && server.defaultImage === undefined) {
    problems.push(
      blocking(
        'Validation',
        'RuntimeImageUnknown',
        'spec.runtime.version: a digest needs to know the image it belongs to, and KServe chooses the runtime here; give a tag, or ask an administrator for a single runtime of this kind',
      ),
    );
  }
  const { version: kserve } = dialect;
  const splitsAtPort = kserve !== 'kfserving-0.6' && kserve.major === 0 && kserve.minor === 8;
  if (splitsAtPort && server.runtimeVersion !== undefined && server.defaultImage?.repository.includes(':') === true) {
    problems.push(
      blocking(
        'Validation',
        'RegistryPortLost',
        `spec.runtime.version: KServe 0.8 cuts the image ${server.defaultImage.repository} at the port of its registry when a tag is given; give a digest (sha256:…), or use KServe 0.9 or newer`,
      ),
    );
  }
  if (version !== undefined && server.choice?.name === 'kserve-mlserver' && !isDigest(version)) {
    problems.push(
      warning(
        'Validation',
        'ServerIsMLServer',
        `spec.runtime.version: protocol V2 of ${server.runtime.type} is served by MLServer on ${describeDialect(dialect)}, so "${version}" must be a tag of ${server.choice.repository}`,
      ),
    );
  }
  return problems;
}

function judgeGpu({ spec }: ModelDeployment, server: Server, dialect: Dialect): Problem[] {
  const { gpu } = spec;
  const problems: Problem[] = [];
  const tag = server.defaultImage?.tag;
  const isTagged = gpuTaggedRuntimes.includes(server.runtime.type);
  if (gpu === undefined) {
    if (isTagged && spec.runtime.version === undefined && tag?.endsWith('-gpu') === true) {
      problems.push(
        warning(
          'Validation',
          'GpuImageWithoutGpu',
          `spec.runtime.version: the default image here is ${server.defaultImage?.repository}:${tag}, which is made for a GPU, and spec.gpu is not set; give a version without -gpu`,
        ),
      );
    }
    return problems;
  }
  const name = resourceNameOf(gpu);
  const label = selectorLabelOf(gpu);
  const asked = spec.scheduling?.nodeSelector?.[label];
  if (gpu.product !== undefined && asked !== undefined && asked !== gpu.product) {
    problems.push(
      blocking(
        'Validation',
        'GpuProductConflict',
        `spec.gpu.product is "${gpu.product}" and spec.scheduling.nodeSelector asks for ${label}: ${asked}; remove one of them`,
      ),
    );
  }
  if (!isTagged) return problems;
  if (!dialect.features.predictorModel && name !== defaultGpuResource) {
    problems.push(
      blocking(
        'Validation',
        'GpuResourceNotSupported',
        `spec.gpu.resourceName: ${describeDialect(dialect)} counts ${defaultGpuResource} only and refuses the GPU image of ${server.runtime.type} for ${name}; use ${defaultGpuResource}, or KServe 0.8 or newer`,
      ),
    );
  }
  const isNamed = spec.runtime.version !== undefined || server.runtimeVersion !== undefined || server.image !== undefined;
  if (isNamed || !dialect.features.predictorModel || tag?.endsWith('-gpu') === true) return problems;
  const remedy = 'give the tag or the digest of the GPU image';
  if (!name.startsWith('nvidia.com/')) {
    problems.push(
      blocking('Validation', 'GpuImageUnknown', `spec.runtime.version: ${server.runtime.type} has no default image for ${name}; ${remedy}`),
    );
  } else if (server.choice === undefined) {
    problems.push(
      warning(
        'Validation',
        'GpuImageDoubtful',
        `spec.runtime.version: the runtime here is not one of KServe's own, and its default image may be made for the CPU; ${remedy}`,
      ),
    );
  } else if (server.defaultImage?.digest !== undefined) {
    const breaks = dialect.features.appendsGpuTag && !dialect.features.keepsDigest;
    const text = `spec.runtime.version: the default image is pinned by digest, ${breaks ? 'to which KServe would append -gpu' : 'so KServe does not change it to the GPU image'}; ${remedy}`;
    problems.push(breaks ? blocking('Validation', 'GpuImageUnknown', text) : warning('Validation', 'GpuImageDoubtful', text));
  }
  return problems;
}
