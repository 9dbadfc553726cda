/**
 * YAML scalars as kubectl reads them: `yes` and `y` are booleans, `0777` is octal, `1_000` a number, `12:30` text. Between YAML 1.1 and 1.2
 * (sigs.k8s.io/yaml, on go-yaml 2); what lint takes for text must not be a number to the API server.
 */
import { boolYaml11Tag, CORE_SCHEMA, defineScalarTag, mergeTag, NOT_RESOLVED } from 'js-yaml';

const digits = [...'0123456789'];

const integerTag = defineScalarTag<number>('tag:yaml.org,2002:int', {
  implicit: true,
  implicitFirstChars: ['-', '+', ...digits],
  resolve: (source) => {
    const [, sign = '', text = ''] = /^([-+]?)(.*)$/s.exec(source.replaceAll('_', '')) ?? [];
    if (/^(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0|[1-9][0-9]*)$/.test(text)) return signed(sign, Number(text));
    return /^0[0-7]+$/.test(text) ? signed(sign, Number.parseInt(text, 8)) : NOT_RESOLVED;
  },
  identify: () => false,
});

const floatTag = defineScalarTag<number>('tag:yaml.org,2002:float', {
  implicit: true,
  implicitFirstChars: ['-', '+', '.', ...digits],
  resolve: (source) => {
    const text = source.replaceAll('_', '');
    return /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/.test(text) ? Number(text) : NOT_RESOLVED;
  },
  identify: () => false,
});

export const kubectlYaml = CORE_SCHEMA.withTags(boolYaml11Tag, integerTag, floatTag, mergeTag);

function signed(sign: string, value: number): number {
  return sign === '-' ? -value : value;
}
