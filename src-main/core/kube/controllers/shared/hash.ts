import type { DeepReadonly } from '#core/base';
import { fnv32a } from '../../machinery/index.ts';

const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Digits as characters that spell no word. @see k8s.io/apimachinery/pkg/util/rand, SafeEncodeString */
export function safeEncodeString(text: string): string {
  let encoded = '';
  for (const char of text) encoded += safeAlphabet[char.charCodeAt(0) % safeAlphabet.length] ?? '';
  return encoded;
}

/**
 * A label value that stands for a pod template: equal templates give equal hashes, whatever the order of
 * their keys. Of upstream's form, but not its value, which depends on Go's printer.
 *
 * @param collisionCount how often the hash was taken by another template.
 */
export function templateHash(template: DeepReadonly<object>, collisionCount?: number): string {
  let hash = fnv32a(semanticJson(template));
  if (collisionCount !== undefined) hash = fnv32a(String(collisionCount), hash);
  return safeEncodeString(String(hash));
}

/** JSON with sorted keys; empty objects, empty lists and nulls count as absent. */
export function semanticJson(value: unknown): string {
  return JSON.stringify(canonical(value)) ?? 'null';
}

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(canonical);
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  const sorted: Record<string, unknown> = {};
  for (const key of Object.keys(value).sort()) {
    const item = canonical((value as Record<string, unknown>)[key]);
    if (item !== undefined) sorted[key] = item;
  }
  return Object.keys(sorted).length === 0 ? undefined : sorted;
}

/** Equality as Go's Semantic.DeepEqual has it: empty and absent are the same. */
export function semanticEqual(a: unknown, b: unknown): boolean {
  return semanticJson(a) === semanticJson(b);
}
