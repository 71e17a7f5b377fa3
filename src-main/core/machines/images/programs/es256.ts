import { sha256Hex } from '#core/base';

/** NIST P-256. @see FIPS 186-4, D.1.2.3 */
const prime = 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn;
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const coefficient = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

/** Jacobian: (x/z², y/z³); z = 0 is the point at infinity. */
interface Point {
  readonly x: bigint;
  readonly y: bigint;
  readonly z: bigint;
}

const infinity: Point = { x: 1n, y: 1n, z: 0n };
const generator: Point = {
  x: 0x6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296n,
  y: 0x4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5n,
  z: 1n,
};

const mod = (value: bigint, modulus: bigint): bigint => {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
};

function inverse(value: bigint, modulus: bigint): bigint {
  let [low, high] = [mod(value, modulus), modulus];
  let [x, y] = [1n, 0n];
  while (low > 1n) {
    const quotient = high / low;
    [low, high] = [high % low, low];
    [x, y] = [y - quotient * x, x];
  }
  return mod(x, modulus);
}

function double({ x, y, z }: Point): Point {
  if (z === 0n) return infinity;
  const zz = mod(z * z, prime);
  const yy = mod(y * y, prime);
  const s = mod(4n * x * yy, prime);
  const m = mod(3n * (x - zz) * (x + zz), prime);
  const doubled = mod(m * m - 2n * s, prime);
  return {
    x: doubled,
    y: mod(m * (s - doubled) - 8n * yy * yy, prime),
    z: mod(2n * y * z, prime),
  };
}

function add(a: Point, b: Point): Point {
  if (a.z === 0n) return b;
  if (b.z === 0n) return a;
  const [za, zb] = [mod(a.z * a.z, prime), mod(b.z * b.z, prime)];
  const [ua, ub] = [mod(a.x * zb, prime), mod(b.x * za, prime)];
  const [sa, sb] = [mod(a.y * zb * b.z, prime), mod(b.y * za * a.z, prime)];
  if (ua === ub) return sa === sb ? double(a) : infinity;
  const h = mod(ub - ua, prime);
  const r = mod(sb - sa, prime);
  const hh = mod(h * h, prime);
  const hhh = mod(h * hh, prime);
  const v = mod(ua * hh, prime);
  const x = mod(r * r - hhh - 2n * v, prime);
  return { x, y: mod(r * (v - x) - sa * hhh, prime), z: mod(h * a.z * b.z, prime) };
}

const onCurve = ({ x, y }: Point): boolean =>
  mod(y * y - (x * x * x - 3n * x + coefficient), prime) === 0n;

/** Unsigned, big-endian. */
function integerOf(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

/**
 * Checks a signature as JWS has it (r and s, 32 bytes each): for programs in containers, which have no machine's
 * cryptography at hand. About five milliseconds.
 *
 * @see RFC 7518, 3.4
 */
export function verifyEs256(
  key: { readonly x: Uint8Array; readonly y: Uint8Array },
  signed: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (signature.length !== 64) return false;
  const r = integerOf(signature.subarray(0, 32));
  const s = integerOf(signature.subarray(32));
  if (r <= 0n || r >= order || s <= 0n || s >= order) return false;
  const publicKey: Point = { x: integerOf(key.x), y: integerOf(key.y), z: 1n };
  if (publicKey.x >= prime || publicKey.y >= prime || !onCurve(publicKey)) return false;
  const w = inverse(s, order);
  const u = mod(BigInt(`0x${sha256Hex(signed)}`) * w, order);
  const v = mod(r * w, order);
  const both = add(generator, publicKey);
  let sum = infinity;
  for (let bit = 255n; bit >= 0n; bit--) {
    sum = double(sum);
    const [inU, inV] = [(u >> bit) & 1n, (v >> bit) & 1n];
    if (inU && inV) sum = add(sum, both);
    else if (inU) sum = add(sum, generator);
    else if (inV) sum = add(sum, publicKey);
  }
  if (sum.z === 0n) return false;
  const z = inverse(sum.z, prime);
  return mod(mod(sum.x * z * z, prime), order) === r;
}
