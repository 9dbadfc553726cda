import { redactUri } from '../models/redact.ts';

const uris = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>`]+/gi;
const assignments =
  /\b(sig|AccountKey|SharedAccessKey|SharedAccessSignature|password|passwd|secret|token|access_token|api[-_]?key)(["']?\s*[=:]\s*["']?)[^\s"'&;,]+/gi;
const bearer = /\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{8,}/g;

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
    .replace(bearer, '$1 REDACTED');
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
