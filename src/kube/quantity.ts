/** A `resource.Quantity` as an exact fraction: `numerator / denominator`. */
interface Fraction {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

const powersOf1024 = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const powersOf1000: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };

/** Whether two quantities are the same amount: `1`, `1000m` and `1e0` are. Text that is no quantity equals only itself. */
export function sameQuantity(a: string, b: string): boolean {
  const [first, second] = [parse(a), parse(b)];
  if (first === undefined || second === undefined) return a === b;
  return first.numerator * second.denominator === second.numerator * first.denominator;
}

/** Grammar: k8s.io/apimachinery/pkg/api/resource/quantity.go. */
function parse(text: string): Fraction | undefined {
  const match =
    /^(?<sign>[+-]?)(?<whole>\d*)\.?(?<part>(?<=\.)\d*)?(?:[eE](?<exponent>[+-]?\d{1,3})|(?<suffix>[KMGTPE]i|[numkMGTPE])?)$/.exec(text);
  const { sign = '', whole = '', part = '', exponent, suffix = '' } = match?.groups ?? {};
  if (match === null || whole + part === '') return undefined;
  const digits = BigInt(whole + part) * (sign === '-' ? -1n : 1n);
  const binary = powersOf1024.indexOf(suffix);
  if (binary >= 0) return { numerator: digits * 1024n ** BigInt(binary + 1), denominator: 10n ** BigInt(part.length) };
  const power = (exponent === undefined ? (powersOf1000[suffix] ?? 0) : Number(exponent)) - part.length;
  return power >= 0
    ? { numerator: digits * 10n ** BigInt(power), denominator: 1n }
    : { numerator: digits, denominator: 10n ** BigInt(-power) };
}
