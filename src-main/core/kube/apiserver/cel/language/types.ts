/** Types of CEL, and how they fit each other. @see cel-go/checker/types.go */

export type TypeKind =
  'dyn' | 'error' | 'null' | 'scalar' | 'list' | 'map' | 'type' | 'opaque' | 'struct' | 'param';

export interface CelType {
  readonly kind: TypeKind;
  readonly name: string;
  readonly params: readonly CelType[];
  /** The type as messages print it; types are equal whose texts and kinds are. */
  readonly text: string;
}

function makeType(kind: TypeKind, name: string, params: readonly CelType[] = []): CelType {
  const text =
    params.length === 0 ? name : `${name}(${params.map((param) => param.text).join(', ')})`;
  return { kind, name, params, text };
}

export const dynType = makeType('dyn', 'dyn');
export const errorType = makeType('error', '!error!');
export const nullType = makeType('null', 'null');
export const boolType = makeType('scalar', 'bool');
export const intType = makeType('scalar', 'int');
export const uintType = makeType('scalar', 'uint');
export const doubleType = makeType('scalar', 'double');
export const stringType = makeType('scalar', 'string');
export const bytesType = makeType('scalar', 'bytes');
export const durationType = makeType('scalar', 'duration');
export const timestampType = makeType('scalar', 'timestamp');

export const listType = (item: CelType): CelType => makeType('list', 'list', [item]);
export const mapType = (key: CelType, value: CelType): CelType =>
  makeType('map', 'map', [key, value]);
export const optionalType = (value: CelType): CelType =>
  makeType('opaque', 'optional_type', [value]);
export const typeType = (of?: CelType): CelType => makeType('type', 'type', of ? [of] : []);
export const structType = (name: string): CelType => makeType('struct', name);
export const paramType = (name: string): CelType => makeType('param', name);

/** Of no known type, as dyn is; only its name is another. */
const anyType = makeType('dyn', 'any');
const simple: Readonly<Record<string, CelType>> = {
  dyn: dynType,
  any: anyType,
  null: nullType,
  bool: boolType,
  int: intType,
  uint: uintType,
  double: doubleType,
  string: stringType,
  bytes: bytesType,
  duration: durationType,
  timestamp: timestampType,
};
const opaque: ReadonlySet<string> = new Set(['net.IP', 'net.CIDR']);

/** Reads a type as it is printed: `map(string, list(A))`. Single capitals are parameters. */
export function parseType(text: string): CelType {
  const open = text.indexOf('(');
  if (open < 0) {
    const known = simple[text];
    if (known) return known;
    if (text === 'type') return typeType();
    if (/^[A-Z]$/.test(text)) return paramType(text);
    return opaque.has(text) ? makeType('opaque', text) : structType(text);
  }
  const params = splitTypes(text.slice(open + 1, -1)).map(parseType);
  const name = text.slice(0, open);
  const kind = name === 'list' || name === 'map' || name === 'type' ? name : 'opaque';
  return makeType(kind, name, params);
}

function splitTypes(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')') depth--;
    else if (text[i] === ',' && depth === 0) {
      parts.push(text.slice(from, i).trim());
      from = i + 1;
    }
  }
  return [...parts, text.slice(from).trim()];
}

/** What type variables stand for. */
export type Bindings = ReadonlyMap<string, CelType>;

const isDynOrError = (type: CelType): boolean => type.kind === 'dyn' || type.kind === 'error';
const isSame = (a: CelType, b: CelType): boolean => a.kind === b.kind && a.text === b.text;

export const isOptional = (type: CelType): boolean =>
  type.kind === 'opaque' && type.name === 'optional_type';

/** What an optional type holds; another type itself. */
export const unwrapOptional = (type: CelType): CelType =>
  isOptional(type) ? (type.params[0] ?? dynType) : type;

/** Replaces bound variables; unbound ones become dyn if asked for. */
export function substitute(bindings: Bindings, type: CelType, unboundToDyn: boolean): CelType {
  const bound = bindings.get(type.text);
  if (bound) return substitute(bindings, bound, unboundToDyn);
  if (type.kind === 'param') return unboundToDyn ? dynType : type;
  if (type.params.length === 0) return type;
  return makeType(
    type.kind,
    type.name,
    type.params.map((param) => substitute(bindings, param, unboundToDyn)),
  );
}

