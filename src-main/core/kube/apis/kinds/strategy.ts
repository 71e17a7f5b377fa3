import { type DeepReadonly, jsonClone } from '#core/base';

import type { KubeObject } from '../../machinery/index.ts';
import { semanticEqual } from '../validation/meta.ts';

/** Keeps the stored status: a write to the main resource does not touch it. */
export function keepStatus(draft: KubeObject, old: DeepReadonly<KubeObject>): void {
  if (old['status'] === undefined) delete draft['status'];
  else draft['status'] = jsonClone(old['status']);
}

/** Keeps all but the status: a write to the status subresource changes nothing else. */
export function keepSpec(draft: KubeObject, old: DeepReadonly<KubeObject>): void {
  if (old['spec'] === undefined) delete draft['spec'];
  else draft['spec'] = jsonClone(old['spec']);
}

/** The rule of kinds whose generation counts changes of the spec. */
export function bumpGeneration(
  draft: KubeObject,
  old: DeepReadonly<KubeObject>,
  fields: readonly string[] = ['spec'],
  equal: (a: unknown, b: unknown) => boolean = semanticEqual,
): void {
  const changed = fields.some((field) => !equal(draft[field], old[field]));
  draft.metadata.generation = (old.metadata.generation ?? 0) + (changed ? 1 : 0);
}
