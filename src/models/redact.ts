/**
 * A URI that may be shown: user information and query values are replaced, since a SAS token or a password lives there.
 * Works on text that is not a valid URI as well, because a mistyped URI carries the same secrets.
 */
export function redactUri(text: string): string {
  return text
    .replace(/^(\s*[a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1REDACTED@')
    .replace(/\?[^#]*/s, (query) => `?${query.slice(1).split('&').map(redactPair).join('&')}`)
    .replace(/#.*$/s, '#REDACTED');
}

function redactPair(pair: string): string {
  const equals = pair.indexOf('=');
  return equals < 0 ? 'REDACTED' : `${pair.slice(0, equals)}=REDACTED`;
}
