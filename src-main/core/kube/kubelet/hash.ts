const mask128 = (1n << 128n) - 1n;
const prime128 = 0x0000000001000000000000000000013bn;
const offset128 = 0x6c62272e07bb014262b821756295c58dn;

/** FNV-1a of 128 bits, 32 hex digits: how the uid of a static pod is made. */
export function fnv128(text: string): string {
  let hash = offset128;
  for (const byte of new TextEncoder().encode(text))
    hash = ((hash ^ BigInt(byte)) * prime128) & mask128;
  return hash.toString(16).padStart(32, '0');
}

/** FNV-1a of 32 bits, as hex without leading zeros: how a container's definition is compared. */
export function fnv32(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16);
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
