import { jsonEqual, type JsonValue } from '#core/base';
import type { ApiObject, ObjectExpectation } from './types.ts';

/** `apps/v1/Deployment/default/web` in parts. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  /** Undefined for objects of the whole cluster. */
  readonly namespace: string | undefined;
  readonly name: string;
}

/** @throws Error the text is not a reference. */
export function parseReference(text: string): ObjectReference {
  const parts = text.split('/');
  const [name, namespace, kind] = parts.slice(-3).reverse();
  const apiVersion = parts.slice(0, -3).join('/');
  if (!name || !namespace || !kind || !apiVersion || parts.length > 5)
    throw new Error(`${JSON.stringify(text)} is not like apps/v1/Deployment/default/web`);
  return { apiVersion, kind, namespace: namespace === '-' ? undefined : namespace, name };
}

type PathStep = string | number | { readonly key: string; readonly value: string };

const pathStep = /^(?:\.?([^.[\]"=]+)|\["([^"]+)"\]|\[(\d+)\]|\[([^=\]]+)=([^\]]*)\])/;

/**
 * Reads `spec.containers[name=web].image`, `metadata.labels["a.b/c"]` and `spec.ports[0].port`.
 * @throws Error naming the part that is wrong.
 */
export function parsePath(path: string): readonly PathStep[] {
  const steps: PathStep[] = [];
  let rest = path;
  while (rest !== '') {
    const match = pathStep.exec(rest);
    if (!match) throw new Error(`path ${JSON.stringify(path)} is wrong at ${JSON.stringify(rest)}`);
    const [whole, word, quoted, index, key, value] = match;
    if (key !== undefined) steps.push({ key, value: value ?? '' });
    else steps.push(index === undefined ? (word ?? quoted ?? '') : Number(index));
    rest = rest.slice(whole.length);
  }
  return steps;
}

/** The value at a path; undefined when there is none. */
export function valueAt(root: JsonValue, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = root;
  for (const step of parsePath(path)) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (typeof step === 'string')
      value = !Array.isArray(value) && Object.hasOwn(value, step) ? value[step] : undefined;
    else if (!Array.isArray(value)) return undefined;
    else if (typeof step === 'number') value = value[step];
    else
      value = value.find(
        (item) =>
          typeof item === 'object' &&
          item !== null &&
          !Array.isArray(item) &&
          textOf(item[step.key]) === step.value,
      );
  }
  return value;
}

const textOf = (value: JsonValue | undefined): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? null);

/** The first thing that is not as expected. */
export type Mismatch =
  | { readonly kind: 'missing'; readonly object: string }
  | { readonly kind: 'present'; readonly object: string }
  | {
      readonly kind: 'field';
      readonly object: string;
      readonly path: string;
      /** Undefined: any value at all would do (`wanted`), or there is none (`found`). */
      readonly wanted: JsonValue | undefined;
      readonly found: JsonValue | undefined;
    };

/** Compares an object with what is expected of it; undefined when all is well. */
export function mismatchOf(
  expectation: ObjectExpectation,
  object: ApiObject | null,
): Mismatch | undefined {
  const { object: reference } = expectation;
  if (expectation.absent)
    return object === null ? undefined : { kind: 'present', object: reference };
  if (object === null) return { kind: 'missing', object: reference };
  for (const [path, wanted] of Object.entries(expectation.fields ?? {})) {
    const found = valueAt(object, path);
    if (!jsonEqual(found, wanted)) return { kind: 'field', object: reference, path, wanted, found };
  }
  for (const path of expectation.has ?? [])
    if (valueAt(object, path) === undefined)
      return { kind: 'field', object: reference, path, wanted: undefined, found: undefined };
  for (const path of expectation.lacks ?? []) {
    const found = valueAt(object, path);
    if (found !== undefined)
      return { kind: 'field', object: reference, path, wanted: undefined, found };
  }
  return undefined;
}

/** The object of a list that a reference names; those without a namespace are in `default`. */
export function findObject(
  objects: readonly ApiObject[],
  reference: string,
): ApiObject | undefined {
  const { apiVersion, kind, namespace, name } = parseReference(reference);
  return objects.find(
    (object) =>
      object['apiVersion'] === apiVersion &&
      object['kind'] === kind &&
      valueAt(object, 'metadata.name') === name &&
      (namespace === undefined ||
        (valueAt(object, 'metadata.namespace') ?? 'default') === namespace),
  );
}
