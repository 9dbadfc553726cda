/**
 * Whether a host is one of those that are allowed: `example.com` (on the usual port), `example.com:8443`, or `*.example.com` for every host
 * below it. The list's own spelling is checked where it is declared.
 *
 * @param allowed an empty list allows none.
 */
export function hostMatcher(allowed: readonly string[]): (host: string) => boolean {
  return (host) => {
    const name = host.toLowerCase();
    return allowed.some((pattern) =>
      pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) && name.length > pattern.length - 1 : name === pattern,
    );
  };
}
