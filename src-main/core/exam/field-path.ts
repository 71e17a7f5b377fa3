/** One step of a path: a field, an index, every item, or the items with a field of a value. */
type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'every' }
  | { readonly kind: 'where'; readonly name: string; readonly value: string };

const token =
  /\.?([A-Za-z_$][\w$-]*)|\[(\d+)\]|(\[\*\])|\[([A-Za-z][\w.-]*)=([^\]]*)\]|\[(?:'([^']+)'|"([^"]+)")\]/y;

/**
 * Reads `spec.containers[name=web].env[0].value`, `metadata.labels['app.kubernetes.io/name']`, `items[*].kind`.
 * @throws Error naming the place that cannot be read.
 */
export function parsePath(path: string): readonly Step[] {
  const steps: Step[] = [];
  token.lastIndex = 0;
  while (token.lastIndex < path.length) {
    const at = token.lastIndex;
    const match = token.exec(path);
    if (!match) throw new Error(`path ${JSON.stringify(path)}: cannot read ${path.slice(at)}`);
    const [, field, index, every, name, value, single, double] = match;
    const quoted = field ?? single ?? double;
    if (quoted !== undefined) steps.push({ kind: 'field', name: quoted });
    else if (index !== undefined) steps.push({ kind: 'index', index: Number(index) });
    else if (every !== undefined) steps.push({ kind: 'every' });
    else steps.push({ kind: 'where', name: name ?? '', value: value ?? '' });
  }
  return steps;
}

/** The value at a path: undefined when it is not there; a list when the path says `[*]`. */
export function readPath(value: unknown, path: string): unknown {
  let found: unknown[] = [value];
  let many = false;
  for (const step of parsePath(path)) {
    if (step.kind === 'every') many = true;
    found = found.flatMap((item) => take(item, step));
  }
  return many ? found : found[0];
}

function take(value: unknown, step: Step): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (step.kind === 'field') {
    const field = (value as Record<string, unknown>)[step.name];
    return field === undefined || !Object.hasOwn(value, step.name) ? [] : [field];
  }
  if (!Array.isArray(value)) return [];
  const items: unknown[] = value;
  if (step.kind === 'every') return items;
  if (step.kind === 'index') return items.slice(step.index, step.index + 1);
  return items.filter((item) => {
    const field = readPath(item, step.name);
    return field !== undefined && scalarText(field) === step.value;
  });
}

/** A copy of a JSON value without what stands at a path of fields. */
export function withoutPath(value: unknown, path: string): unknown {
  return remove(value, parsePath(path));
}

function remove(value: unknown, [step, ...rest]: readonly Step[]): unknown {
  if (!step || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const chosen = new Set(take(value, step));
    const items: unknown[] = value;
    return rest.length === 0
      ? items.filter((item) => !chosen.has(item))
      : items.map((item) => (chosen.has(item) ? remove(item, rest) : item));
  }
  if (step.kind !== 'field' || !Object.hasOwn(value, step.name)) return value;
  const copy: Record<string, unknown> = { ...value };
  if (rest.length === 0) delete copy[step.name];
  else copy[step.name] = remove(copy[step.name], rest);
  return copy;
}

function scalarText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
