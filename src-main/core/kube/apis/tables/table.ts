import type { DeepReadonly } from '#core/base';

import {
  formatSelector as printLabelSelector,
  humanDuration,
  type KubeObject,
  type LabelSelector,
  selectorOf,
} from '../../machinery/index.ts';
import type { KindStrategy, StrategyContext, TableColumn } from '../kind-strategy.ts';
import type { Container } from '../kinds/core/pod-types.ts';

export type Table = NonNullable<KindStrategy['table']>;
export type Shared = DeepReadonly<KubeObject>;

const descriptions: Readonly<Record<string, string>> = {
  Name: 'Name of the object, unique among its kind in its namespace.',
  Age: 'Time since the object was created.',
  Containers: 'Names of the containers.',
  Images: 'Images of the containers.',
  Selector: 'Labels by which pods are picked.',
  Status: 'State the object is in.',
  Ready: 'How many are ready, of how many.',
  Restarts: 'How often containers were restarted, and when last.',
};

/**
 * Columns from short notes: `Ready`, `Desired:integer`, `+IP` (with `-o wide` only). The column `Name` has format `name`.
 */
export function columns(...notes: readonly string[]): TableColumn[] {
  return notes.map((note) => {
    const wide = note.startsWith('+');
    const [name = '', type = 'string', format = name === 'Name' ? 'name' : ''] = note
      .slice(wide ? 1 : 0)
      .split(':');
    return {
      name,
      type: type as TableColumn['type'],
      format,
      description: descriptions[name] ?? `${name} of the object.`,
      priority: wide ? 1 : 0,
    };
  });
}

/** Time since an RFC 3339 instant. */
export function since(time: string | undefined | null, { nowMs }: StrategyContext): string {
  if (!time) return '<unknown>';
  const ms = Date.parse(time);
  return Number.isNaN(ms) ? '<unknown>' : humanDuration(nowMs - ms);
}

export const age = (object: Shared, context: StrategyContext): string =>
  since(object.metadata.creationTimestamp, context);

export const nameOf = (object: Shared): string => object.metadata.name ?? '';

const sorted = (map: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));

/** `a=b,c=d`, `<none>` when there are none. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const text = sorted(labels ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
  return text === '' ? '<none>' : text;
}

/** A selector as `labels.Selector` prints it: requirements by key. */
export const selectorText = (selector: LabelSelector | undefined): string =>
  printLabelSelector(selectorOf(selector));

/** As `selectorText`, but `<none>` for one that is empty. */
export const formatSelector = (selector: LabelSelector | undefined): string => {
  const text = selectorText(selector);
  return text === '' ? '<none>' : text;
};

/** The cells `Containers` and `Images`. */
export function containerCells(containers: readonly Container[] | undefined): [string, string] {
  const list = containers ?? [];
  return [
    list.map(({ name }) => name ?? '').join(','),
    list.map(({ image }) => image ?? '').join(','),
  ];
}

/** A table of name, one or more simple cells, and age. */
export function simpleTable(
  notes: readonly string[],
  cells: (object: Shared, context: StrategyContext) => unknown[],
): Table {
  return { columns: columns(...notes), cells };
}
