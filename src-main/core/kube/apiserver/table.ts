import type { DeepReadonly } from '#core/base';
import type { StrategyContext, TableColumn } from '../apis/index.ts';
import { badRequest, invalidValue, type KubeObject, type ListMeta } from '../machinery/index.ts';
import type { Served } from './catalog.ts';
import { typedMeta } from './object-order.ts';

const nameDescription =
  'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names';
const creationDescription =
  'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata';

const defaultColumns: readonly TableColumn[] = [
  { name: 'Name', type: 'string', format: 'name', description: nameDescription, priority: 0 },
  { name: 'Created At', type: 'date', format: '', description: creationDescription, priority: 0 },
];

/** How much of each object a Table's rows carry. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** @throws StatusError 400 */
export function includeObjectOf(value: string | null): IncludeObject {
  if (value === null || value === '') return 'Metadata';
  if (value === 'None' || value === 'Metadata' || value === 'Object') return value;
  const { field, message } = invalidValue(
    'includeObject',
    value,
    "must be 'Metadata', 'Object', 'None', or empty",
  );
  throw badRequest(`Unable to convert to Table as requested: ${field ?? ''}: ${message ?? ''}`);
}

/** What a Table says before its rows. */
export interface TableHead {
  readonly kind: 'Table';
  readonly apiVersion: string;
  readonly metadata: ListMeta;
  /** Null in all events of a watch but the first. */
  readonly columnDefinitions: readonly TableColumn[] | null;
}

export interface TableRow {
  readonly cells: readonly unknown[];
  /** Null when the client wants none. */
  readonly object: object | null;
}

export interface Table {
  readonly head: TableHead;
  /** Rows from one position to another; made when they are asked for, as there may be thousands. */
  readonly rows: (from?: number, to?: number) => readonly TableRow[];
  /**
   * Head and rows as one object; its rows are made when they are looked at. A kind without columns of its own is printed
   * into a slice that stays nil.
   */
  readonly object: TableHead & { readonly rows: readonly TableRow[] | null };
}

/** The Table of some objects. */
export function tableOf(
  served: Served,
  objects: readonly DeepReadonly<KubeObject>[],
  metadata: ListMeta,
  version: 'v1' | 'v1beta1',
  include: IncludeObject,
  context: StrategyContext,
  withColumns = true,
): Table {
  const table = served.strategy.table;
  const columns = table ? table.columns : defaultColumns;
  const head: TableHead = {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: withColumns ? columns : null,
  };
  const rowOf = (object: DeepReadonly<KubeObject>): TableRow => ({
    cells: table
      ? table.cells(object, context)
      : [object.metadata.name, object.metadata.creationTimestamp],
    ...(include === 'None'
      ? { object: null }
      : { object: include === 'Object' ? object : partialMetadata(served, object, version) }),
  });
  const rows = (from = 0, to = objects.length): readonly TableRow[] =>
    objects.slice(from, to).map(rowOf);
  const isNil = objects.length === 0 && columns.length === 2 && columns[1]?.name === 'Created At';
  let all: readonly TableRow[] | null | undefined = isNil ? null : undefined;
  const object = {
    ...head,
    get rows(): readonly TableRow[] | null {
      if (all === undefined) all = rows();
      return all;
    },
  };
  return { head, rows, object };
}

/** The object's metadata alone. */
export function partialMetadata(
  { custom }: Served,
  object: DeepReadonly<KubeObject>,
  version: 'v1' | 'v1beta1',
): object {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: `meta.k8s.io/${version}`,
    metadata: custom ? typedMeta(object.metadata) : object.metadata,
  };
}
