/** The command line: finds the command that is asked for, loads that one alone, and turns whatever it throws into a sentence and an exit code. */
import http from 'node:http';
import { basename } from 'node:path';
import { Command, CommanderError } from 'commander';
import { Failure } from './failure.ts';
import { programVersion } from './program-version.ts';

/** Every command, in the order of `--help`. Each loads when it is asked for, so that `modelwright version` starts no Kubernetes client. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  package: async () => (await import('./package/package.ts')).packageCommand(),
  push: async () => (await import('./package/push.ts')).pushCommand(),
  pull: async () => (await import('./package/pull.ts')).pullCommand(),
  inspect: async () => (await import('./package/inspect.ts')).inspectCommand(),
  fetch: async () => (await import('./package/fetch.ts')).fetchCommand(),
  pack: async () => (await import('./package/job.ts')).packCommand(),
  verify: async () => (await import('./package/job.ts')).verifyCommand(),
  lint: async () => (await import('./lint/command.ts')).lintCommand(),
  render: async () => (await import('./render.ts')).renderCommand(),
  get: async () => (await import('./get.ts')).getCommand(),
  bench: async () => (await import('./bench/command.ts')).benchCommand(),
  profile: async () => (await import('./profile/profile.ts')).profileCommand(),
  platform: async () => (await import('./platform/platform.ts')).platformCommand(),
  images: async () => (await import('./platform/images.ts')).imagesCommand(),
  'tag-resolution': async () => (await import('./platform/tag-resolution.ts')).tagResolutionCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
  operator: async () => (await import('./operator.ts')).operatorCommand(),
  version: async () => (await import('./version.ts')).versionCommand(),
};

async function program(argv: readonly string[]): Promise<Command> {
  const asPlugin = basename(argv[1] ?? '').startsWith('kubectl-');
  const root = new Command(asPlugin ? 'kubectl modelwright' : 'modelwright')
    .description('Puts trained models on KServe, and measures how to run them.')
    .version(programVersion(), '-V, --version', 'print the version')
    .showHelpAfterError('(add --help for usage)')
    // Else `bench` would take the options of `bench diff` and `bench import` that it has itself.
    .enablePositionalOptions()
    .exitOverride();
  const asked = argv.slice(2).find((argument) => !argument.startsWith('-'));
  const load = asked === undefined ? undefined : commands[asked];
  for (const command of load === undefined ? Object.values(commands) : [load]) root.addCommand(inherit(await command(), root));
  return root;
}

/** commander passes its settings on only to commands made by `.command()`. */
function inherit(command: Command, from: Command): Command {
  command.copyInheritedSettings(from);
  for (const child of command.commands) inherit(child, command);
  return command;
}

/** Exit code of a command line that makes no sense: nothing was done. 1 is for what was tried and failed, or found wrong. */
const wrongUsage = 2;

/** What a thrown value means for the caller: a sentence on stderr, unless it was said already, and the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : wrongUsage;
  const message = error instanceof Error ? error.message : String(error);
  // The API server's own words already say whose error it is, as kubectl prints them.
  process.stderr.write(/^(Error from server|The connection to the server)/.test(message) ? `${message}\n` : `error: ${message}\n`);
  return error instanceof Failure ? error.exitCode : 1;
}

// `modelwright get | head` closes our output early: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`error: stdout could not be written: ${error.message}\n`);
  process.exitCode ||= 1;
});

// What Node's own fetch asks for, packages on the web and tokens of Azure, goes the way of HTTPS_PROXY and NO_PROXY as well (Node 24.14 and newer).
if (['http_proxy', 'https_proxy'].some((name) => process.env[name] || process.env[name.toUpperCase()])) http.setGlobalProxyFromEnv?.();

try {
  const root = await program(process.argv);
  if (process.argv.length <= 2) root.outputHelp();
  else await root.parseAsync(process.argv);
} catch (error) {
  process.exitCode = report(error);
}
