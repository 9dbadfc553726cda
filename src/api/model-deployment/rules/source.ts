/** What can be said of a source without knowing which KServe will read it, and which repositories there are. */
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

/** The path of a package that is named by its digest, as `modelwright push` prints it. */
const digestPath = '/[0-9a-f]{64}(/|/model[.]zip)?$';
const plainWeb = '^https?://';
/** A path with a part that is empty, `.` or `..`. */
const loosePath = '(^|/)[.]{0,2}(/|$)';

const fieldPath = '.spec.source.storageUri';
const uriOf = ({ spec }: ModelDeployment): string | undefined => spec.source.storageUri;
const ifUri = (condition: string) => `!has(self.source.storageUri) || ${condition}`;
const verifies = '(has(self.source.verify) && self.source.verify)';

export const sourceRules: readonly Rule<ModelDeployment>[] = [
  {
    id: 'source-one',
    scope: 'spec',
    fieldPath: '.spec.source',
    message: 'spec.source must have exactly one of storageUri, volume and archive',
    cel: `(${['storageUri', 'volume', 'archive'].map((field) => `(has(self.source.${field}) ? 1 : 0)`).join(' + ')}) == 1`,
    holds: ({ spec: { source } }) => [source.storageUri, source.volume, source.archive].filter((one) => one !== undefined).length === 1,
  },
  {
    id: 'storage-uri-blank',
    scope: 'spec',
    fieldPath,
    message:
      'spec.source.storageUri must not contain blanks or control characters; remove them, also at the beginning and the end (a blank inside is %20)',
    cel: ifUri(`!self.source.storageUri.matches(r'${blanksInRE2}')`),
    holds: (object) => !blanks.test(uriOf(object) ?? ''),
  },
  {
    id: 'storage-uri-scheme',
    scope: 'spec',
    fieldPath,
    message: `spec.source.storageUri must begin with one of ${storageSchemes.map((scheme) => `${scheme}://`).join(', ')}, in lower case, and name what follows it`,
    cel: ifUri(`self.source.storageUri.trim().matches('${schemePattern}')`),
    holds: (object) => uriOf(object) === undefined || new RegExp(schemePattern).test(uriOf(object)?.trim() ?? ''),
  },
  {
    id: 'storage-uri-credentials',
    scope: 'spec',
    fieldPath,
    message:
      'spec.source.storageUri must not carry a signature, token or password: everyone who may read the object would see it; put it in a Secret of the service account instead',
    cel: ifUri(`(!self.source.storageUri.matches('(?i)${signatureInQuery}') && !self.source.storageUri.trim().matches('${userInfo}'))`),
    holds: (object) =>
      !new RegExp(signatureInQuery, 'i').test(uriOf(object) ?? '') && !new RegExp(userInfo).test(uriOf(object)?.trim() ?? ''),
  },
  {
    id: 'verify-storage-uri',
    scope: 'spec',
    fieldPath: '.spec.source.verify',
    reason: 'Forbidden',
    message:
      'spec.source.verify is not for volumes and archives, and neither is spec.source.sha256: what the operator packages is always checked; remove both',
    cel: `has(self.source.storageUri) || (!has(self.source.verify) && !has(self.source.sha256))`,
    holds: ({ spec: { source } }) => source.storageUri !== undefined || (source.verify === undefined && source.sha256 === undefined),
  },
  {
    id: 'verify-scheme',
    scope: 'spec',
    fieldPath: '.spec.source.verify',
    reason: 'Forbidden',
    message: 'spec.source.verify may be true for http and https URIs only; remove it',
    cel: `!${verifies} || ${ifUri(`self.source.storageUri.matches('${plainWeb}')`)}`,
    holds: ({ spec: { source } }) => source.verify !== true || new RegExp(plainWeb).test(source.storageUri ?? 'https://'),
  },
  {
    id: 'verify-digest',
    scope: 'spec',
    fieldPath: '.spec.source.verify',
    reason: 'Forbidden',
    message:
      'spec.source.verify needs a digest to compare with: set spec.source.sha256, or name the package by its digest in spec.source.storageUri, as modelwright push prints it',
    cel: `!${verifies} || has(self.source.sha256) || ${ifUri(`(!self.source.storageUri.matches('${plainWeb}') || self.source.storageUri.matches('${digestPath}'))`)}`,
    holds: ({ spec: { source } }) =>
      source.verify !== true ||
      source.sha256 !== undefined ||
      source.storageUri === undefined ||
      !new RegExp(plainWeb).test(source.storageUri) ||
      new RegExp(digestPath).test(source.storageUri),
  },
  {
    id: 'digest-unused',
    scope: 'spec',
    fieldPath: '.spec.source.sha256',
    reason: 'Forbidden',
    message: 'spec.source.verify must be true where spec.source.sha256 is given, which nothing else reads; set it, or remove the digest',
    cel: `!has(self.source.sha256) || !has(self.source.storageUri) || ${verifies}`,
    holds: ({ spec: { source } }) => source.sha256 === undefined || source.storageUri === undefined || source.verify === true,
  },
  {
    id: 'volume-path',
    scope: 'spec',
    fieldPath: '.spec.source.volume.path',
    message: 'spec.source.volume.path must be a path inside the volume: no slash around it, and no part that is empty, "." or ".."',
    cel: `!has(self.source.volume) || !has(self.source.volume.path) || !self.source.volume.path.matches('${loosePath}')`,
    holds: ({ spec: { source } }) => source.volume?.path === undefined || !new RegExp(loosePath).test(source.volume.path),
  },
  {
    id: 'archive-credentials',
    scope: 'spec',
    fieldPath: '.spec.source.archive.url',
    message:
      'spec.source.archive.url must not carry a signature, token or password: everyone who may read the object would see it; give an address that needs none',
    cel: `!has(self.source.archive) || (!self.source.archive.url.matches('(?i)${signatureInQuery}') && !self.source.archive.url.matches('${userInfo}'))`,
    holds: ({ spec: { source } }) =>
      source.archive === undefined ||
      (!new RegExp(signatureInQuery, 'i').test(source.archive.url) && !new RegExp(userInfo).test(source.archive.url)),
  },
];
