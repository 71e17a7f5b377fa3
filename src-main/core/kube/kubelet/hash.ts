import { utf8 } from '#core/base';

const mask128 = (1n << 128n) - 1n;
const prime128 = 0x0000000001000000000000000000013bn;
const offset128 = 0x6c62272e07bb014262b821756295c58dn;

/** FNV-1a of 128 bits, 32 hex digits: how the uid of a static pod is made. */
export function fnv128(text: string): string {
  let hash = offset128;
  for (const byte of utf8(text)) hash = ((hash ^ BigInt(byte)) * prime128) & mask128;
  return hash.toString(16).padStart(32, '0');
}
