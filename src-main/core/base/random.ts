/** The only source of randomness in the core; seeded, so that a run can be replayed. */
export interface Random {
  /** A float in [0, 1). */
  next(): number;
  /** An integer in [0, bound). */
  integer(bound: number): number;
}

/** sfc32 seeded by a string (xmur3): small, fast, equal on every host. Not for secrets. */
export function seededRandom(seed: string): Random {
  let h = 1779033703 ^ seed.length;
  for (let i = 0; i < seed.length; i++) {
    h = Math.imul(h ^ seed.charCodeAt(i), 3432918353);
    h = (h << 13) | (h >>> 19);
  }
  const word = (): number => {
    h = Math.imul(h ^ (h >>> 16), 2246822507);
    h = Math.imul(h ^ (h >>> 13), 3266489909);
    h ^= h >>> 16;
    return h >>> 0;
  };
  let [a, b, c, d] = [word(), word(), word(), word()];
  const next = (): number => {
    const t = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + t) | 0;
    return (t >>> 0) / 4294967296;
  };
  for (let i = 0; i < 12; i++) next();
  return { next, integer: (bound) => Math.floor(next() * bound) };
}

const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` characters from the alphabet of apimachinery's `rand.String`; 5 for `generateName`. */
export function nameSuffix(random: Random, length = 5): string {
  let text = '';
  for (let i = 0; i < length; i++) text += nameAlphabet.charAt(random.integer(nameAlphabet.length));
  return text;
}

/** `length` lower-case hexadecimal digits, as container ids have them (64). */
export function hex(random: Random, length: number): string {
  const words: string[] = [];
  for (let made = 0; made < length; made += 4)
    words.push(random.integer(0x10000).toString(16).padStart(4, '0'));
  // Joined at once: what is put together by and by is kept in its pieces, several times the size.
  return words.join('').slice(0, length);
}

/** A version 4 UUID. */
export function uuid(random: Random): string {
  const digits = hex(random, 32);
  const variant = '89ab'[random.integer(4)] ?? '8';
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
    digits.slice(20),
  ].join('-');
}