/** Whether the first type goes where the second is wanted. @returns the bindings that makes; else undefined. */
export function assignable(bindings: Bindings, from: CelType, to: CelType): Bindings | undefined {
  return assignableAll(bindings, [from], [to]);
}

export function assignableAll(
  bindings: Bindings,
  from: readonly CelType[],
  to: readonly CelType[],
): Bindings | undefined {
  const draft = new Map(bindings);
  return fitsAll(draft, from, to) ? draft : undefined;
}

function fitsAll(
  draft: Map<string, CelType>,
  from: readonly CelType[],
  to: readonly CelType[],
): boolean {
  return (
    from.length === to.length && from.every((type, i) => fits(draft, type, to[i] ?? errorType))
  );
}

function fits(draft: Map<string, CelType>, from: CelType, to: CelType): boolean {
  if (to.kind === 'param') {
    const result = bind(draft, from, to);
    if (result.valid) return true;
    if (result.wasBound) return false;
  }
  if (from.kind === 'param') return bind(draft, to, from).valid;
  if (isDynOrError(from) || isDynOrError(to)) return true;
  if (from.kind === 'null') return isNullable(to);
  if (to.kind === 'null') return isNullable(from);
  switch (from.kind) {
    case 'type':
      return to.kind === 'type';
    case 'opaque':
    case 'list':
    case 'map':
      return (
        from.kind === to.kind && from.name === to.name && fitsAll(draft, from.params, to.params)
      );
    default:
      return isSame(from, to);
  }
}

const isNullable = (type: CelType): boolean =>
  type.kind === 'null' ||
  type.kind === 'opaque' ||
  type.kind === 'struct' ||
  type.text === 'duration' ||
  type.text === 'timestamp';

function bind(
  draft: Map<string, CelType>,
  type: CelType,
  variable: CelType,
): { valid: boolean; wasBound: boolean } {
  if (isSame(type, variable)) return { valid: true, wasBound: true };
  const bound = draft.get(variable.text);
  if (!bound) {
    if (occursIn(draft, variable, type)) return { valid: false, wasBound: false };
    draft.set(variable.text, type);
    return { valid: true, wasBound: false };
  }
  if (isSame(type, bound)) return { valid: true, wasBound: true };
  if (!fits(draft, type, bound)) return { valid: false, wasBound: true };
  const wider = mostGeneral(type, bound);
  if (!occursIn(draft, variable, wider)) draft.set(variable.text, wider);
  return { valid: true, wasBound: true };
}

function occursIn(bindings: Bindings, variable: CelType, type: CelType): boolean {
  if (isSame(variable, type)) return true;
  if (type.kind === 'param') {
    const bound = bindings.get(type.text);
    return bound !== undefined && occursIn(bindings, variable, bound);
  }
  return type.params.some((param) => occursIn(bindings, variable, param));
}

/** The more general of two types that fit each other. */
export const mostGeneral = (a: CelType, b: CelType): CelType => (isLessSpecific(a, b) ? a : b);

function isLessSpecific(a: CelType, b: CelType): boolean {
  if (a.kind === 'dyn' || a.kind === 'param') return true;
  if (b.kind === 'dyn' || b.kind === 'param') return false;
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'opaque':
    case 'list':
    case 'map':
      return (
        a.name === b.name &&
        a.params.length === b.params.length &&
        a.params.every((param, i) => isLessSpecific(param, b.params[i] ?? errorType))
      );
    case 'type':
      return true;
    default:
      return isSame(a, b);
  }
}

/** Whether two types are the same but for dyn and variables. */
export function isEquivalent(a: CelType, b: CelType): boolean {
  return (
    a.kind === b.kind &&
    a.name === b.name &&
    a.params.length === b.params.length &&
    a.params.every((param, i) => isEquivalent(param, b.params[i] ?? errorType))
  );
}
