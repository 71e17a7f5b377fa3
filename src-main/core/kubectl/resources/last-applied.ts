import { jsonClone } from '#core/base';
import { compactJson } from '../go-text.ts';
import { ensureMap, isJson, type Json, map } from '../json-view.ts';

export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/** A copy of the object that carries its own text as annotation, as client-side apply leaves it. */
export function withLastApplied(object: Json): Json {
  const copy = jsonClone(object);
  const metadata = ensureMap(copy, 'metadata');
  if (!isJson(metadata['annotations'])) metadata['annotations'] = {};
  const annotations = metadata['annotations'] as Json;
  delete annotations[lastAppliedAnnotation];
  annotations[lastAppliedAnnotation] = `${compactJson(copy)}\n`;
  return copy;
}

/** The configuration applied last; undefined when the object has none. */
export function lastApplied(object: Json): Json | undefined {
  const source = map(object, 'metadata', 'annotations')[lastAppliedAnnotation];
  if (typeof source !== 'string') return undefined;
  const parsed = JSON.parse(source) as unknown;
  return isJson(parsed) ? parsed : undefined;
}
