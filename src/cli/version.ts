import { Command } from 'commander';
import { parseFormat, printJson, printYaml } from './output.ts';
import { programVersion } from './program-version.ts';

export function versionCommand(): Command {
  return new Command('version')
    .description('Print the version of this program')
    .option('-o, --output <format>', 'json or yaml')
    .action(({ output }: { output?: string }) => {
      const value = { modelwright: programVersion(), node: process.version };
      switch (parseFormat(output, ['json', 'yaml'])) {
        case 'json':
          return void process.stdout.write(printJson(value));
        case 'yaml':
          return void process.stdout.write(printYaml(value));
        default:
          return void process.stdout.write(`modelwright ${value.modelwright} (Node.js ${value.node})\n`);
      }
    });
}
