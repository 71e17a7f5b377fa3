import { humanDuration } from '#core/kube';
import { qualifiedKind, type Resource } from '../discovery.ts';
import {
  isJson,
  type Json,
  list,
  nameOf,
  namespaceOf,
  num,
  sortedKeys,
  strings,
  text,
} from '../json-view.ts';
import { alignTable } from '../tab-writer.ts';

export interface TableOptions {
  readonly wide: boolean;
  readonly noHeaders: boolean;
  readonly withNamespace: boolean;
  readonly withKind: boolean;
  readonly showLabels: boolean;
  readonly labelColumns: readonly string[];
  readonly resource: Resource;
  readonly nowMs: number;
  /** In front of each row, for `--output-watch-events`. */
  readonly event?: string;
}

/** What is kept between two prints of one kind: column widths, and whether headers were printed. */
export interface TableState {
  readonly widths: number[];
  headersPrinted: boolean;
}

export function emptyTableState(): TableState {
  return { widths: [], headersPrinted: false };
}

/**
 * A Table as `kubectl get` prints it; an answer that is no Table is shown by name and age.
 * @see k8s.io/cli-runtime/pkg/printers/tableprinter.go
 */
export function printTable(answer: Json, options: TableOptions, state: TableState): string {
  const table = answer['kind'] === 'Table' ? answer : fallbackTable(answer, options.nowMs);
  const columns = list(table, 'columnDefinitions')
    .map((column, index) => ({ column, index }))
    .filter(({ column }) => options.wide || num(column, 'priority') === 0);
  const rows: string[][] = [];
  if (!options.noHeaders && !state.headersPrinted) {
    state.headersPrinted = true;
    rows.push([
      ...(options.event === undefined ? [] : ['EVENT']),
      ...(options.withNamespace ? ['NAMESPACE'] : []),
      ...columns.map(({ column }) => text(column, 'name').toUpperCase()),
      ...options.labelColumns.map((label) => (label.split('/').at(-1) ?? '').toUpperCase()),
      ...(options.showLabels ? ['LABELS'] : []),
    ]);
  }
  for (const row of list(table, 'rows')) {
    const object = isJson(row) && isJson(row['object']) ? row['object'] : {};
    const labels = strings(object, 'metadata', 'labels');
    const cells = list(row, 'cells');
    rows.push([
      ...(options.event === undefined ? [] : [options.event]),
      ...(options.withNamespace ? [namespaceOf(object)] : []),
      ...columns.map(({ column, index }) => {
        const cell = cellText(cells[index]);
        const isName = text(column, 'format') === 'name' && text(column, 'type') === 'string';
        return isName && options.withKind ? `${qualifiedKind(options.resource)}/${cell}` : cell;
      }),
      ...options.labelColumns.map((label) => labels[label] ?? ''),
      ...(options.showLabels ? [formatLabels(labels)] : []),
    ]);
  }
  return alignTable(rows, state.widths);
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell === 'string') {
    const cut = cell.search(/[\f\n\r]/);
    return cut < 0 ? cell : `${cell.slice(0, cut)}...`;
  }
  return typeof cell === 'object' ? JSON.stringify(cell) : JSON.stringify(cell);
}

export function formatLabels(labels: Readonly<Record<string, string>>): string {
  const keys = sortedKeys(labels);
  return keys.length === 0 ? '<none>' : keys.map((key) => `${key}=${labels[key] ?? ''}`).join(',');
}

/** How old an object is; `<unknown>` without a creation time. */
export function ageOf(timestamp: string, nowMs: number): string {
  const created = Date.parse(timestamp);
  return Number.isNaN(created) ? '<unknown>' : humanDuration(nowMs - created);
}

function fallbackTable(answer: Json, nowMs: number): Json {
  const objects = Array.isArray(answer['items']) ? (list(answer, 'items') as Json[]) : [answer];
  return {
    kind: 'Table',
    columnDefinitions: [
      { name: 'Name', type: 'string', format: 'name', priority: 0 },
      { name: 'Age', type: 'string', priority: 0 },
    ],
    rows: objects.map((object) => ({
      cells: [nameOf(object), ageOf(text(object, 'metadata', 'creationTimestamp'), nowMs)],
      object,
    })),
  };
}
