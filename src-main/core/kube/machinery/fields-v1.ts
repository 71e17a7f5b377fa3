/**
 * A set of field paths as `fieldsV1` writes it: keys are path elements (`f:name`, `k:{"name":"a"}`, `v:"x"`, `.`).
 * A node without keys is a member; one with keys is a member when `.` is among them. Sets are immutable.
 *
 * @see sigs.k8s.io/structured-merge-diff/v6/fieldpath
 */
export interface FieldSet {
  readonly [pathElement: string]: FieldSet;
}

export type MutableFieldSet = Record<string, FieldSet>;

export const memberNode: FieldSet = {};

/** Managed fields that cannot be read. */
export class FieldSetError extends Error {
  override readonly name = 'FieldSetError';
}

/** A set as clients send it: elements of kinds nobody knows are left out. @throws FieldSetError */
export function parseFieldSet(raw: unknown): FieldSet {
  const out: MutableFieldSet = {};
  if (typeof raw !== 'object' || raw === null) throw new FieldSetError('error decoding set');
  for (const [element, below] of Object.entries(raw)) {
    if (element === '.') out[element] = memberNode;
    else if (element.length < 2) throw new FieldSetError('key must be 2 characters long:');
    else if (element[1] !== ':') throw new FieldSetError(`missing colon: ${element}`);
    else if (/^[fi]/.test(element)) out[element] = parseFieldSet(below);
    else if (/^[kv]/.test(element)) {
      if (!isJson(element.slice(2))) throw new FieldSetError(`error decoding ${element}`);
      out[element] = parseFieldSet(below);
    }
  }
  return out;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export function isEmptySet(set: FieldSet | undefined): boolean {
  if (set) for (const _ in set) return false;
  return true;
}

/** Whether the node itself is in the set (not only something below it). */
export function isMember(node: FieldSet): boolean {
  return node['.'] !== undefined || isEmptySet(node);
}

/** Union of two sets; undefined is the empty set. At the root an empty object is the empty set. */
export function unionSets(a: FieldSet | undefined, b: FieldSet | undefined): FieldSet {
  if (!a || isEmptySet(a)) return b ?? {};
  if (!b || isEmptySet(b)) return a;
  return unionNodes(a, b);
}

function unionNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  const out: MutableFieldSet = { ...a };
  if (isMember(a) || isMember(b)) out['.'] = memberNode;
  for (const key in b) {
    const mine = out[key];
    out[key] = mine ? unionNodes(mine, b[key] as FieldSet) : (b[key] as FieldSet);
  }
  return onlyDot(out) ? memberNode : out;
}

function onlyDot(node: FieldSet): boolean {
  if (node['.'] === undefined) return false;
  for (const key in node) if (key !== '.') return false;
  return true;
}

/** Members of `a` that are not members of `b`. */
export function subtractSet(a: FieldSet, b: FieldSet | undefined): FieldSet {
  if (!b) return a;
  const out: MutableFieldSet = {};
  for (const key in a) {
    const node = a[key] as FieldSet;
    const other = b[key];
    const left = other ? subtractNode(node, other) : node;
    if (left) out[key] = left;
  }
  return out;
}

function subtractNode(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const member = isMember(a) && !isMember(b);
  const out: MutableFieldSet = {};
  let children = false;
  for (const key in a) {
    if (key === '.') continue;
    const node = a[key] as FieldSet;
    const other = b[key];
    const left = other ? subtractNode(node, other) : node;
    if (left) {
      out[key] = left;
      children = true;
    }
  }
  if (!children) return member ? memberNode : undefined;
  if (member) out['.'] = memberNode;
  return out;
}

/** Members of `a` that are neither members of `b` nor below one. */
export function subtractRecursively(a: FieldSet, b: FieldSet): FieldSet {
  const out: MutableFieldSet = {};
  for (const key in a) {
    const node = a[key] as FieldSet;
    const other = b[key];
    if (!other) out[key] = node;
    else if (!isMember(other)) {
      const left = subtractRecursively(node, other);
      if (!isEmptySet(left)) out[key] = left;
    }
  }
  return out;
}

/** Members of both. */
export function intersectSets(a: FieldSet, b: FieldSet): FieldSet {
  const out: MutableFieldSet = {};
  for (const key in a) {
    if (key === '.') continue;
    const other = b[key];
    if (!other) continue;
    const both = intersectNode(a[key] as FieldSet, other);
    if (both) out[key] = both;
  }
  return out;
}

function intersectNode(a: FieldSet, b: FieldSet): FieldSet | undefined {
  const member = isMember(a) && isMember(b);
  const below = intersectSets(a, b);
  if (isEmptySet(below)) return member ? memberNode : undefined;
  return member ? { ...below, '.': memberNode } : below;
}

export function equalSets(a: FieldSet, b: FieldSet): boolean {
  if (a === b) return true;
  let size = 0;
  for (const key in a) {
    size += 1;
    const other = b[key];
    if (!other || !equalSets(a[key] as FieldSet, other)) return false;
  }
  return size === Object.keys(b).length;
}

/**
 * The paths of a set's members as messages list them: `.spec.containers[name="c"].image`; of each level what is
 * itself a member comes before what is below.
 */
export function pathsOf(set: FieldSet, prefix = ''): string[] {
  const elements = Object.keys(set)
    .filter((key) => key !== '.')
    .sort();
  const nodeOf = (key: string): FieldSet => set[key] as FieldSet;
  return [
    ...elements.filter((key) => isMember(nodeOf(key))).map((key) => prefix + printElement(key)),
    ...elements.flatMap((key) => pathsOf(nodeOf(key), prefix + printElement(key))),
  ];
}

function printElement(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith('f:')) return `.${rest}`;
  if (element.startsWith('v:')) return `[=${rest}]`;
  if (element.startsWith('i:')) return `[${rest}]`;
  const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>);
  return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
}
