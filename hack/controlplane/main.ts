/** `npm run controlplane -- up|down|env|status`: a real Kubernetes control plane on this machine, without containers. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { adopt } from './adopt.ts';
import { instances, type StartOptions, start } from './instance.ts';
import { KSERVE_VERSIONS, type KServeVersion } from './kserve-releases.ts';
import { INSTANCES, type Layout, layoutOf } from './layout.ts';
import { elapsed } from './log.ts';
import { attach, recordOf } from './plane.ts';
import { killRecorded, recorded, removeFolder, SupervisorClient, supervisorRuns } from './supervisor-client.ts';

const DEFAULT_NAME = 'default';
const say = (line: string) => console.error(line);

interface UpFlags {
  readonly name: string;
  readonly kserve?: KServeVersion | true;
  readonly knative?: true;
  readonly nodes?: 'fake' | 'real';
  readonly jobProcesses?: true;
  readonly keepGoCache?: true;
  readonly kubeconfig?: string;
}

const program = new Command('controlplane')
  .description('a real Kubernetes control plane on this machine, without containers')
  .showHelpAfterError()
  .addHelpText(
    'after',
    `
Binaries come from KUBEBUILDER_ASSETS, PATH, the cache in $XDG_CACHE_HOME/modelwright, the envtest archive, or a build with Go, whichever has them first.
  MODELWRIGHT_ENVTEST_URL          folder to fetch the envtest archive from, or "off"
  MODELWRIGHT_CONTROLPLANE_KEEP=1  leave an instance's folder with its logs when it ends`,
  );

const nameOption = () => new Option('--name <name>', 'name of the instance').default(DEFAULT_NAME);

program
  .command('up')
  .description('start an instance in the background')
  .addOption(nameOption())
  .option('--kserve [version]', `KServe's manager and webhooks: ${KSERVE_VERSIONS.join(', ')}`, kserveVersion)
  .option('--knative', 'Knative Serving: controller, webhook, autoscaler')
  .addOption(
    new Option('--nodes <kind>', 'fake: three nodes whose Pods are played by kwok; real: a node that runs containers (root)').choices([
      'fake',
      'real',
    ]),
  )
  .option('--job-processes', 'with fake nodes: run the `modelwright` of Pods of Jobs as processes, instead of playing them')
  .addOption(
    new Option('--kubeconfig <file>', 'start nothing: take a cluster of your own, as one of kind, by its current context').conflicts([
      'kserve',
      'knative',
      'nodes',
      'jobProcesses',
    ]),
  )
  .option('--keep-go-cache', 'keep Go’s build cache after a build (several GB)')
  .action(up);
program
  .command('down')
  .description('end an instance and remove its files; a cluster of your own is left as it is')
  .addOption(nameOption())
  .option('--all', 'end every instance')
  .action(down);
program.command('env').description('print shell lines that point kubectl at an instance').addOption(nameOption()).action(env);
program.command('status').description('list instances and their processes').option('-o, --output <format>', 'json').action(status);

function kserveVersion(value: string): KServeVersion {
  const version = KSERVE_VERSIONS.find((known) => known === value.replace(/^v/, ''));
  if (!version) throw new InvalidArgumentError(`There are ${KSERVE_VERSIONS.join(', ')}.`);
  return version;
}

async function up(flags: UpFlags): Promise<void> {
  const started = Date.now();
  const options: StartOptions = {
    name: flags.name,
    say,
    keepGoCache: flags.keepGoCache === true,
    ...(flags.kserve && { kserve: flags.kserve === true ? KSERVE_VERSIONS[0] : flags.kserve }),
    ...(flags.knative && { knative: true }),
    ...(flags.nodes && { nodes: flags.nodes }),
    ...(flags.jobProcesses && { jobs: 'processes' }),
  };
  const plane = await (flags.kubeconfig === undefined ? start(options) : adopt({ kubeconfig: flags.kubeconfig, name: flags.name, say }));
  await plane.detach();
  const name = flags.name === DEFAULT_NAME ? '' : ` --name ${flags.name}`;
  say(`instance ${plane.name} is up after ${elapsed(started)}: ${plane.record.parts.join(', ')}`);
  say(`  eval "$(npm run -s controlplane -- env${name})"    points kubectl at it`);
  say(`  npm run controlplane -- down${name}    ends it`);
}

async function down(flags: { readonly name: string; readonly all?: true }): Promise<void> {
  const all = instances();
  const chosen = flags.all ? all : all.filter(({ name }) => name === flags.name);
  if (chosen.length === 0) say(flags.all ? 'there is no instance' : `there is no instance ${flags.name}`);
  for (const layout of chosen) {
    await end(layout);
    say(`instance ${layout.name} is down`);
  }
}

/** Works on an instance that is still being started, and on what a killed supervisor left, too. */
async function end(layout: Layout): Promise<void> {
  const table = recorded(layout);
  if (table && supervisorRuns(table)) await new SupervisorClient(layout).shutdown();
  else if (table) killRecorded(table);
  removeFolder(layout);
}

function env(flags: { readonly name: string }): void {
  const layout = layoutOf(flags.name);
  if (!attach(layout))
    throw new Error(`instance ${flags.name} is not running: start it with "npm run controlplane -- up --name ${flags.name}"`);
  console.log(`export KUBECONFIG=${quoted(layout.kubeconfig)}`);
  console.log(`export PATH=${quoted(layout.bin)}:"$PATH"`);
}

async function status(flags: { readonly output?: string }): Promise<void> {
  const found = await Promise.all(instances().map(describe));
  if (flags.output === 'json') console.log(JSON.stringify(found, null, 2));
  else if (found.length === 0) console.log(`no instances in ${INSTANCES}`);
  for (const instance of flags.output === 'json' ? [] : found) {
    console.log(`${instance.name}  ${instance.state}  ${instance.url ?? ''}  ${instance.parts.join(', ')}`.trimEnd());
    for (const process of instance.processes) {
      const program = Object.values(instance.programs).find(({ path }) => path === process.command);
      const source = program ? `${program.version} (${program.origin})` : '';
      console.log(`  ${process.name.padEnd(26)} ${process.running ? `pid ${process.pid}` : process.ending}  ${source}`.trimEnd());
    }
  }
}

async function describe(layout: Layout) {
  const record = recordOf(layout);
  const table = recorded(layout);
  const state = await stateOf(layout);
  return {
    name: layout.name,
    state,
    url: record?.url,
    kubeconfig: layout.kubeconfig,
    logs: layout.logs,
    parts: record?.parts ?? [],
    programs: record?.programs ?? {},
    processes: table?.processes ?? [],
  };
}

async function stateOf(layout: Layout): Promise<string> {
  const table = recorded(layout);
  if (!table) return recordOf(layout) ? 'ended, its files were kept; "down" removes them' : 'starting';
  if (!supervisorRuns(table)) return 'its supervisor was killed; "down" ends what is left';
  const plane = attach(layout);
  if (!plane) return 'starting';
  return (await plane.ready()) ? 'ready' : 'API server not ready';
}

/** One word of a POSIX shell, whatever characters the checkout's path has. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
