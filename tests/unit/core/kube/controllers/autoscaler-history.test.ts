import { describe, expect, test } from 'vitest';
import {
  ScalingHistory,
  type Wish,
} from '../../../../../src-main/core/kube/controllers/podautoscaler/scaling-history.ts';

type Behavior = NonNullable<Wish['behavior']>;
type Rules = NonNullable<Behavior['scaleUp']>;

const minute = 60_000;
const rules = (policies: string, more: Partial<Rules> = {}): Rules => ({
  selectPolicy: 'Max',
  policies: policies.split(' ').map((text) => {
    const [, value = '', unit = '', seconds = ''] = /^(\d+)(%?)\/(\d+)$/.exec(text) ?? [];
    return {
      type: unit === '%' ? 'Percent' : 'Pods',
      value: Number(value),
      periodSeconds: Number(seconds),
    };
  }),
  ...more,
});

/** Wants `desired` every fifteen seconds; what becomes of it, and why it is not more. */
function play(
  behavior: Behavior | undefined,
  start: number,
  desired: readonly number[],
  bounds = { min: 1, max: 1000 },
): string[] {
  let current = start;
  let nowMs = 1_000_000;
  const history = new ScalingHistory(start, nowMs - 10 * minute);
  return desired.map((wanted) => {
    const decision = history.decide({ current, desired: wanted, ...bounds, behavior }, nowMs);
    if (decision.replicas !== current) history.note(current, decision.replicas, behavior, nowMs);
    current = decision.replicas;
    nowMs += 15_000;
    const why = decision.isLimited ? decision.limited.reason : decision.able.reason;
    return why === 'ReadyForNewScale' ? String(current) : `${current} ${why}`;
  });
}

describe('without a behavior', () => {
  test('it doubles at most, and stays within its bounds', () => {
    expect(play(undefined, 1, [20, 20, 20, 20], { min: 1, max: 15 })).toEqual([
      '4 ScaleUpLimit',
      '8 ScaleUpLimit',
      '15 TooManyReplicas',
      '15 TooManyReplicas',
    ]);
    expect(play(undefined, 5, [1], { min: 3, max: 10 })).toEqual(['3 TooFewReplicas']);
  });

  test('it scales down to the highest recommendation of five minutes', () => {
    const wishes = [8, ...Array.from({ length: 21 }, () => 2)];
    const seen = play(undefined, 4, wishes);
    expect(seen[0]).toBe('8');
    expect(seen.slice(1, 21).every((each) => each === '8 ScaleDownStabilized')).toBe(true);
    expect(seen[21]).toBe('2');
  });
});

describe('with a behavior', () => {
  const still = rules('100%/15', { stabilizationWindowSeconds: 0 });

  test('policies limit what is added in their periods', () => {
    const up = rules('2/60', { stabilizationWindowSeconds: 0 });
    expect(play({ scaleUp: up, scaleDown: still }, 3, [20, 20, 20, 20, 20])).toEqual([
      '5 ScaleUpLimit',
      '5 ScaleUpLimit',
      '5 ScaleUpLimit',
      '5 ScaleUpLimit',
      '7 ScaleUpLimit',
    ]);
  });

  test('the larger policy counts, or the smaller, or none', () => {
    const up = (selectPolicy: string): Behavior => ({
      scaleUp: rules('100%/15 4/15', { selectPolicy, stabilizationWindowSeconds: 0 }),
      scaleDown: still,
    });
    expect(play(up('Max'), 3, [100, 100, 100])).toEqual([
      '7 ScaleUpLimit',
      '14 ScaleUpLimit',
      '28 ScaleUpLimit',
    ]);
    expect(play(up('Min'), 3, [100, 100, 100])).toEqual([
      '6 ScaleUpLimit',
      '10 ScaleUpLimit',
      '14 ScaleUpLimit',
    ]);
    expect(play(up('Disabled'), 3, [100])).toEqual(['3 ScaleUpLimit']);
  });

  test('a percentage is rounded up on the way up and down on the way down', () => {
    const behavior = {
      scaleUp: rules('10%/15', { stabilizationWindowSeconds: 0 }),
      scaleDown: rules('10%/15', { stabilizationWindowSeconds: 0 }),
    };
    expect(play(behavior, 1, [9, 9, 1, 1])).toEqual([
      '2 ScaleUpLimit',
      '3 ScaleUpLimit',
      '2 ScaleDownLimit',
      '1',
    ]);
    expect(play(behavior, 100, [1, 1], { min: 95, max: 200 })).toEqual([
      '95 TooFewReplicas',
      '95 TooFewReplicas',
    ]);
    expect(play(behavior, 100, [1, 1])).toEqual(['90 ScaleDownLimit', '81 ScaleDownLimit']);
  });

  test('a window upwards takes the lowest, one downwards the highest recommendation', () => {
    const behavior = {
      scaleUp: rules('100%/15', { stabilizationWindowSeconds: 30 }),
      scaleDown: rules('100%/15', { stabilizationWindowSeconds: 30 }),
    };
    expect(play(behavior, 4, [4, 8, 8, 8, 2, 2, 2])).toEqual([
      '4',
      '4 ScaleUpStabilized',
      '8',
      '8',
      '8 ScaleDownStabilized',
      '2',
      '2',
    ]);
  });
});
