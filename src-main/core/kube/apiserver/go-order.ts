import type { SchemaNode, SchemaSet } from '../apis/index.ts';

type Fields = Record<string, unknown>;

/** What is worked out once for each schema node; undefined for values that have no order of their own. */
interface Plan {
  /** A struct's fields and their places. */
  readonly places?: ReadonlyMap<string, number>;
  readonly children?: readonly (Plan | undefined)[];
  /** Of the items of a list or the values of a map that have fields themselves. */
  below?: Plan | undefined;
  readonly kind: 'struct' | 'map' | 'list';
}

const plans = new WeakMap<SchemaNode, Plan | null>();

function planOf(node: SchemaNode, schemas: SchemaSet): Plan | undefined {
  const target = schemas.resolve(node);
  const known = plans.get(target);
  if (known !== undefined) return known ?? undefined;
  if (target.properties) {
    const entries = Object.entries(target.properties);
    const children: (Plan | undefined)[] = [];
    const places = new Map(entries.map(([name], index) => [name, index]));
    const plan: Plan = { kind: 'struct', places, children };
    // Known before its fields are: a schema may hold itself.
    plans.set(target, plan);
    for (const [, child] of entries) children.push(planOf(child, schemas));
    return plan;
  }
  const inner = target.items ?? target.additionalProperties;
  if (!inner) {
    plans.set(target, null);
    return undefined;
  }
  const plan: Plan = { kind: target.items ? 'list' : 'map' };
  plans.set(target, plan);
  plan.below = planOf(inner, schemas);
  if (plan.kind === 'list' && !plan.below) {
    plans.set(target, null);
    return undefined;
  }
  return plan;
}

/**
 * An object as Go writes it: fields as their type declares them, maps by key. What is in order already is not copied.
 *
 * @param node the schema of a built-in kind; its properties are in the order of the declaration.
 */
export function inGoOrder<T extends object>(value: T, node: SchemaNode, schemas: SchemaSet): T {
  const plan = planOf(node, schemas);
  return plan ? (ordered(value, plan) as T) : value;
}

function ordered(value: unknown, plan: Plan): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return plan.kind === 'list' ? orderedList(value, plan) : value;
  return plan.kind === 'list' ? value : orderedMap(value as Fields, plan);
}

function orderedList(list: readonly unknown[], { below }: Plan): readonly unknown[] {
  if (!below) return list;
  let out: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    const item = ordered(list[index], below);
    if (item === list[index]) continue;
    out ??= [...list];
    out[index] = item;
  }
  return out ?? list;
}

function orderedMap(map: Fields, { places, children, below }: Plan): Fields {
  let isOrdered = true;
  let isSame = true;
  let last = -1;
  let lastKey = '';
  const values: Fields = {};
  for (const key in map) {
    let child = below;
    if (places) {
      const place = places.get(key) ?? places.size;
      if (place < last) isOrdered = false;
      last = place;
      child = children?.[place];
    } else {
      if (key < lastKey) isOrdered = false;
      lastKey = key;
    }
    const value = map[key];
    const next = child ? ordered(value, child) : value;
    if (next === value) continue;
    values[key] = next;
    isSame = false;
  }
  if (isOrdered) return isSame ? map : { ...map, ...values };
  const place = (key: string): number => places?.get(key) ?? places?.size ?? 0;
  const keys = Object.keys(map).sort((a, b) => (places ? place(a) - place(b) : a < b ? -1 : 1));
  const out: Fields = {};
  for (const key of keys) out[key] = values[key] ?? map[key];
  return out;
}
