/** What can be said of a `storageUri` without knowing which KServe will read it. */
import type { Rule } from '../../rule.ts';
import type { ModelDeployment } from '../index.ts';
import { storageSchemes } from '../source.ts';

const schemePattern = `^(${storageSchemes.join('|')})://[^/]`;

/** White space and control characters of ASCII and Unicode, the byte order mark and the invisible marks; in RE2's and JavaScript's spelling. */
const blankRanges = ['00-20', '7f-a0', '1680', '2000-200f', '2028-202f', '205f', '3000', 'feff'];
const blanksInRE2 = `[${blankRanges.map((range) => range.replaceAll(/[0-9a-f]+/g, (code) => `\\x{${code}}`)).join('')}]`;
const blanks = new RegExp(`[${blankRanges.map((range) => range.replaceAll(/[0-9a-f]+/g, (code) => `\\u{${code}}`)).join('')}]`, 'u');

const signatureInQuery = '[?&](sig|signature|token|access_token|x-amz-signature|x-amz-security-token|x-goog-signature)=';
const userInfo = '^[a-zA-Z]+://[^/?#]*@';

const fieldPath = '.spec.source.storageUri';

export const sourceRules: readonly Rule<ModelDeployment>[] = [
  {
    id: 'storage-uri-blank',
    scope: 'spec',
    fieldPath,
    message:
      'spec.source.storageUri must not contain blanks or control characters; remove them, also at the beginning and the end (a blank inside is %20)',
    cel: `!self.source.storageUri.matches(r'${blanksInRE2}')`,
    holds: ({ spec }) => !blanks.test(spec.source.storageUri),
  },
  {
    id: 'storage-uri-scheme',
    scope: 'spec',
    fieldPath,
    message: `spec.source.storageUri must begin with one of ${storageSchemes.map((scheme) => `${scheme}://`).join(', ')}, in lower case, and name what follows it`,
    cel: `self.source.storageUri.trim().matches('${schemePattern}')`,
    holds: ({ spec }) => new RegExp(schemePattern).test(spec.source.storageUri.trim()),
  },
  {
    id: 'storage-uri-credentials',
    scope: 'spec',
    fieldPath,
    message:
      'spec.source.storageUri must not carry a signature, token or password: everyone who may read the object would see it; put it in a Secret of the service account instead',
    cel: `!self.source.storageUri.matches('(?i)${signatureInQuery}') && !self.source.storageUri.trim().matches('${userInfo}')`,
    holds: ({ spec }) =>
      !new RegExp(signatureInQuery, 'i').test(spec.source.storageUri) && !new RegExp(userInfo).test(spec.source.storageUri.trim()),
  },
];
