import { parseQuantity, responseText, StatusError } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { type Resource, resourceUrl } from '../discovery.ts';
import { asError, CommandError, throwCollected, UsageError } from '../errors.ts';
import { at, isJson, type Json, list, text } from '../json-view.ts';
import { JsonPathError, parseJsonPath, relaxedExpression } from '../print/jsonpath.ts';
import { goValue } from '../print/go-value.ts';
import { printerFor } from '../print/printers.ts';
import { emptyTableState, printTable } from '../print/table.ts';
import { fileFlags, fileOptions, namesFiles } from '../resources/manifests.ts';
import { isNotFound, manifestTargets, parseResourceArgs } from '../resources/select.ts';
import type { Session } from '../session.ts';
import { type Fetch, tableOptions } from './get-options.ts';
import { watchObjects } from './get-watch.ts';

const tableAccept =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

export const getCommand: CommandSpec = {
  name: 'get',
  interruptCode: (flags) => (flags.bool('watch') || flags.bool('watch-only') ? 1 : undefined),
  short: 'Display one or many resources',
  use: 'kubectl get [(-o|--output=)json|yaml|name|wide|…] (TYPE[.VERSION][.GROUP] [NAME | -l label] | TYPE[.VERSION][.GROUP]/NAME ...) [flags] [options]',
  flags: [
    ...fileFlags,
    'output|o:string',
    'template:string',
    'selector|l:string',
    'field-selector:string',
    'all-namespaces|A:bool',
    'watch|w:bool',
    'watch-only:bool',
    'output-watch-events:bool',
    'chunk-size:int=500',
    'ignore-not-found:bool',
    'no-headers:bool',
    'show-labels:bool',
    'show-kind:bool',
    'show-managed-fields:bool',
    'sort-by:string',
    'label-columns|L:strings',
    'server-print:bool=true',
    'raw:string',
    'subresource:string',
    'allow-missing-template-keys:bool=true',
  ],
  run: runGet,
};

async function runGet(session: Session): Promise<number> {
  const { flags, args } = session;
  if (flags.changed('raw')) return getRaw(session);
  const files = fileOptions(session);
  if (args.length === 0 && !namesFiles(files))
    throw new UsageError(
      `Required resource not specified.\nUse "kubectl explain <resource>" for a detailed description of that resource (e.g. kubectl explain pods).`,
      {
        before:
          'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.\n\n',
        hint: "See 'kubectl get -h' for help and examples",
      },
    );
  const output = flags.text('output') || (flags.changed('template') ? 'go-template' : '');
  const human = output === '' || output === 'wide';
  if (flags.bool('output-watch-events') && !flags.bool('watch') && !flags.bool('watch-only'))
    throw new CommandError(
      '--output-watch-events option can only be used with --watch or --watch-only',
    );
  if (!human) objectPrinter(session, output);
  const fetches = await whatToFetch(session);
  if (flags.bool('watch') || flags.bool('watch-only'))
    return watchObjects(
      session,
      fetches.items,
      human ? undefined : objectPrinter(session, output),
      tableAccept,
    );
  return human ? getTables(session, fetches.items) : getObjects(session, fetches, output);
}

async function getRaw(session: Session): Promise<number> {
  const { flags } = session;
  if (session.args.length > 0 || flags.changed('filename'))
    throw new UsageError('arguments may not be passed when --raw is specified');
  const path = flags.text('raw');
  if (!path.startsWith('/') && !/^https?:/.test(path)) throw new CommandError(`raw: invalid path`);
  session.out(
    await responseText(await session.api.send('GET', path, { accept: 'application/json, */*' })),
  );
  return 0;
}

function objectPrinter(session: Session, output: string) {
  return printerFor(output, {
    files: session.io.files,
    showManagedFields: session.flags.bool('show-managed-fields'),
    noHeaders: session.flags.bool('no-headers'),
    template: session.flags.text('template'),
    extraFormats: ['custom-columns', 'custom-columns-file', 'wide'],
  });
}

interface Fetches {
  readonly items: readonly Fetch[];
  /** One object was named, so that it is printed without a list around it. */
  readonly single: boolean;
}

