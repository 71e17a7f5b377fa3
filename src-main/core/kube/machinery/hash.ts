import { utf8 } from '#core/base';

/** FNV-1a of 32 bits; the hash of what went before as `seed` continues it. */
export function fnv32a(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (const byte of utf8(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

const prime128 = (1n << 88n) + 0x13bn;
const mask128 = (1n << 128n) - 1n;

/** FNV-1a of 128 bits. */
export function fnv128a(text: string): bigint {
  let hash = 0x6c62272e07bb014262b821756295c58dn;
  for (const byte of utf8(text)) hash = ((hash ^ BigInt(byte)) * prime128) & mask128;
  return hash;
}

/** The JSON of a value with its keys in order, so that equal values have equal texts. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}
