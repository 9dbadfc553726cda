import { Command, Option } from 'commander';
import type { ModelDeployment } from '../api/model-deployment/index.ts';
import { protocolsOf } from '../api/model-deployment/runtime.ts';
import { type DeploymentMode, deploymentModes } from '../api/model-deployment/serving.ts';
import { type Dialect, describeDialect, dialectOf } from '../kserve/dialect.ts';
import { judge } from '../kserve/judge.ts';
import { renderInferenceService } from '../kserve/render.ts';
import { newestKServe, parseKServeVersion, printVersion } from '../models/kserve-version.ts';
import { Failure } from './failure.ts';
import { readModelDeployments } from './manifests.ts';
import { listOf, parseFormat, printJson, printYaml } from './output.ts';
import { sampleRequest } from './sample-request.ts';

interface RenderOptions {
  readonly filename: readonly string[];
  readonly kserveVersion: string;
  readonly mode?: DeploymentMode;
  readonly request?: boolean;
  readonly output?: string;
  readonly allowedServiceAccounts?: readonly string[];
  readonly allowedImageRegistries?: readonly string[];
}

export function renderCommand(): Command {
  const list = (text: string) =>
    text
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean);
  return new Command('render')
    .description('Print the InferenceService of a ModelDeployment, without a cluster')
    .requiredOption('-f, --filename <path...>', 'file, folder or - (standard input)')
    .option(
      '--kserve-version <version>',
      'KServe to render for: 0.7 to 0.20, or kfserving-0.6',
      printVersion(newestKServe).replace('KServe ', ''),
    )
    .addOption(
      new Option('--mode <mode>', 'deployment mode where the spec names none (default: Standard where there is such a mode)').choices(
        deploymentModes,
      ),
    )
    .option('--request', 'print a sample request body instead, made from spec.model.inputs')
    .option('--allowed-service-accounts <names>', 'as the operator is run with', list)
    .option('--allowed-image-registries <prefixes>', 'as the operator is run with', list)
    .option('-o, --output <format>', 'yaml or json (default: yaml; json for --request)')
    .action(render);
}

async function render(options: RenderOptions): Promise<void> {
  const format = parseFormat(options.output, ['json', 'yaml']);
  const dialect = dialectFor(options.kserveVersion);
  const deployments = await readModelDeployments(options.filename);
  const objects = deployments.map((object) => (options.request ? requestFor(object) : serviceFor(object, dialect, options)));
  if (options.request && format !== 'yaml') {
    // One line each, ready for `curl --data @-`.
    process.stdout.write(objects.map((object) => `${JSON.stringify(object)}\n`).join(''));
  } else if (format === 'json') process.stdout.write(printJson(listOf(objects, true)));
  else process.stdout.write(objects.map(printYaml).join('---\n'));
}

function dialectFor(text: string): Dialect {
  const version = parseKServeVersion(text);
  if (version === undefined)
    throw new Failure(`--kserve-version: "${text}" is no version of KServe; give one such as 0.15, or kfserving-0.6`);
  return dialectOf(version);
}

function serviceFor(object: ModelDeployment, dialect: Dialect, options: RenderOptions): object {
  const [preferred] = dialect.modes;
  const mode = object.spec.deploymentMode ?? options.mode ?? preferred;
  if (mode === undefined || !dialect.modes.includes(mode)) {
    throw new Failure(
      describe(object, [`deployment mode ${mode} cannot be had on ${describeDialect(dialect)}, which has ${dialect.modes.join(' and ')}`]),
    );
  }
  const policy = { serviceAccounts: options.allowedServiceAccounts ?? [], imageRegistries: options.allowedImageRegistries ?? [] };
  if (object.spec.source.storageUri === undefined) {
    throw new Failure(
      describe(object, ['spec.source: a volume or an archive is packaged in the cluster, and its storageUri is known only there']),
    );
  }
  const problems = judge(object, { dialect, mode, policy });
  const blocking = problems.filter((problem) => problem.blocking).map(({ message }) => message);
  if (blocking.length > 0) throw new Failure(describe(object, blocking));
  const rendered = renderInferenceService(object, { dialect, mode });
  for (const remark of [...problems.map(({ message }) => message), ...rendered.notes])
    process.stderr.write(`${object.metadata.name}: ${remark}\n`);
  if (rendered.absent)
    process.stderr.write(
      `${object.metadata.name}: suspended; on ${describeDialect(dialect)} that means that this InferenceService is deleted\n`,
    );
  return rendered.object;
}

function requestFor(object: ModelDeployment): object {
  const { metadata, spec } = object;
  const inputs = spec.model?.inputs ?? [];
  if (inputs.length === 0)
    throw new Failure(describe(object, ['spec.model.inputs is empty; name, shape and dataType of each input are needed']));
  return sampleRequest(inputs, spec.runtime.protocol ?? protocolsOf[spec.runtime.type][0], spec.model?.name ?? metadata.name);
}

function describe({ metadata }: ModelDeployment, sentences: readonly string[]): string {
  return `ModelDeployment ${metadata.name}:\n${sentences.map((sentence) => `  ${sentence}`).join('\n')}`;
}
