/** docs/troubleshooting.md: every reason that a condition or event may have, what it means, what to do. */
import { code, prose, table } from '../table.ts';
import { reasonsInSources } from './extract.ts';
import { internal, type Section, sections } from './reasons.ts';

/** Reasons that the sources give and nobody has described; a test wants none. */
export function undescribed(): [reason: string, files: readonly string[]][] {
  const described = new Set([...sections.flatMap(({ reasons }) => reasons.map(([reason]) => reason)), ...internal]);
  return [...reasonsInSources()].filter(([reason]) => !described.has(reason));
}

export function troubleshootingPage(): string {
  return `${[
    '# Troubleshooting',
    '<!-- Generated from hack/generate/troubleshooting/reasons.ts by "npm run generate", which finds the reasons in the sources; do not edit. -->',
    'Every object says in its `Ready` condition what holds, in one word for programs and in a sentence for people that names cause and remedy. This page has every such word.',
    '```console\n$ kubectl get modeldeployments -n models\n$ kubectl get modeldeployment iris -n models -o jsonpath=\'{.status.conditions[?(@.type=="Ready")].message}{"\\n"}\'\n$ kubectl describe modeldeployment iris -n models        # conditions, events, lastError with the last lines of the log\n$ modelwright doctor                                     # what is installed, what is missing, what you may do\n```',
    ...sections.map(sectionText),
    ...furtherReasons(),
    '## The operator itself',
    table(
      ['seen', 'cause'],
      [
        [
          'no status at all on any object',
          'The operator does not run, or has no lease: `kubectl -n modelwright-system get pods,lease`; alerts ModelwrightDown and ModelwrightHasNoLeader.',
        ],
        ['`forbidden` in its log', 'Its roles are older than the program: apply the manifests of the same release, or upgrade the chart.'],
        [
          '`The connection … failed`',
          'A NetworkPolicy or proxy between it and the API server: `networkPolicy.apiServerPorts`, `NO_PROXY`.',
        ],
        [
          'an object is refused at apply with `you may not create Pods in this namespace`',
          'An admission policy: [what an author may name](security.md#what-an-author-may-name).',
        ],
        [
          'an object is refused at apply with another sentence',
          'A rule of the API: [ModelDeployment](reference/modeldeployment.md#rules), [ModelProfile](reference/modelprofile.md#rules), [ServingPlatform](reference/servingplatform.md#rules).',
        ],
      ],
    ),
  ].join('\n\n')}\n`;
}

/** What is new is on the page before anybody has found words for it. */
function furtherReasons(): string[] {
  const reasons = undescribed().map(([reason]) => code(reason));
  return reasons.length === 0 ? [] : [`## Further reasons\n\nThe message says what they mean: ${reasons.join(', ')}.`];
}

function sectionText({ title, intro, reasons }: Section): string {
  return `## ${title}\n\n${intro}\n\n${table(
    ['reason', 'what it means', 'what to do'],
    reasons.map(([reason, means, remedy]) => [code(reason), prose(means), prose(remedy)]),
  )}`;
}
