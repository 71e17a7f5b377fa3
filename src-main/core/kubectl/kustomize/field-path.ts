import { CommandError } from '../errors.ts';
import { isJson, type Json } from '../json-view.ts';
import { formatId, type Gvk, gvkOf, idOf, isSelected } from './resource-id.ts';

/** A field of a kind of objects. Lists on the way are walked through without being named. */
export interface FieldSpec extends Partial<Gvk> {
  /** Steps separated by `/`; a step `name[]` must be a list, `\/` is a slash within a name. */
  readonly path: string;
  /** Maps missing on the way are made. */
  readonly create?: boolean;
}

/** Where a value stands: in a map or in a list. */
export interface Place {
  readonly value: unknown;
  set(value: unknown): void;
}

/**
 * Calls `visit` at each place a spec names in an object.
 * @param leaf what a missing last field becomes with `create`: an empty map, or nothing yet.
 * @throws CommandError a text or number stands where a map must be.
 * @see sigs.k8s.io/kustomize/api/filters/fieldspec
 */
export function visitField(
  object: Json,
  spec: FieldSpec,
  leaf: 'map' | 'scalar' | 'none',
  visit: (place: Place) => void,
): void {
  if (!isSelected(gvkOf(object), spec)) return;
  const steps = spec.path.split(/(?<!\\)\//).map((step) => step.replaceAll('\\/', '/'));
  const walk = (place: Place, depth: number): void => {
    const step = steps[depth];
    if (step === undefined) {
      visit(place);
      return;
    }
    const { value } = place;
    if (value === null || value === undefined) return;
    if (Array.isArray(value)) {
      const items = value as unknown[];
      items.forEach((item, index) => {
        walk({ value: item, set: (next) => void (items[index] = next) }, depth);
      });
      return;
    }
    if (!isJson(value))
      throw new CommandError(
        `considering field '${spec.path}' of object ${formatId(idOf(object))}: expected sequence or mapping node`,
      );
    const name = step.replace(/\[\]$/, '');
    const last = depth === steps.length - 1;
    if (spec.create && leaf !== 'none' && name === step) {
      if (value[name] === undefined || value[name] === null) {
        if (!last || leaf === 'map') value[name] = {};
        else value[name] = null;
      }
    } else if (value[name] === undefined) return;
    walk({ value: value[name], set: (next) => void (value[name] = next) }, depth + 1);
  };
  walk({ value: object, set: () => undefined }, 0);
}

/** Sets entries in the maps that the specs name: labels, selectors, annotations. */
export function setEntries(
  object: Json,
  specs: readonly FieldSpec[],
  entries: Readonly<Record<string, string>>,
): void {
  for (const spec of specs)
    visitField(object, spec, 'map', ({ value }) => {
      if (!isJson(value))
        throw new CommandError(
          `considering field '${spec.path}' of object ${formatId(idOf(object))}: wrong node kind: expected MappingNode but got ${Array.isArray(value) ? 'SequenceNode' : 'ScalarNode'}`,
        );
      Object.assign(value, entries);
    });
}