async function whatToFetch(session: Session): Promise<Fetches> {
  const { flags } = session;
  const files = fileOptions(session);
  const all = flags.bool('all-namespaces');
  const scope = (resource: Resource): string =>
    resource.namespaced && !all ? session.namespace : '';
  if (namesFiles(files)) {
    const errors: Error[] = [];
    const targets = await manifestTargets(session, files, (error) => errors.push(error));
    throwCollected(errors);
    return { items: targets, single: targets.length === 1 };
  }
  const request = await parseResourceArgs(session, session.args);
  if (request.kind === 'types')
    return {
      items: request.resources.map((resource) => ({ resource, namespace: scope(resource) })),
      single: false,
    };
  if (flags.text('selector') !== '' || flags.text('field-selector') !== '')
    throw new CommandError('name cannot be provided when a selector is specified');
  if (all && request.items.some(({ resource }) => resource.namespaced))
    throw new CommandError('a resource cannot be retrieved by name across all namespaces');
  return {
    items: request.items.map(({ resource, name }) => ({
      resource,
      name,
      namespace: scope(resource),
    })),
    single: request.single,
  };
}

function listQuery(session: Session, limit: boolean): Record<string, string | number | undefined> {
  const { flags } = session;
  const size = flags.int('chunk-size');
  return {
    labelSelector: flags.text('selector') || undefined,
    fieldSelector: flags.text('field-selector') || undefined,
    limit: limit && size > 0 ? size : undefined,
  };
}

/** All pages of a read, as the given Accept header makes them. */
async function fetchPages(session: Session, fetch: Fetch, table: boolean): Promise<Json[]> {
  const { flags, api } = session;
  const sorted = flags.text('sort-by') !== '';
  const subresource = flags.text('subresource') || undefined;
  const url = resourceUrl(fetch.resource, fetch.namespace, fetch.name, subresource);
  const accept = table ? tableAccept : 'application/json';
  const include = table && sorted ? { includeObject: 'Object' } : {};
  if (fetch.name !== undefined) return [await api.get(url, include, accept)];
  const pages: Json[] = [];
  let token = '';
  do {
    let page: Json;
    try {
      page = await api.get(
        url,
        { ...listQuery(session, !sorted), ...include, ...(token ? { continue: token } : {}) },
        accept,
      );
    } catch (error) {
      throw explainSelector(error, session, fetch.resource);
    }
    pages.push(page);
    token = text(page, 'metadata', 'continue');
  } while (token !== '');
  return pages;
}

/** A list with selectors that the server rejects is told in words of its own. */
function explainSelector(error: unknown, session: Session, resource: Resource): unknown {
  const { flags } = session;
  const labels = flags.text('selector');
  const fields = flags.text('field-selector');
  if (!(error instanceof StatusError) || error.status.reason !== 'BadRequest') return error;
  const shown = `${resource.group}/${resource.version}, Resource=${resource.resource}`;
  const message =
    labels === '' && fields === ''
      ? `Unable to list "${shown}": ${error.message}`
      : `Unable to find "${shown}" that match label selector "${labels}", field selector "${fields}": ${error.message}`;
  return new StatusError({ ...error.status, message });
}

async function getTables(session: Session, fetches: readonly Fetch[]): Promise<number> {
  const { flags } = session;
  const errors: Error[] = [];
  const read: { fetch: Fetch; tables: Json[] }[] = [];
  for (const fetch of fetches)
    try {
      read.push({ fetch, tables: await fetchPages(session, fetch, flags.bool('server-print')) });
    } catch (error) {
      if (!(flags.bool('ignore-not-found') && isNotFound(error))) errors.push(asError(error));
    }
  const kinds = new Set(
    read.map(({ fetch: { resource } }) => `${resource.group}/${resource.kind}`),
  );
  const sortBy = flags.text('sort-by');
  let last: Resource | undefined;
  let written = false;
  let state = emptyTableState();
  for (const { fetch, tables } of read) {
    const { resource } = fetch;
    const sorted = sortBy === '' ? tables : sortTables(tables, sortBy);
    for (const table of sorted) {
      const isEmpty = list(table, 'rows').length + list(table, 'items').length === 0;
      if (isEmpty && (table['kind'] === 'Table' || Array.isArray(table['items']))) continue;
      if (
        last !== undefined &&
        (last.resource !== resource.resource || last.group !== resource.group)
      ) {
        if (written && !flags.bool('no-headers')) session.out('\n');
        state = emptyTableState();
      }
      last = resource;
      const shown = printTable(table, tableOptions(session, resource, kinds.size > 1), state);
      if (shown !== '') written = true;
      session.out(shown);
    }
  }
  if (!written && errors.length === 0 && !flags.bool('ignore-not-found')) {
    const namespaced =
      !flags.bool('all-namespaces') && fetches.every(({ resource }) => resource.namespaced);
    session.err(
      namespaced
        ? `No resources found in ${session.namespace} namespace.\n`
        : 'No resources found\n',
    );
  }
  throwCollected(errors);
  return 0;
}

