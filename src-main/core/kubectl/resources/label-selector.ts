import { parseLabelSelector, SelectorError } from '#core/kube';
import { CommandError } from '../errors.ts';
import { at, compareText, type Json, list, sortedKeys, strings, text } from '../json-view.ts';

const operators: Readonly<Record<string, string>> = {
  in: 'In',
  notin: 'NotIn',
  '!=': 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
};

/** A selector's text as the `LabelSelector` of an object. @throws CommandError */
export function labelSelectorOf(source: string): Json {
  try {
    const matchLabels: Json = {};
    const matchExpressions: Json[] = [];
    for (const { key, operator, values } of parseLabelSelector(source).requirements) {
      if (operator === '=' || operator === '==') matchLabels[key] = values[0];
      else {
        const name = operators[operator];
        if (name === undefined)
          throw new CommandError(`"${operator}" is not a valid label selector operator`);
        matchExpressions.push({ key, operator: name, ...(values.length > 0 ? { values } : {}) });
      }
    }
    return {
      ...(Object.keys(matchLabels).length > 0 ? { matchLabels } : {}),
      ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
    };
  } catch (error) {
    if (error instanceof SelectorError) throw new CommandError(error.message);
    throw error;
  }
}

/** A LabelSelector in the form `a=b,c in (d)`; `<none>` for an empty one. */
export function selectorText(selector: unknown, empty = '<none>'): string {
  const labels = strings(selector, 'matchLabels');
  const parts: { key: string; shown: string }[] = sortedKeys(labels).map((key) => ({
    key,
    shown: `${key}=${labels[key] ?? ''}`,
  }));
  for (const expression of list(selector, 'matchExpressions')) {
    const key = text(expression, 'key');
    const values = [...(list(expression, 'values') as string[])].sort().join(',');
    const shown =
      {
        In: `${key} in (${values})`,
        NotIn: `${key} notin (${values})`,
        Exists: key,
        DoesNotExist: `!${key}`,
      }[text(expression, 'operator')] ?? key;
    parts.push({ key, shown });
  }
  if (parts.length === 0) return empty;
  return parts
    .sort((a, b) => compareText(a.key, b.key))
    .map(({ shown }) => shown)
    .join(',');
}

/** The selector of a workload as a request's parameter; empty when it has none. */
export const selectorOf = (object: Json): string =>
  selectorText(at(object, 'spec', 'selector'), '');
