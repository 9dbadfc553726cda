/** YAML as the generated files are written: stable across runs, no anchors, no folded lines. */
import { dump } from 'js-yaml';

export function toYaml(value: object): string {
  return dump(value, { lineWidth: -1, noRefs: true });
}
