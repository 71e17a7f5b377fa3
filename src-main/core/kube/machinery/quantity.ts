/** A quantity that cannot be read; the message is upstream's. */
export class QuantityError extends Error {
  override readonly name = 'QuantityError';
}

const pattern =
  /^([+-]?)(\d*)(?:\.(\d*))?(?:(n|u|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)|[eE]([+-]?\d+))?$/;
const formatError =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binaryPowers: Readonly<Record<string, number>> = {
  Ki: 10,
  Mi: 20,
  Gi: 30,
  Ti: 40,
  Pi: 50,
  Ei: 60,
};

/** The suffix family a quantity is printed in. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** An exact amount: `nano` billionths of a unit (finer parts are rounded up, as upstream). */
export interface Quantity {
  readonly nano: bigint;
  readonly format: QuantityFormat;
}

const billion = 1_000_000_000n;

/** Quantities read before: a cluster has few, each in thousands of pods. */
const known = new Map<string, Quantity>();
const mostKnown = 5000;

/**
 * Reads `100m`, `1.5Gi`, `1e3`.
 * @throws QuantityError
 * @see k8s.io/apimachinery/pkg/api/resource/quantity.go
 */
export function parseQuantity(text: string): Quantity {
  const before = known.get(text);
  if (before) return before;
  const quantity = readQuantity(text);
  if (known.size < mostKnown) known.set(text, quantity);
  return quantity;
}

function readQuantity(text: string): Quantity {
  const match = pattern.exec(text);
  if (!match || (match[2] === '' && !match[3])) throw new QuantityError(formatError);
  const [, sign, whole = '', fraction = '', suffix, exponent] = match;
  let numerator = BigInt(`${whole}${fraction}` || '0');
  let scale = -fraction.length + 9;
  let format: QuantityFormat = 'DecimalSI';
  if (suffix !== undefined && suffix in binaryPowers) {
    numerator <<= BigInt(binaryPowers[suffix] ?? 0);
    format = 'BinarySI';
  } else if (suffix !== undefined) scale += decimalExponents[suffix] ?? 0;
  else if (exponent !== undefined) {
    scale += Number(exponent);
    format = 'DecimalExponent';
  }
  let nano: bigint;
  if (scale >= 0) nano = numerator * 10n ** BigInt(scale);
  else {
    const divisor = 10n ** BigInt(-scale);
    nano = (numerator + divisor - 1n) / divisor;
  }
  return { nano: sign === '-' ? -nano : nano, format };
}

/** The canonical text: no loss, the largest suffix that leaves an integer. */
export function formatQuantity({ nano, format }: Quantity): string {
  if (nano === 0n) return '0';
  const negative = nano < 0n;
  const amount = negative ? -nano : nano;
  const sign = negative ? '-' : '';
  if (format === 'BinarySI' && amount % billion === 0n && amount / billion >= 1024n) {
    let value = amount / billion;
    let suffix = '';
    for (const unit of Object.keys(binaryPowers)) {
      if (value % 1024n !== 0n) break;
      value /= 1024n;
      suffix = unit;
    }
    return `${sign}${value}${suffix}`;
  }
  let value = amount;
  let exponent = -9;
  while (value % 1000n === 0n && exponent < 18) {
    value /= 1000n;
    exponent += 3;
  }
  if (format === 'DecimalExponent') return `${sign}${value}${exponent === 0 ? '' : `e${exponent}`}`;
  const suffix =
    Object.entries(decimalExponents).find(([, power]) => power === exponent)?.[0] ?? '';
  return `${sign}${value}${suffix}`;
}

/** The canonical form of a quantity's text or number. @throws QuantityError */
export function canonicalQuantity(value: string | number): string {
  return formatQuantity(parseQuantity(String(value)));
}
