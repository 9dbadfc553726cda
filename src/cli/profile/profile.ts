import { Command } from 'commander';
import { importCommand } from '../bench/import.ts';
import { cancelCommand } from './cancel.ts';
import { diffCommand } from './diff.ts';
import { exportCommand } from './export.ts';
import { runCommand } from './run.ts';
import { showCommand } from './show.ts';
import { watchCommand } from './watch.ts';

/** `modelwright profile`: everything a person does with a ModelProfile. */
export function profileCommand(): Command {
  const command = new Command('profile').description('Measure a served model in the cluster, and read, compare and export what was found');
  for (const make of [runCommand, showCommand, watchCommand, cancelCommand, diffCommand, exportCommand, importCommand])
    command.addCommand(make());
  return command;
}
