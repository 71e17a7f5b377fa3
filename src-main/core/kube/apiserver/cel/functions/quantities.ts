import {
  addQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  subtractQuantities,
  wholeQuantity,
} from '../../fields/index.ts';
import type { Implementations } from '../language/interpreter.ts';
import { Failure, LibraryValue } from '../language/values.ts';
import { ordered } from './ordered.ts';

class CelQuantity extends LibraryValue {
  readonly typeName = 'kubernetes.Quantity';
  readonly quantity: Quantity;

  constructor(quantity: Quantity) {
    super();
    this.quantity = quantity;
  }

  equals(other: LibraryValue): boolean {
    return other instanceof CelQuantity && compareQuantities(this, other) === 0;
  }
}

const unit = 1_000_000_000n;

const sign = (value: bigint): number => (value < 0n ? -1 : value > 0n ? 1 : 0);
const compareQuantities = (a: CelQuantity, b: CelQuantity): number =>
  sign(a.quantity.nanos - b.quantity.nanos);

/** `quantity('1Gi')`. @see k8s.io/apiserver/pkg/cel/library/quantity.go */
export const quantities: Implementations = {
  string_to_quantity: (text: string) => {
    const quantity = parseQuantity(text);
    return quantity
      ? new CelQuantity(quantity)
      : new Failure(
          "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        );
  },
  is_quantity_string: (text: string) => parseQuantity(text) !== undefined,
  ...ordered('quantity', compareQuantities),
  quantity_sign: ({ quantity }: CelQuantity) => BigInt(sign(quantity.nanos)),
  quantity_add: (a: CelQuantity, b: CelQuantity) =>
    new CelQuantity(addQuantities(a.quantity, b.quantity)),
  quantity_sub: (a: CelQuantity, b: CelQuantity) =>
    new CelQuantity(subtractQuantities(a.quantity, b.quantity)),
  quantity_add_int: (a: CelQuantity, b: bigint) =>
    new CelQuantity(addQuantities(a.quantity, wholeQuantity(Number(b)))),
  quantity_sub_int: (a: CelQuantity, b: bigint) =>
    new CelQuantity(subtractQuantities(a.quantity, wholeQuantity(Number(b)))),
  quantity_is_integer: ({ quantity }: CelQuantity) => quantity.nanos % unit === 0n,
  quantity_get_int: ({ quantity }: CelQuantity) =>
    quantity.nanos % unit === 0n
      ? quantity.nanos / unit
      : new Failure('cannot convert value to integer'),
  quantity_get_float: ({ quantity }: CelQuantity) => Number(quantity.nanos) / 1e9,
  quantity_to_string: ({ quantity }: CelQuantity) => formatQuantity(quantity),
};
