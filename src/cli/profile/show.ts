import { Command } from 'commander';
import type { ModelProfile } from '../../api/model-profile/index.ts';
import { shownReport } from '../../controllers/profile/report/shown.ts';
import { withConnection } from '../connection.ts';
import { Failure } from '../failure.ts';
import { printJson, printYaml } from '../output.ts';
import { reportFormats, reportText } from '../report-formats.ts';
import { type NamespaceOptions, presentable, readAnywhere } from './profiles.ts';
import { profileText } from './text.ts';

export const profileFormats = ['table', 'json', 'yaml', ...reportFormats] as const;
export type ProfileFormat = (typeof profileFormats)[number];

/** `modelwright profile show`. */
export function showCommand(): Command {
  const command = new Command('show')
    .description('Results of a ModelProfile: every setting, the best, and what the others broke')
    .argument('<name>', 'ModelProfile, or a file that was exported (.json, .yaml)')
    .option('-n, --namespace <namespace>', 'namespace (default: that of the context)')
    .option('-o, --output <format>', profileFormats.join(', '), 'table')
    .action(async (name: string, options: NamespaceOptions & { readonly output: string }) => {
      const format = profileFormats.find((one) => one === options.output);
      if (format === undefined) throw new Failure(`-o "${options.output}" is not known; it is one of ${profileFormats.join(', ')}`, 2);
      process.stdout.write(rendered(await readAnywhere(name, options), format));
    });
  return withConnection(command);
}

/** A profile in a format; json and yaml are the object itself, the others are made of its results. */
export function rendered(profile: ModelProfile, format: ProfileFormat): string {
  switch (format) {
    case 'table':
      return profileText(profile);
    case 'json':
      return printJson(presentable(profile));
    case 'yaml':
      return printYaml(presentable(profile));
    default:
      return reportText(shownReport(profile), format);
  }
}
