/** Kubernetes quantities (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/), read exactly. */

/** No sign, and an exponent of at most two digits: nothing that a resource needs is lost, and reading stays cheap. */
export const quantityPattern = '^([0-9]+(\\.[0-9]*)?|\\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]{1,2})?$';

const parts = /^([0-9]*)(?:\.([0-9]*))?([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]{1,2})?$/;

const decimalExponents: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binaryExponents: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };

/** Kubernetes rounds up to a billionth. */
const smallestExponent = 9;

/** The value in billionths, or undefined when `text` is no quantity that the schema accepts. */
export function parseQuantity(text: string | number): bigint | undefined {
  const written = String(text);
  const match = new RegExp(quantityPattern).test(written) ? parts.exec(written) : null;
  if (match === null) return undefined;
  const [, whole = '', fraction = '', suffix = ''] = match;

  const binary = 1n << (binaryExponents[suffix] ?? 0n);
  const exponent = decimalExponents[suffix] ?? (/^[eE][-+0-9]/.test(suffix) ? Number(suffix.slice(1)) : 0);
  const digits = BigInt(`${whole}${fraction}` || '0') * binary;
  const scale = exponent - fraction.length + smallestExponent;
  return scale >= 0 ? digits * 10n ** BigInt(scale) : ceilingOf(digits, 10n ** BigInt(-scale));
}

function ceilingOf(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