async function getObjects(session: Session, fetches: Fetches, output: string): Promise<number> {
  const { flags } = session;
  const errors: Error[] = [];
  const objects: Json[] = [];
  const readList: Json[] = [];
  for (const fetch of fetches.items)
    try {
      for (const page of await fetchPages(session, fetch, false)) {
        if (fetch.name !== undefined) objects.push(page);
        else {
          readList.push(page);
          for (const item of list(page, 'items'))
            objects.push({
              ...(item as Json),
              apiVersion: session.groupVersion(fetch.resource),
              kind: fetch.resource.kind,
            });
        }
      }
    } catch (error) {
      if (!(flags.bool('ignore-not-found') && isNotFound(error))) errors.push(asError(error));
    }
  if (errors.length > 0 && objects.length === 0) throwCollected(errors);
  const sortBy = flags.text('sort-by');
  const sorted = sortBy === '' ? objects : sortObjects(objects, sortBy, (object) => object);
  const printer = objectPrinter(session, output);
  if (fetches.single && objects.length === 0 && flags.bool('ignore-not-found')) return 0;
  if (
    objects.length === 0 &&
    flags.bool('ignore-not-found') &&
    fetches.items.every(({ name }) => name !== undefined)
  )
    return 0;
  const [only] = sorted;
  if (fetches.single && sorted.length === 1 && only) session.out(printer(only));
  else if (output === 'name') session.out(sorted.map(printer).join(''));
  else if (/^custom-columns/.test(output) && sorted.length === 0 && !flags.bool('no-headers'))
    session.out(printer({ items: [] }));
  else
    session.out(
      printer({ apiVersion: 'v1', items: sorted, kind: 'List', metadata: { resourceVersion: '' } }),
    );
  throwCollected(errors);
  return 0;
}

/** Rows of all pages in the order of a field. */
function sortTables(tables: readonly Json[], path: string): Json[] {
  const [first] = tables;
  if (!first) return [];
  const rows = tables.flatMap((table) => list(table, 'rows') as Json[]);
  return [
    {
      ...first,
      rows: sortObjects(rows, path, (row) => (isJson(row['object']) ? row['object'] : {})),
    },
  ];
}

/** @throws CommandError no object has the field. @see kubectl pkg/cmd/get/sorter.go */
export function sortObjects<T>(
  items: readonly T[],
  path: string,
  objectOf: (item: T) => Json,
): T[] {
  let expression: string;
  try {
    expression = relaxedExpression(path);
    const parsed = parseJsonPath(expression);
    const keyed = items.map((item) => ({ item, key: at(parsed.find(objectOf(item)), 0, 0) }));
    if (keyed.length > 0 && keyed.every(({ key }) => key === undefined))
      throw new CommandError(
        `couldn't find any field with path "${expression}" in the list of objects`,
      );
    const ordered = keyed.map((entry, index) => ({ ...entry, index }));
    ordered.sort((a, b) => compareKeys(a.key, b.key) || a.index - b.index);
    return ordered.map(({ item }) => item);
  } catch (error) {
    if (error instanceof JsonPathError) throw new CommandError(error.message);
    throw error;
  }
}

function compareKeys(a: unknown, b: unknown): number {
  if (a === undefined || a === null) return b === undefined || b === null ? 0 : -1;
  if (b === undefined || b === null) return 1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  const [left, right] = [goValue(a), goValue(b)];
  try {
    const [x, y] = [parseQuantity(left).nano, parseQuantity(right).nano];
    return x < y ? -1 : x > y ? 1 : 0;
  } catch {
    return naturalCompare(left, right);
  }
}

/** Texts with numbers in them in the order of the numbers: `node2` before `node10`. */
function naturalCompare(a: string, b: string): number {
  const [left, right] = [a.match(/\d+|\D+/g) ?? [], b.match(/\d+|\D+/g) ?? []];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x = '', y = ''] = [left[i], right[i]];
    if (x === y) continue;
    if (/^\d/.test(x) && /^\d/.test(y) && Number(x) !== Number(y)) return Number(x) - Number(y);
    return x < y ? -1 : 1;
  }
  return left.length - right.length;
}
