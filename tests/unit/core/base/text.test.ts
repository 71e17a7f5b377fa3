import { describe, expect, it } from 'vitest';
import { byBytes, quotedList, splitOnce } from '../../../../src-main/core/base/index.ts';

describe('the order of bytes', () => {
  const rows: readonly [name: string, texts: string[], sorted: string[]][] = [
    ['capitals first', ['b', 'a', 'B'], ['B', 'a', 'b']],
    ['the shorter first', ['ab', 'a', ''], ['', 'a', 'ab']],
    ['letters of other scripts', ['가', 'é', 'z'], ['z', 'é', '가']],
    ['characters beyond 16 bits last', ['😀', '\uff5e', 'a'], ['a', '\uff5e', '😀']],
  ];
  it.each(rows)('%s', (_name, texts, sorted) => {
    expect([...texts].sort(byBytes)).toEqual(sorted);
    const inUtf8 = [...texts].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(sorted).toEqual(inUtf8);
  });
});

it('quotes a list as Go does', () => {
  expect(quotedList(['a', 'b "c"'])).toBe('["a" "b \\"c\\""]');
  expect(quotedList([])).toBe('[]');
});

it('splits at the first mark', () => {
  expect(splitOnce('a=b=c', '=')).toEqual(['a', 'b=c']);
  expect(splitOnce('a::b', '::')).toEqual(['a', 'b']);
  expect(splitOnce('a', '=')).toEqual(['a', undefined]);
});
