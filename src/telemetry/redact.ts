/** Stands where a secret stood. */
export const redacted = '[redacted]';

/** Names of properties, headers and parameters whose values are secret, whatever they look like. */
const secretName =
  'authorization|proxy-authorization|cookie|set-cookie|passw(?:or)?d|secret|client[-_]?secret|client[-_]?key(?:[-_]?data)?|secret[-_]?key|(?:(?:access|refresh|id|bearer|sas)[-_]?)?token|sas|account[-_]?key|api[-_]?key|access[-_]?key|connection[-_]?string|private[-_]?key|credentials?';

const isSecretName = new RegExp(`^(?:${secretName})$`, 'i');

/** Each finds one form of secret in text, and keeps enough of its surroundings to say what was there. */
const patterns: readonly (readonly [RegExp, string])[] = [
  // PEM, also cut short.
  [/-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g, redacted],
  // JSON within prose: "password":"…", and the same within a JSON string.
  [new RegExp(`("(?:${secretName})"\\s*:\\s*")(?:[^"\\\\]|\\\\.)*`, 'gi'), `$1${redacted}`],
  [new RegExp(`(\\\\"(?:${secretName})\\\\"\\s*:\\s*\\\\")(?:\\\\\\\\\\\\"|(?!\\\\").)*`, 'gi'), `$1${redacted}`],
  // Authorization: Bearer …
  [/\b(Bearer|Basic|SharedKey(?:Lite)?|Negotiate)\s+[A-Za-z0-9+/=._~:-]{6,}/gi, `$1 ${redacted}`],
  // Signatures in a URL's query: an Azure SAS is as good as a key.
  [
    /([?&](?:sig|signature|x-(?:amz|goog)-(?:signature|security-token)|token|access_token|code|key|password|secret)=)[^&\s"'\\#]+/gi,
    `$1${redacted}`,
  ],
  // A SAS without its URL: its parameters come in any order.
  [/\b(sig=)[A-Za-z0-9%+/=_-]{20,}/g, `$1${redacted}`],
  // Azure connection strings.
  [/\b(AccountKey|SharedAccessSignature|SharedAccessKey)=[^;\s"'\\]+/gi, `$1=${redacted}`],
  // JSON Web Tokens: those of service accounts and of OIDC.
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g, redacted],
  // https://user:password@host
  [/([a-z][a-z0-9+.-]*:\/\/[^\s:/@"']*:)[^\s/@"']+(?=@)/gi, `$1${redacted}`],
  // password=… and token: … in prose and command lines.
  [
    new RegExp(`\\b((?:${secretName})\\s?[=:]\\s?)(?!\\[redacted\\]|(?:Bearer|Basic|SharedKey|Negotiate)\\b)[^\\s"'&,;\\\\]+`, 'gi'),
    `$1${redacted}`,
  ],
];

/** `text` without the secrets that it may hold: tokens, signatures, keys and passwords, in JSON, URLs, headers and prose. */
export function redactText(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of patterns) clean = clean.replace(pattern, replacement);
  return clean;
}

/** A copy of a JSON value without secrets: those of telling names, and those within its texts. */
export function redactValue(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value);
  if (Array.isArray(value)) return value.map(redactValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [name, isSecretName.test(name) && isSecretValue(child) ? redacted : redactValue(child)]),
  );
}

/** Numbers and flags under a telling name are no secrets, nor is the absence of one. */
function isSecretValue(value: unknown): boolean {
  return typeof value === 'string' ? value !== '' : typeof value === 'object' && value !== null;
}

/** One line of JSON without secrets, still one line of JSON. */
export function redactLine(line: string): string {
  try {
    return `${JSON.stringify(redactValue(JSON.parse(line)))}\n`;
  } catch {
    return redactText(line);
  }
}
