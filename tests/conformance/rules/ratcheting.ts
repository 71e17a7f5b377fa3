import { definitionsUrl } from '../patches/definition.ts';
import type { Step } from '../patches/side.ts';
import type { Fields } from '../patches/subjects.ts';
import { pair } from './experiments.ts';
import { definition, group, integer, keyed, list, object, ruled, withSpec } from './schemas.ts';

const oldUrl = `/apis/${group}/v1/olds`;
const oldParts = (a: Fields, l: Fields, c: Fields): Fields =>
  object({ a, b: integer, l: list(l, { ...keyed, maxItems: 5 }), c: object({ d: c, e: integer }) });
const looseParts = oldParts(integer, pair, integer);
const strictParts = {
  ...oldParts(ruled(integer, 'self > 5'), ruled(pair, 'self.v > 5'), { ...integer, minimum: 5 }),
  'x-kubernetes-validations': [{ rule: 'self.a > 7', message: 'a is small' }],
};
const oldObject = (name: string): object => ({
  apiVersion: `${group}/v1`,
  kind: 'Old',
  metadata: { name },
  spec: { a: 1, b: 1, l: [{ k: 'x', v: 1 }], c: { d: 1, e: 1 } },
});
const change = (...operations: readonly (readonly [path: string, value: unknown])[]): Step => ({
  method: 'PATCH',
  url: `${oldUrl}/kept`,
  type: 'application/json-patch+json',
  body: operations.map(([path, value]) => ({ op: 'add', path: `/spec/${path}`, value })),
});

/** Rules that come to a definition when there are objects already that do not keep them. */
export const ratchetSteps: readonly Step[] = [
  { method: 'POST', url: definitionsUrl, body: definition('olds', withSpec(looseParts)) },
  { method: 'GET', url: oldUrl, until: 'List"' },
  { method: 'POST', url: oldUrl, body: oldObject('kept') },
  {
    method: 'PATCH',
    url: `${definitionsUrl}/olds.${group}`,
    type: 'application/json-patch+json',
    body: [
      {
        op: 'replace',
        path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec',
        value: strictParts,
      },
    ],
  },
  { method: 'POST', url: `${oldUrl}?dryRun=All`, body: oldObject('new'), until: 'is invalid' },
  change(['b', 2]),
  change(['a', 2]),
  change(['a', 9]),
  change([
    'l',
    [
      { k: 'x', v: 1 },
      { k: 'y', v: 9 },
    ],
  ]),
  change(['l', [{ k: 'x', v: 2 }]]),
  change(['l', [{ k: 'z', v: 1 }]]),
  change(['c', { d: 1, e: 2 }]),
  change(['c', { d: 2, e: 2 }]),
  change(['c', { d: 9, e: 2 }]),
  { method: 'DELETE', url: `${oldUrl}/kept` },
  { method: 'DELETE', url: `${definitionsUrl}/olds.${group}` },
];
