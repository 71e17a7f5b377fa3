/** An unsigned whole number. */
export class Uint {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/** A moment, in nanoseconds since 1970. */
export class Timestamp {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A span of time, in nanoseconds. */
export class Duration {
  readonly nanos: bigint;

  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A value that may be missing. */
export class Optional {
  readonly value: unknown;
  readonly hasValue: boolean;

  private constructor(hasValue: boolean, value: unknown) {
    this.hasValue = hasValue;
    this.value = value;
  }

  static readonly none = new Optional(false, undefined);
  static of(value: unknown): Optional {
    return new Optional(true, value);
  }
}

/** What `type()` returns, and the names of types. */
export class TypeValue {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A value of a type that a library brings; one of a kind has a class of its own. */
export abstract class LibraryValue {
  abstract readonly typeName: string;
  /** Whether two values of the type are the same. */
  abstract equals(other: LibraryValue): boolean;
  /** What its cost is reckoned by; undefined: it has no size. */
  size?(): number;
  /** Of formats: how long the pattern is that they are checked with. */
  readonly patternLength?: number;
}

/** An evaluation failed; failures are values, because `||` and `&&` can make up for them. */
export class Failure {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

export const noSuchOverload = new Failure('no such overload');

/** A map, or an object whose fields are read by name. */
export abstract class CelMap {
  /** Undefined: there is no such key. */
  abstract get(key: unknown): unknown;
  has(key: unknown): boolean {
    return this.get(key) !== undefined;
  }

  abstract readonly size: number;
  abstract keys(): readonly unknown[];

  entries(): (readonly [unknown, unknown])[] {
    return this.keys().map((key) => [key, this.get(key)] as const);
  }
}

/** A map that an expression made; keys that are equal numbers are one key. */
export class LiteralMap extends CelMap {
  readonly #entries: ReadonlyMap<string, readonly [key: unknown, value: unknown]>;

  constructor(entries: Iterable<readonly [unknown, unknown]>) {
    super();
    const own = new Map<string, readonly [unknown, unknown]>();
    for (const [key, value] of entries) own.set(keyText(key) ?? '', [key, value]);
    this.#entries = own;
  }

  get(key: unknown): unknown {
    const text = keyText(key);
    return text === undefined ? undefined : this.#entries.get(text)?.[1];
  }

  get size(): number {
    return this.#entries.size;
  }

  keys(): unknown[] {
    return [...this.#entries.values()].map(([key]) => key);
  }
}

/** An object that an expression made: `Object.spec{replicas: 3}`. */
export class StructValue {
  readonly typeName: string;
  readonly fields: ReadonlyMap<string, unknown>;

