import { expect, test } from 'vitest';
import {
  hasLoadBalancers,
  withLoadBalancers,
} from '../../../../src-renderer/features/cluster/topology-text.ts';

test.each([
  ['base+1cp+2w', 'base+1cp+2w+lb', 'base+1cp+2w'],
  ['base+1cp+2w+lb', 'base+1cp+2w+lb', 'base+1cp+2w'],
  ['base+lb=10.0.0.0/28+1cp', 'base+lb=10.0.0.0/28+1cp', 'base+1cp'],
  [' base+1cp ', 'base+1cp+lb', 'base+1cp'],
])('%j with load balancers and without', (text, balanced, plain) => {
  expect(withLoadBalancers(text, true)).toBe(balanced);
  expect(withLoadBalancers(text, false)).toBe(plain);
  expect([balanced, plain].map(hasLoadBalancers)).toEqual([true, false]);
});
