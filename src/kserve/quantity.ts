/**
 * Kubernetes quantities in the form that Go programs write them in (apimachinery, resource.Quantity, CanonicalizeBytes): no fraction, and the
 * largest suffix that leaves an integer. KServe's webhook rewrites every quantity so; written in that form from the start, what is
 * applied and what is stored are equal, and there is nothing to apply again.
 */
export function canonicalQuantity(quantity: string | number): string {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$/.exec(String(quantity).trim());
  if (match === null) return String(quantity);
  const [, sign, whole = '', fraction = '', suffix = ''] = match;
  const digits = BigInt(`${whole}${fraction}` || '0');
  const minus = sign === '-' && digits !== 0n ? '-' : '';
  const binary = binarySuffixes.indexOf(suffix);
  if (binary > 0) {
    const scaled = digits * 1024n ** BigInt(binary);
    const unit = 10n ** BigInt(fraction.length);
    // What no binary suffix divides is written as a plain number, and a plain number is read as a decimal one.
    if (scaled % (unit * 1024n) === 0n) return minus + binaryForm(scaled / unit);
    return minus + decimalForm(scaled, -fraction.length, false);
  }
  const exponential = /^[eE]/.test(suffix) && suffix !== 'E';
  const exponent = exponential ? Number(suffix.slice(1)) : (decimalSuffixes.get(suffix) ?? 0);
  return minus + decimalForm(digits, exponent - fraction.length, exponential);
}

const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const decimalSuffixes = new Map([
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
]);
const suffixOf = new Map([...decimalSuffixes].map(([suffix, exponent]) => [exponent, suffix]));

function binaryForm(value: bigint): string {
  let power = 0;
  while (value % 1024n === 0n && value !== 0n && power < binarySuffixes.length - 1) {
    value /= 1024n;
    power += 1;
  }
  return `${value}${binarySuffixes[power]}`;
}

/** `digits` × 10^`exponent`; nothing is finer than nano, and what is, is rounded up. */
function decimalForm(digits: bigint, exponent: number, exponential: boolean): string {
  const smallest = -9;
  let value = exponent >= smallest ? digits * 10n ** BigInt(exponent - smallest) : ceilDivide(digits, 10n ** BigInt(smallest - exponent));
  if (value === 0n) return '0';
  let power = smallest;
  while (value % 1000n === 0n && power < 18) {
    value /= 1000n;
    power += 3;
  }
  return exponential ? `${value}${power === 0 ? '' : `e${power}`}` : `${value}${suffixOf.get(power) ?? ''}`;
}

function ceilDivide(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}
