import { isMap } from './view.ts';

/** A number of a resource: exact, in billionths, with the notation it is printed in. */
export interface Quantity {
  readonly nanos: bigint;
  readonly format: 'DecimalSI' | 'BinarySI' | 'DecimalExponent';
}

const billion = 1_000_000_000n;
const decimalSuffixes: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const decimalNames = new Map(Object.entries(decimalSuffixes).map(([name, power]) => [power, name]));
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const pattern = /^([+-]?)(\d*)(?:\.(\d*))?([eE][+-]?\d{1,3}|[KMGTPE]i|[numkMGTPE])?$/;

/**
 * Reads a quantity; digits below a billionth are rounded up. Undefined when the text is none.
 * @see k8s.io/apimachinery/pkg/api/resource/quantity.go, ParseQuantity
 */
export function parseQuantity(value: unknown): Quantity | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') return undefined;
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [, sign = '', whole = '', fraction = '', suffix = ''] = match;
  if (whole === '' && fraction === '') return undefined;
  let numerator = BigInt(`${whole}${fraction}` || '0') * billion;
  let denominator = 10n ** BigInt(fraction.length);
  let format: Quantity['format'] = 'DecimalSI';
  const binary = binarySuffixes.indexOf(suffix);
  if (suffix.endsWith('i') && binary > 0) {
    format = 'BinarySI';
    numerator *= 1024n ** BigInt(binary);
  } else if (/^[eE][+-]?\d/.test(suffix)) {
    format = 'DecimalExponent';
    const power = Number(suffix.slice(1));
    if (power >= 0) numerator *= 10n ** BigInt(power);
    else denominator *= 10n ** BigInt(-power);
  } else {
    const power = decimalSuffixes[suffix] ?? 0;
    if (power >= 0) numerator *= 10n ** BigInt(power);
    else denominator *= 10n ** BigInt(-power);
  }
  let nanos = numerator / denominator;
  if (numerator % denominator !== 0n) nanos += 1n;
  return { nanos: sign === '-' ? -nanos : nanos, format };
}

/** A whole number in decimal notation. */
export function wholeQuantity(value: number): Quantity {
  return { nanos: BigInt(value) * billion, format: 'DecimalSI' };
}

/** The canonical text: the largest suffix that leaves no fraction. @see Quantity.CanonicalizeBytes */
export function formatQuantity({ nanos, format }: Quantity): string {
  const whole = nanos % billion === 0n;
  const small = nanos > -1024n * billion && nanos < 1024n * billion;
  if (format === 'BinarySI' && whole && !small) {
    let value = nanos / billion;
    let power = 0;
    while (power < 6 && value % 1024n === 0n) {
      value /= 1024n;
      power += 1;
    }
    return `${value}${binarySuffixes[power] ?? ''}`;
  }
  if (nanos === 0n) return '0';
  let value = nanos;
  let power = -9;
  while (power < 18 && value % 1000n === 0n) {
    value /= 1000n;
    power += 3;
  }
  if (format === 'DecimalExponent') return power === 0 ? `${value}` : `${value}e${power}`;
  return `${value}${decimalNames.get(power) ?? ''}`;
}

export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { nanos: a.nanos + b.nanos, format: a.nanos === 0n ? b.format : a.format };
}

export function subtractQuantities(a: Quantity, b: Quantity): Quantity {
  return { nanos: a.nanos - b.nanos, format: a.nanos === 0n ? b.format : a.format };
}

/** Quantities by resource name. */
export type ResourceList = Readonly<Record<string, Quantity>>;

/** Reads a `ResourceList` field; values that are no quantities are left out. */
export function resourceListOf(value: unknown): Record<string, Quantity> {
  const list: Record<string, Quantity> = {};
  if (!isMap(value)) return list;
  for (const [name, text] of Object.entries(value)) {
    const quantity = parseQuantity(text);
    if (quantity) list[name] = quantity;
  }
  return list;
}

export function formatResourceList(list: ResourceList): Record<string, string> {
  return Object.fromEntries(
    Object.entries(list).map(([name, quantity]) => [name, formatQuantity(quantity)]),
  );
}

/** Adds `more` to `list` in place. */
export function addInto(list: Record<string, Quantity>, more: ResourceList): void {
  for (const [name, quantity] of Object.entries(more)) {
    const old = list[name];
    list[name] = old ? addQuantities(old, quantity) : quantity;
  }
}

/** Raises the entries of `list` to at least those of `other`, in place. */
export function maxInto(list: Record<string, Quantity>, other: ResourceList): void {
  for (const [name, quantity] of Object.entries(other)) {
    const old = list[name];
    if (!old || quantity.nanos > old.nanos) list[name] = quantity;
  }
}
