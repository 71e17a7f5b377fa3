import { expect, test } from 'vitest';
import { utf8 } from '#core/base';
import { verifyEs256 } from '../../../../../src-main/core/machines/images/programs/es256.ts';

const curve = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const bytesOf = (text = ''): Uint8Array => new Uint8Array(Buffer.from(text, 'base64url'));

async function signed(text: string) {
  const pair = await crypto.subtle.generateKey(curve, true, ['sign', 'verify']);
  const { x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const signature = await crypto.subtle.sign(
    { ...curve, hash: 'SHA-256' },
    pair.privateKey,
    new Uint8Array(utf8(text)),
  );
  return { key: { x: bytesOf(x), y: bytesOf(y) }, signature: new Uint8Array(signature) };
}

test.each(Array.from({ length: 5 }, (_, round) => `message ${round}`))(
  'a signature over "%s" holds for it alone',
  async (text) => {
    const { key, signature } = await signed(text);
    expect(verifyEs256(key, utf8(text), signature)).toBe(true);
    expect(verifyEs256(key, utf8(`${text}!`), signature)).toBe(false);
    const other = await signed(text);
    expect(verifyEs256(other.key, utf8(text), signature)).toBe(false);
    const bent = signature.with(40, (signature[40] ?? 0) ^ 1);
    expect(verifyEs256(key, utf8(text), bent)).toBe(false);
  },
);

test.each<[string, Uint8Array]>([
  ['zeros', new Uint8Array(64)],
  ['ones', new Uint8Array(64).fill(255)],
  ['another length', new Uint8Array(63)],
])('%s are no signature', async (_, signature) => {
  const { key } = await signed('x');
  expect(verifyEs256(key, utf8('x'), signature)).toBe(false);
});

test('a key that is not on the curve verifies nothing', async () => {
  const { key, signature } = await signed('x');
  expect(verifyEs256({ ...key, y: key.x }, utf8('x'), signature)).toBe(false);
});
