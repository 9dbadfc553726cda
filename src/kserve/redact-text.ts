import { redactUri } from '../models/redact.ts';

const uris = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>`]+/gi;
/** Names whose values are nobody's business, alone or at the end of a longer one: `token`, `HF_TOKEN`, `azure-client-secret`. */
const assignments =
  /(\bsig|(?:\b|[\w-])(?:AccountKey|SharedAccessKey|SharedAccessSignature|password|passwd|pwd|secret|token|credentials?|(?:access|api|private|account|storage)[-_]?key(?:[-_]?id)?))(["']?\s*[=:]\s*["']?)[^\s"'&;,]+/gi;
const bearer = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/g;

/** What is a credential by its form: JSON web tokens, keys of storage accounts, of AWS, tokens of GitHub, GitLab, Hugging Face and Slack. */
const wellKnown =
  /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\b(?:gh[pousr]_|glpat-|hf_|xox[abprs]-)[\w-]{16,}/g;
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/**
 * Text of a container, an event or a condition that may be shown: signatures, passwords and tokens in it are replaced. KServe's storage
 * initializer prints the whole storageUri, with its SAS, when a download fails.
 */
export function redactText(text: string): string {
  return text
    .replace(uris, (uri) => {
      const end = /[.,;:)\]}]+$/.exec(uri)?.[0] ?? '';
      return redactUri(uri.slice(0, uri.length - end.length)) + end;
    })
    .replace(assignments, '$1$2REDACTED')
    .replace(bearer, '$1 REDACTED')
    .replace(privateKey, 'REDACTED')
    .replace(wellKnown, 'REDACTED');
}

/** The last lines of a text, redacted, without blanks at their ends. */
export function tailOf(text: string, lines = 20): string {
  return redactText(
    text
      .trimEnd()
      .split('\n')
      .slice(-lines)
      .map((line) => line.trimEnd())
      .join('\n'),
  );
}
