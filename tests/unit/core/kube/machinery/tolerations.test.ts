import { describe, expect, it } from 'vitest';
import {
  tolerates,
  type TolerationMatch,
  untoleratedTaint,
  usedTolerations,
} from '../../../../../src-main/core/kube/machinery/index.ts';

const taint = { key: 'dedicated', value: 'db', effect: 'NoSchedule' };

describe('a toleration', () => {
  const rows: readonly [toleration: TolerationMatch, tolerated: boolean][] = [
    [{ key: 'dedicated', operator: 'Equal', value: 'db', effect: 'NoSchedule' }, true],
    [{ key: 'dedicated', value: 'db' }, true],
    [{ key: 'dedicated', value: 'web' }, false],
    [{ key: 'dedicated' }, false],
    [{ key: 'dedicated', operator: 'Exists' }, true],
    [{ key: 'dedicated', operator: 'Exists', effect: 'NoExecute' }, false],
    [{ key: 'other', operator: 'Exists' }, false],
    [{ operator: 'Exists' }, true],
    [{ operator: 'Exists', effect: 'NoSchedule' }, true],
    [{ key: 'dedicated', operator: 'In', value: 'db' }, false],
  ];
  it.each(rows)('%j: %s', (toleration, tolerated) => {
    expect(tolerates(toleration, taint)).toBe(tolerated);
  });

  it('compares no numbers while the feature gate is off', () => {
    const numbered = { key: 'score', value: '5', effect: 'NoSchedule' };
    expect(tolerates({ key: 'score', operator: 'Lt', value: '9' }, numbered)).toBe(false);
    expect(tolerates({ key: 'score', operator: 'Gt', value: '1' }, numbered)).toBe(false);
  });

  it('equals a taint without value by having none', () => {
    expect(tolerates({ key: 'dedicated' }, { key: 'dedicated', effect: 'NoSchedule' })).toBe(true);
  });
});

describe('taints of a node', () => {
  const soft = { key: 'soft', effect: 'PreferNoSchedule' };
  const hard = { key: 'hard', effect: 'NoExecute' };

  it('are looked at by effect, the first untolerated one is told', () => {
    expect(untoleratedTaint([soft, taint, hard], [], ['NoSchedule', 'NoExecute'])).toBe(taint);
    expect(untoleratedTaint([soft, taint, hard], undefined, ['NoExecute'])).toBe(hard);
    expect(untoleratedTaint([taint], [{ operator: 'Exists' }], ['NoSchedule'])).toBeUndefined();
    expect(untoleratedTaint(undefined, undefined, ['NoSchedule'])).toBeUndefined();
  });

  it('take the first toleration that does, each its own', () => {
    const long = { key: 'hard', operator: 'Exists', tolerationSeconds: 60 };
    const short = { key: 'hard', operator: 'Exists', tolerationSeconds: 5 };
    expect(usedTolerations([hard], [long, short])).toEqual([long]);
    expect(usedTolerations([hard, taint], [long])).toBeUndefined();
    expect(usedTolerations([], [])).toEqual([]);
  });
});
