import {
  canonicalQuantity as canonical,
  parseQuantity,
  QuantityError,
} from '../../machinery/index.ts';

const one = 1_000_000_000n;

/** The value in billionths; `undefined` for what is no quantity. */
export function quantityNanos(text: unknown): bigint | undefined {
  try {
    return parseQuantity(String(text).trim()).nano;
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

/** The canonical text; what is no quantity stays as it is. */
export function canonicalQuantity(text: unknown): string {
  const raw = String(text).trim();
  return quantityNanos(raw) === undefined ? raw : canonical(raw);
}

/** As `Quantity.Cmp`; what cannot be read counts as zero. */
export function compareQuantities(a: unknown, b: unknown): number {
  const left = quantityNanos(a) ?? 0n;
  const right = quantityNanos(b) ?? 0n;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Thousandths, rounded up, as `Quantity.MilliValue`. */
export function milliValue(text: unknown): number {
  const nanos = quantityNanos(text) ?? 0n;
  return Number(nanos >= 0n ? (nanos + 999_999n) / 1_000_000n : nanos / 1_000_000n);
}

/** Whole units, rounded up, as `Quantity.Value`. */
export function wholeValue(text: unknown): number {
  const nanos = quantityNanos(text) ?? 0n;
  return Number(nanos >= 0n ? (nanos + one - 1n) / one : nanos / one);
}
