import { parseLabelSelector, SelectorError } from '#core/kube';
import { CommandError } from '../errors.ts';
import type { Json } from '../json-view.ts';

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
