/** What the API server accepts in a ModelProfile and the operator refuses or a reader would ask about. */
import type { ModelProfile } from '../../api/model-profile/index.ts';
import { calendarOf } from '../../controllers/profile/schedule/calendar.ts';
import type { Finding } from '../../models/finding.ts';

export function profileAdvice({ spec }: ModelProfile): Finding[] {
  const { schedule } = spec;
  if (schedule === undefined) return [];
  const calendar = calendarOf(schedule);
  if (calendar.kind === 'Calendar') return [];
  const [sentence = '', fix = ''] = calendar.message.split('; ');
  const [path = '', ...said] = sentence.split(' ');
  return [
    { code: 'MW-L2110', severity: 'error', path, sentence: `${said.join(' ')}.`, fix: `${fix.charAt(0).toUpperCase()}${fix.slice(1)}.` },
  ];
}
