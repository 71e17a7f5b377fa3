import { describe, expect, test } from 'vitest';
import { parseTopology } from '#core/lab';
import {
  AddressPool,
  parseAddressRange,
} from '../../../../../src-main/core/lab/programs/cloud-controller-manager/address-pool.ts';

const pool = (...ranges: string[]) =>
  new AddressPool(ranges.map((range) => parseAddressRange(range) ?? { first: 0, last: -1 }));

describe('ranges of addresses', () => {
  test.each([
    ['10.0.0.1-10.0.0.3', 3],
    ['10.0.0.1 - 10.0.0.3', 3],
    ['10.0.0.7-10.0.0.7', 1],
    ['10.0.0.0/29', 8],
    ['10.0.0.5/32', 1],
  ])('%s', (text, size) => {
    const range = parseAddressRange(text);
    expect(range && range.last - range.first + 1).toBe(size);
  });

  test.each(['', '10.0.0.3-10.0.0.1', '10.0.0.1', '10.0.0.1-', '10.0.0.1-2-3', '10.0.0/24', 'a-b'])(
    '%j is none',
    (text) => {
      expect(parseAddressRange(text)).toBeUndefined();
    },
  );
});

describe('a pool', () => {
  test('gives the lowest free address, and the same again to who has one', () => {
    const addresses = pool('10.0.0.1-10.0.0.2', '10.1.0.0/31');
    expect(['a', 'b', 'c', 'a'].map((uid) => addresses.take(uid))).toEqual([
      '10.0.0.1',
      '10.0.0.2',
      '10.1.0.0',
      '10.0.0.1',
    ]);
    addresses.release('b');
    expect(addresses.take('d')).toBe('10.0.0.2');
  });

  test('has an end', () => {
    const addresses = pool('10.0.0.1-10.0.0.1');
    addresses.take('a');
    expect(() => addresses.take('b')).toThrow('no addresses left in the pool');
    addresses.release('a');
    expect(addresses.take('b')).toBe('10.0.0.1');
  });

  test('gives an address that is asked for, if it can', () => {
    const addresses = pool('10.0.0.1-10.0.0.3');
    addresses.take('a');
    expect(() => addresses.take('b', '10.0.0.1')).toThrow('address "10.0.0.1" is in use');
    expect(() => addresses.take('b', '10.9.9.9')).toThrow('address "10.9.9.9" is not in the pool');
    expect(addresses.take('b', '10.0.0.3')).toBe('10.0.0.3');
    expect(addresses.take('b', '10.0.0.2')).toBe('10.0.0.2');
    expect(addresses.take('c', '10.0.0.3')).toBe('10.0.0.3');
  });

  test('leaves what was given out before to who has it', () => {
    const addresses = pool('10.0.0.1-10.0.0.2');
    addresses.adopt('old', '10.0.0.1');
    expect(addresses.take('new')).toBe('10.0.0.2');
    expect(addresses.take('old')).toBe('10.0.0.1');
  });
});

describe('a topology', () => {
  const poolOf = (text: string): string | undefined => parseTopology(text).loadBalancerPool;

  test('has load balancers when it asks for them', () => {
    expect(poolOf('base+1cp+2w')).toBeUndefined();
    expect(poolOf('base+1cp+2w+lb')).toBe('172.30.255.200-172.30.255.250');
    expect(poolOf('1cp+lb=10.9.8.0/28')).toBe('10.9.8.0/28');
    expect(parseTopology('base+1cp+2w+lb').machines).toHaveLength(4);
  });

  test('says what is wrong with their addresses', () => {
    expect(() => poolOf('1cp+lb=10.9.8')).toThrow(
      'topology "1cp+lb=10.9.8": "10.9.8" is not a range of addresses ("10.9.8.1-10.9.8.20") or a block ("10.9.8.0/28")',
    );
    expect(() => poolOf('1cp+lbs')).toThrow(
      'topology "1cp+lbs": "lbs" is not "base", "<n>cp", "<n>w" or "lb"',
    );
  });
});
