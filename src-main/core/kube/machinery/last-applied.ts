import type { DeepReadonly } from '#core/base';
import { isMap } from './merge-schema.ts';
import type { KubeObject } from './meta-v1.ts';

/** What client-side apply sent last, as kubectl leaves it on the object. */
export const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * Brings the annotation of client-side apply up to date with what kubectl applied on the server. An object without
 * the annotation stays without.
 *
 * @returns whether the annotation changed.
 * @see k8s.io/apimachinery/pkg/util/managedfields/internal/lastappliedupdater.go
 */
export function syncLastApplied(object: KubeObject, config: DeepReadonly<KubeObject>): boolean {
  const { annotations } = object.metadata;
  const present = annotations?.[lastAppliedAnnotation];
  if (!present) return false;
  const text = lastAppliedText(config);
  if (present === text) return false;
  object.metadata.annotations = { ...annotations, [lastAppliedAnnotation]: text };
  return true;
}

function lastAppliedText(config: DeepReadonly<KubeObject>): string {
  const metadata: Record<string, unknown> = { ...config.metadata };
  const annotations = { ...config.metadata.annotations };
  delete annotations[lastAppliedAnnotation];
  if (Object.keys(annotations).length > 0) metadata['annotations'] = annotations;
  else delete metadata['annotations'];
  const json = JSON.stringify(withSortedKeys({ ...config, metadata }));
  return `${json.replace(/[<>&\u2028\u2029]/g, escapeAsGo)}\n`;
}

/** Go's encoder writes these so that JSON may stand in HTML. */
const escapeAsGo = (char: string): string =>
  `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;

function withSortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withSortedKeys);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, withSortedKeys(value[key])]),
  );
}
