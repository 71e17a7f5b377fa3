import { type DeepReadonly, jsonClone } from '#core/base';

import type { KubeObject } from '../../machinery/index.ts';
import type { StrategyContext } from '../kind-strategy.ts';
import { contentEqual } from '../validation/meta.ts';

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

/** Whether an object is new or of a new generation: workloads warn of their templates then, changed or not. */
export function isNewGeneration(
  object: DeepReadonly<KubeObject>,
  old: DeepReadonly<KubeObject> | undefined,
): boolean {
  return object.metadata.generation !== old?.metadata.generation;
}

/** The rule of kinds whose generation counts changes of the spec. */
export function bumpGeneration(
  draft: KubeObject,
  old: DeepReadonly<KubeObject>,
  fields: readonly string[] = ['spec'],
): void {
  const changed = fields.some((field) => !contentEqual(draft[field], old[field]));
  draft.metadata.generation = (old.metadata.generation ?? 0) + (changed ? 1 : 0);
}

/** The same where upstream tells an empty list from none. */
export function bumpGenerationByIdentity(
  draft: KubeObject,
  old: DeepReadonly<KubeObject>,
  field: string,
  { hasEmptied }: StrategyContext,
): void {
  bumpGeneration(draft, old, [field]);
  if (hasEmptied?.(field)) draft.metadata.generation = (old.metadata.generation ?? 0) + 1;
}
