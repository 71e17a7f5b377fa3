import {
  badRequest,
  failure,
  goText,
  internalError,
  type KubeObject,
} from '../../machinery/index.ts';
import { at, isMap, mapOf, numberOf, textAt } from '../fields/index.ts';

/** What an upgrade of a Scale without replicas starts from, so that an untouched one is told. */
export const noReplicas = -2_147_483_648;

const namesIn = (path: string): string[] => path.replace(/^\./, '').split('.');
const shownPath = (names: readonly string[]): string => `.${names.join('.')}`;

const goTypeOf = (value: unknown): string =>
  Array.isArray(value)
    ? '[]interface {}'
    : typeof value === 'boolean'
      ? 'bool'
      : typeof value === 'number'
        ? Number.isInteger(value)
          ? 'int64'
          : 'float64'
        : typeof value === 'object'
          ? 'map[string]interface {}'
          : typeof value;

/** The value at a path of a definition; undefined when there is none. @throws StatusError 500 */
export function nested(object: unknown, path: string, expected: 'int64' | 'string'): unknown {
  const names = namesIn(path);
  const wrong = (upTo: readonly string[], value: unknown, wanted: string): Error =>
    failure(
      500,
      '',
      `${shownPath(upTo)} accessor error: ${goText(value)} is of the type ${goTypeOf(value)}, expected ${wanted}`,
    );
  let value = object;
  for (const [index, name] of names.entries()) {
    if (value === null || value === undefined) return undefined;
    if (!isMap(value)) throw wrong(names.slice(0, index + 1), value, 'map[string]interface{}');
    value = value[name];
  }
  if (value === undefined) return undefined;
  if (goTypeOf(value) !== expected) throw wrong(names, value, expected);
  return value;
}

/**
 * The Scale of a custom object.
 * @param purpose an object without replicas cannot be read as a Scale, but may be written through it.
 * @see apiextensions-apiserver/pkg/registry/customresource/etcd.go
 */
export function scaleOfCustom(
  version: unknown,
  object: unknown,
  purpose: 'read' | 'write',
): KubeObject {
  const scale = at(version, 'subresources', 'scale');
  const path = (field: string): string => textAt(scale, field);
  const found = nested(object, path('specReplicasPath'), 'int64');
  if (found === undefined && purpose === 'read')
    throw internalError(
      new Error(
        `the spec replicas field ${JSON.stringify(path('specReplicasPath'))} does not exist`,
      ),
    );
  const replicas = numberOf(found) ?? noReplicas;
  const current = nested(object, path('statusReplicasPath'), 'int64');
  const selectorPath = path('labelSelectorPath');
  const selector = selectorPath === '' ? undefined : nested(object, selectorPath, 'string');
  const meta = mapOf(at(object, 'metadata'));
  const kept = ['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp'];
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: Object.fromEntries(
      kept.filter((field) => meta[field] !== undefined).map((field) => [field, meta[field]]),
    ),
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: numberOf(current) ?? 0,
      ...(selector === undefined || selector === '' ? {} : { selector }),
    },
  };
}

/** Writes the replicas of a Scale into a custom object. @throws StatusError 400, 500 */
export function applyScaleToCustom(version: unknown, draft: KubeObject, scale: unknown): void {
  const path = textAt(at(version, 'subresources', 'scale'), 'specReplicasPath');
  const replicas = numberOf(at(scale, 'spec', 'replicas')) ?? 0;
  if (replicas === noReplicas)
    throw badRequest(`the spec replicas field ${JSON.stringify(path)} cannot be empty`);
  const names = namesIn(path);
  const last = names.pop() ?? '';
  let target: Record<string, unknown> = draft;
  for (const [index, name] of names.entries()) {
    target[name] ??= {};
    const next = target[name];
    if (!isMap(next))
      throw failure(
        500,
        '',
        `value cannot be set because ${shownPath(names.slice(0, index + 1))} is not a map[string]interface{}`,
      );
    target = next;
  }
  target[last] = replicas;
}
