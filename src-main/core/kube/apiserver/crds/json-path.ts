type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'all' }
  | {
      readonly kind: 'filter';
      readonly path: readonly Step[];
      readonly operator: string;
      readonly value: unknown;
    };

/**
 * Compiles the simple JSONPaths of printer columns, scale and selectable fields: fields, `['name']`, `[0]`,
 * `[*]` and `[?(@.type=="Ready")]`. Undefined when the text is none.
 */
export function compileJsonPath(text: string): ((value: unknown) => unknown[]) | undefined {
  const steps = parse(text.replace(/^\{|\}$/g, '').replace(/^\$/, ''));
  return steps && ((value) => follow(steps, value));
}

function parse(text: string): Step[] | undefined {
  const steps: Step[] = [];
  let rest = text;
  while (rest !== '') {
    const field = /^\.?((?:\\.|[^.[\]\\])+)/.exec(rest);
    const index = /^\.?\[(-?\d+)\]/.exec(rest);
    const name = /^\.?\[['"]((?:\\.|[^'"\\])+)['"]\]/.exec(rest);
    const all = /^\.?\[\*\]|^\.\*/.exec(rest);
    const filter = /^\.?\[\?\(\s*@\.?([^=!<>]*?)\s*(==|!=|<=|>=|<|>)\s*(.+?)\s*\)\]/.exec(rest);
    const match = all ?? index ?? name ?? filter ?? field;
    if (!match) return undefined;
    if (all) steps.push({ kind: 'all' });
    else if (index) steps.push({ kind: 'index', index: Number(index[1]) });
    else if (name) steps.push({ kind: 'field', name: unescape(name[1] ?? '') });
    else if (filter) {
      const path = parse(filter[1] === '' ? '' : `.${filter[1] ?? ''}`);
      if (!path) return undefined;
      steps.push({
        kind: 'filter',
        path,
        operator: filter[2] ?? '',
        value: literal(filter[3] ?? ''),
      });
    } else steps.push({ kind: 'field', name: unescape(field?.[1] ?? '') });
    rest = rest.slice(match[0].length);
  }
  return steps;
}

const unescape = (text: string): string => text.replace(/\\(.)/g, '$1');

function literal(text: string): unknown {
  const quotes = /^(['"])([\s\S]*)\1$/.exec(text);
  if (quotes) return quotes[2];
  if (text === 'true' || text === 'false') return text === 'true';
  return Number.isNaN(Number(text)) ? text : Number(text);
}

function follow(steps: readonly Step[], value: unknown): unknown[] {
  let current: unknown[] = [value];
  for (const step of steps) current = current.flatMap((each) => next(step, each));
  return current;
}

function next(step: Step, value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const list = Array.isArray(value) ? (value as unknown[]) : undefined;
  switch (step.kind) {
    case 'field':
      return !list && Object.hasOwn(value, step.name)
        ? [(value as Record<string, unknown>)[step.name]]
        : [];
    case 'index': {
      const item = list?.at(step.index);
      return item === undefined ? [] : [item];
    }
    case 'all':
      return list ?? Object.values(value);
    case 'filter':
      return (list ?? []).filter((item) =>
        follow(step.path, item).some((each) => compare(each, step.operator, step.value)),
      );
  }
}

function compare(left: unknown, operator: string, right: unknown): boolean {
  if (operator === '==') return left === right;
  if (operator === '!=') return left !== right;
  if (typeof left !== typeof right) return false;
  const [a, b] = [left as number | string, right as number | string];
  if (operator === '<') return a < b;
  if (operator === '>') return a > b;
  return operator === '<=' ? a <= b : a >= b;
}
