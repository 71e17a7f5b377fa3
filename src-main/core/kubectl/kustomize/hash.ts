import { utf8, sha256Hex } from '#core/base';
import { compactJson } from '../go-text.ts';
import { type Json, text } from '../json-view.ts';

const substitutes: Readonly<Record<string, string>> = {
  '0': 'g',
  '1': 'h',
  '3': 'k',
  a: 'm',
  e: 't',
};

/**
 * Ten letters of the content of a ConfigMap or Secret.
 * @param name as hashed with the content: kubectl takes the object's name, kustomize none at all.
 * @see sigs.k8s.io/kustomize/api/hasher
 */
export function contentHash(object: Json, name = text(object, 'metadata', 'name')): string {
  const kind = text(object, 'kind');
  const content: Json =
    kind === 'ConfigMap'
      ? {
          ...(object['binaryData'] ? { binaryData: object['binaryData'] } : {}),
          data: object['data'] ?? '',
          kind,
          name,
        }
      : {
          data: object['data'] ?? '',
          kind,
          name,
          ...(object['stringData'] ? { stringData: object['stringData'] } : {}),
          type: object['type'] ?? '',
        };
  return [...sha256Hex(utf8(compactJson(content))).slice(0, 10)]
    .map((character) => substitutes[character] ?? character)
    .join('');
}

export function nameWithHash(object: Json): string {
  return `${text(object, 'metadata', 'name')}-${contentHash(object)}`;
}
