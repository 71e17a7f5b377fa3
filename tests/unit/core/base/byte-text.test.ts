import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  byteCharacter,
  decodeBytes,
  encodeBytes,
  fromUtf8,
  utf8,
} from '../../../../src-main/core/base/index.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('bytes as text and back', () => {
  const rows: readonly [name: string, bytes: Uint8Array, text: string][] = [
    ['UTF-8', utf8('a é 가 😀\n'), 'a é 가 😀\n'],
    ['a byte order mark', bytes(0xef, 0xbb, 0xbf, 0x61), '\ufeffa'],
    ['bytes that are never UTF-8', bytes(0xfe, 0x61, 0xff), '\udcfea\udcff'],
    ['a sequence cut short', bytes(0x61, 0xe9), 'a\udce9'],
    ['an overlong slash', bytes(0xc0, 0xaf), '\udcc0\udcaf'],
    ['half a surrogate pair', bytes(0xed, 0xa0, 0x80), '\udced\udca0\udc80'],
    ['valid beside invalid', bytes(0xc3, 0xa9, 0xc3), 'é\udcc3'],
  ];
  it.each(rows)('%s', (_name, given, text) => {
    expect(decodeBytes(given)).toBe(text);
    expect(encodeBytes(text)).toEqual(given);
  });

  it('changes no bytes whatever', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (given) => {
        expect(encodeBytes(decodeBytes(given))).toEqual(Uint8Array.from(given));
      }),
    );
  });

  it('is plain UTF-8 for plain text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(encodeBytes(text)).toEqual(utf8(text));
        expect(decodeBytes(utf8(text))).toBe(fromUtf8(utf8(`x${text}`)).slice(1));
      }),
    );
  });

  it('puts single bytes together to characters', () => {
    expect(fromUtf8(encodeBytes(byteCharacter(0xc3) + byteCharacter(0xa9)))).toBe('é');
  });
});
