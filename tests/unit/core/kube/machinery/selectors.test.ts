import { describe, expect, it } from 'vitest';
import {
  hasLabels,
  type LabelSelector,
  matchesLabels,
  matchesNodeSelector,
  matchesNodeTerm,
  matchesRequiredNodeAffinity,
  matchesSelector,
  meetsOperator,
  type NodeTerm,
  parseLabelSelector,
} from '../../../../../src-main/core/kube/machinery/index.ts';

describe('an operator on a value', () => {
  const rows: readonly [
    value: string | undefined,
    operator: string,
    values: string[],
    met: boolean,
  ][] = [
    ['a', 'In', ['a', 'b'], true],
    ['c', 'In', ['a', 'b'], false],
    [undefined, 'In', ['a'], false],
    ['a', 'In', [], false],
    ['a', 'NotIn', ['a'], false],
    ['b', 'NotIn', ['a'], true],
    [undefined, 'NotIn', ['a'], true],
    [undefined, 'NotIn', [], false],
    ['', 'Exists', [], true],
    [undefined, 'Exists', [], false],
    ['a', 'Exists', ['a'], false],
    [undefined, 'DoesNotExist', [], true],
    ['', 'DoesNotExist', [], false],
    [undefined, 'DoesNotExist', ['a'], false],
    ['3', 'Gt', ['2'], true],
    ['2', 'Gt', ['2'], false],
    ['10', 'Gt', ['9'], true],
    ['-1', 'Gt', ['-2'], true],
    ['+3', 'Gt', ['2'], true],
    ['1', 'Lt', ['2'], true],
    ['2', 'Lt', ['2'], false],
    [undefined, 'Lt', ['2'], false],
    ['', 'Lt', ['2'], false],
    ['1.5', 'Gt', ['1'], false],
    ['0x10', 'Gt', ['1'], false],
    ['1e3', 'Gt', ['1'], false],
    ['3', 'Gt', ['two'], false],
    ['3', 'Gt', [], false],
    ['3', 'Gt', ['1', '2'], false],
    ['9007199254740993', 'Gt', ['9007199254740992'], true],
    ['9223372036854775807', 'Gt', ['9223372036854775806'], true],
    ['9223372036854775808', 'Gt', ['1'], false],
    ['a', 'Like', ['a'], false],
  ];
  it.each(rows)('%j %s %j: %s', (value, operator, values, met) => {
    expect(meetsOperator(value, operator, values)).toBe(met);
  });
});

describe('a label selector', () => {
  const rows: readonly [
    name: string,
    selector: LabelSelector,
    labels: Record<string, string> | undefined,
    matches: boolean,
  ][] = [
    ['empty', {}, { app: 'web' }, true],
    ['empty, no labels', {}, undefined, true],
    ['all pairs', { matchLabels: { app: 'web', tier: 'front' } }, { app: 'web' }, false],
    [
      'pairs and expressions together',
      {
        matchLabels: { app: 'web' },
        matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['back'] }],
      },
      { app: 'web', tier: 'back' },
      false,
    ],
    [
      'a label named like a property of every object',
      { matchExpressions: [{ key: 'constructor', operator: 'Exists' }] },
      {},
      false,
    ],
    [
      'no comparison of numbers',
      { matchExpressions: [{ key: 'n', operator: 'Gt', values: ['1'] }] },
      { n: '2' },
      false,
    ],
  ];
  it.each(rows)('%s', (_name, selector, labels, matches) => {
    expect(matchesSelector(selector, labels)).toBe(matches);
  });

  it('as a map wants every pair', () => {
    expect(hasLabels({ app: 'web' }, { app: 'web', tier: 'front' })).toBe(true);
    expect(hasLabels({ app: 'web' }, { tier: 'front' })).toBe(false);
    expect(hasLabels({}, undefined)).toBe(true);
  });

  const texts: readonly [text: string, labels: Record<string, string>, matches: boolean][] = [
    ['a=b', { a: 'b' }, true],
    ['a==b', { a: 'c' }, false],
    ['a!=b', {}, true],
    ['a in (b,c)', { a: 'c' }, true],
    ['a notin (b,c)', { a: 'c' }, false],
    ['a', { a: '' }, true],
    ['!a', { a: '' }, false],
    ['toString', {}, false],
    ['a>1', { a: '2' }, true],
    ['a<1', { a: '2' }, false],
    ['a>1', { a: 'two' }, false],
  ];
  it.each(texts)('of the text %s on %j: %s', (text, labels, matches) => {
    expect(matchesLabels(parseLabelSelector(text), labels)).toBe(matches);
  });
});

describe('a term of a node selector', () => {
  const node = { name: 'node-1', labels: { disk: 'ssd', cores: '8' } };
  const rows: readonly [name: string, term: NodeTerm, matches: boolean][] = [
    ['empty', {}, false],
    ['without expressions', { matchExpressions: [], matchFields: [] }, false],
    ['a label', { matchExpressions: [{ key: 'disk', operator: 'In', values: ['ssd'] }] }, true],
    ['a number', { matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['10'] }] }, false],
    [
      'all of its expressions',
      {
        matchExpressions: [
          { key: 'disk', operator: 'Exists' },
          { key: 'gpu', operator: 'Exists' },
        ],
      },
      false,
    ],
    [
      'the name',
      { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] },
      true,
    ],
    [
      'another name',
      { matchFields: [{ key: 'metadata.name', operator: 'NotIn', values: ['node-1'] }] },
      false,
    ],
    [
      'two names, which the field does not take',
      { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1', 'node-2'] }] },
      false,
    ],
    [
      'an operator fields have not',
      { matchFields: [{ key: 'metadata.name', operator: 'Exists' }] },
      false,
    ],
    [
      'a field nodes have not',
      { matchFields: [{ key: 'metadata.uid', operator: 'In', values: ['node-1'] }] },
      false,
    ],
    [
      'label and name',
      {
        matchExpressions: [{ key: 'disk', operator: 'In', values: ['hdd'] }],
        matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }],
      },
      false,
    ],
  ];
  it.each(rows)('%s', (_name, term, matches) => {
    expect(matchesNodeTerm(term, node)).toBe(matches);
  });

  it('asks no name of a node that is known by its labels alone', () => {
    const term = { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] };
    expect(matchesNodeTerm(term, { labels: {} })).toBe(true);
  });

  it('does when one of several does; none is no match', () => {
    const term = (value: string): NodeTerm => ({
      matchExpressions: [{ key: 'disk', operator: 'In', values: [value] }],
    });
    expect(matchesNodeSelector({ nodeSelectorTerms: [term('hdd'), term('ssd')] }, node)).toBe(true);
    expect(matchesNodeSelector({ nodeSelectorTerms: [] }, node)).toBe(false);
  });

  it('goes together with the nodeSelector of a pod', () => {
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'cores', operator: 'Lt', values: ['9'] }] },
          ],
        },
      },
    };
    expect(matchesRequiredNodeAffinity(undefined, node)).toBe(true);
    expect(matchesRequiredNodeAffinity({ affinity }, node)).toBe(true);
    expect(matchesRequiredNodeAffinity({ affinity, nodeSelector: { disk: 'ssd' } }, node)).toBe(
      true,
    );
    expect(matchesRequiredNodeAffinity({ affinity, nodeSelector: { disk: 'hdd' } }, node)).toBe(
      false,
    );
  });
});