  constructor(typeName: string, fields: ReadonlyMap<string, unknown>) {
    this.typeName = typeName;
    this.fields = fields;
  }
}

function keyText(key: unknown): string | undefined {
  switch (typeof key) {
    case 'string':
      return `s${key}`;
    case 'boolean':
      return `b${key}`;
    case 'bigint':
      return `n${key}`;
    case 'number':
      return Number.isInteger(key) ? `n${BigInt(key)}` : undefined;
    default:
      return key instanceof Uint ? `n${key.value}` : undefined;
  }
}

/** Whether a value can be a key of a map. */
export const isKey = (value: unknown): boolean =>
  ['string', 'boolean', 'bigint'].includes(typeof value) || value instanceof Uint;

/** How lists of a schema's kind are compared and joined: as sets, or as maps by the keys of their items. */
export interface ListKind {
  /** Undefined: each item is its own key. */
  readonly keys?: readonly string[];
}

const listKinds = new WeakMap<readonly unknown[], ListKind>();

/** Marks a list as a set or a map. */
export function markList(list: readonly unknown[], kind: ListKind): readonly unknown[] {
  listKinds.set(list, kind);
  return list;
}

/** By what an item is known in a list that is a set or a map. */
function itemKey(kind: ListKind, item: unknown): string {
  if (!kind.keys) return keyText(item) ?? JSON.stringify(item, plainNumbers);
  return kind.keys
    .map((key) => (item instanceof CelMap ? (keyText(item.get(key)) ?? '') : ''))
    .join('\u0000');
}

const plainNumbers = (_key: string, value: unknown): unknown =>
  typeof value === 'bigint' ? String(value) : value;

/** Two lists as one, in the way of the first. */
export function joinLists(a: readonly unknown[], b: readonly unknown[]): readonly unknown[] {
  const kind = listKinds.get(a);
  if (!kind) return [...a, ...b];
  const joined = [...a];
  const places = new Map(a.map((item, i) => [itemKey(kind, item), i]));
  for (const item of b) {
    const key = itemKey(kind, item);
    const place = places.get(key);
    if (place === undefined) {
      places.set(key, joined.length);
      joined.push(item);
    } else if (kind.keys) joined[place] = item;
  }
  return markList(joined, kind);
}

/** The name of a value's type, as `type()` and messages tell it. */
export function typeNameOf(value: unknown): string {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'string':
      return 'string';
    default:
      if (value === null) return 'null_type';
      if (value instanceof Uint) return 'uint';
      if (value instanceof Uint8Array) return 'bytes';
      if (value instanceof Timestamp) return 'google.protobuf.Timestamp';
      if (value instanceof Duration) return 'google.protobuf.Duration';
      if (value instanceof Optional) return 'optional_type';
      if (value instanceof TypeValue) return 'type';
      if (value instanceof LibraryValue || value instanceof StructValue) return value.typeName;
      return Array.isArray(value) ? 'list' : 'map';
  }
}

/** Numbers of any two types by size; undefined: one is no number. */
export function compareNumbers(a: unknown, b: unknown): number | undefined {
  const [x, y] = [a, b].map((each) => (each instanceof Uint ? each.value : each));
  if (!isNumber(x) || !isNumber(y)) return undefined;
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  return x < y ? -1 : x > y ? 1 : 0;
}

const isNumber = (value: unknown): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

/** Whether two values are equal; values of different types are not, but for numbers. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  const numbers = compareNumbers(a, b);
  if (numbers !== undefined) return numbers === 0;
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(a, b);
  if (a instanceof CelMap) return b instanceof CelMap && equalMaps(a, b);
  if (a instanceof Uint8Array)
    return b instanceof Uint8Array && a.length === b.length && a.every((byte, i) => byte === b[i]);
  if (a instanceof Timestamp) return b instanceof Timestamp && a.nanos === b.nanos;
  if (a instanceof Duration) return b instanceof Duration && a.nanos === b.nanos;
  if (a instanceof TypeValue) return b instanceof TypeValue && a.name === b.name;
  if (a instanceof Optional)
    return (
      b instanceof Optional && a.hasValue === b.hasValue && (!a.hasValue || equal(a.value, b.value))
    );
  if (a instanceof LibraryValue)
    return b instanceof LibraryValue && a.typeName === b.typeName && a.equals(b);
  if (a instanceof StructValue)
    return (
      b instanceof StructValue &&
      a.typeName === b.typeName &&
      a.fields.size === b.fields.size &&
      [...a.fields].every(([name, value]) => equal(value, b.fields.get(name)))
    );
  return false;
}

function equalLists(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  const kind = listKinds.get(a);
  if (!kind) return a.every((item, i) => equal(item, b[i]));
  const own = new Map(a.map((item) => [itemKey(kind, item), item]));
  return b.every((item) => {
    const key = itemKey(kind, item);
    return own.has(key) && equal(own.get(key), item);
  });
}

function equalMaps(a: CelMap, b: CelMap): boolean {
  return (
    a.size === b.size &&
    a.entries().every(([key, value]) => {
      const other = b.get(key);
      return other !== undefined && equal(value, other);
    })
  );
}
