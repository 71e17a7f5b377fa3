import { defer } from '#core/base';
import {
  type ApiResponse,
  badRequest,
  expired,
  failure,
  type ListMeta,
} from '../machinery/index.ts';
import {
  CompactedError,
  FutureRevisionError,
  prefixEnd,
  type RangeResult,
} from '../storage/index.ts';
import type { Call } from './call.ts';
import type { Served } from './catalog.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import {
  isSelected,
  type ListOptions,
  listOptionsOf,
  exactVersion,
  listVersion,
} from './list-options.ts';
import { jsonText } from './json-text.ts';
import { objectResponse, notAcceptable } from './negotiation.ts';
import { readCurrent } from './registry.ts';
import type { StoredObject } from './stored-object.ts';
import { includeObjectOf, partialMetadata, type Table, tableOf } from './table.ts';

/** Objects looked at before other work gets its turn. */
const chunkSize = 1000;
/** Rows of a Table that are made and written at once. */
const rowsPerPiece = 100;

/** Headers that carry what a call warned of. */
export function warningHeaders(warnings: readonly string[]): Record<string, string> {
  if (warnings.length === 0) return {};
  const texts = shortened([...new Set(warnings)]).map(
    (text) =>
      `299 - "${text
        .replaceAll('\\', '\\\\')
        .replaceAll('"', '\\"')
        .replaceAll(/[\r\n]+/g, ' ')}"`,
  );
  return { warning: texts.join(', ') };
}

const mostWarningLength = 4096;
const longestWarning = 256;

/** Many warnings are cut, one by one and in number, so that clients can read the header. @see endpoints/filters/warning.go */
function shortened(texts: readonly string[]): readonly string[] {
  if (texts.reduce((sum, text) => sum + text.length, 0) <= mostWarningLength) return texts;
  let length = 0;
  return texts
    .map((text) => text.slice(0, longestWarning))
    .filter((text) => (length += text.length) <= mostWarningLength);
}

/** Errors of forms that fit one object but not a list, and the other way round. @see handlers/response.go */
function notList({ custom, groupKind: { group, kind } }: Served): Error {
  return custom
    ? failure(500, '', 'content is not a list')
    : notAcceptable(
        `you requested PartialObjectMetadataList, but the requested object is not a list (*${packageOf(group)}.${kind})`,
      );
}

function isList({ custom, groupKind: { group, kind } }: Served): Error {
  const type = custom ? '*unstructured.UnstructuredList' : `*${packageOf(group)}.${kind}List`;
  return notAcceptable(
    `you requested PartialObjectMetadata, but the requested object is a list (${type})`,
  );
}

/** The Go package of a group's internal types. */
const packageOf = (group: string): string => (group === '' ? 'core' : (group.split('.')[0] ?? ''));

/** One object in the form the client asked for. */
export function respondObject(call: Call, status: number, stored: StoredObject): ApiResponse {
  const { form, served, context, info } = call;
  const { store } = context.options;
  const headers = warningHeaders(call.warnings);
  const { object } = stored;
  let response: ApiResponse;
  if (form.as === 'Table') {
    const meta: ListMeta = { resourceVersion: object.metadata.resourceVersion ?? '' };
    const include = includeObjectOf(info.query.get('includeObject'));
    const table = tableOf(served, [object], meta, form.version, include, {
      nowMs: context.options.clock.now(),
    });
    response = objectResponse(status, table.object, form, undefined, headers);
  } else if (form.as === 'PartialObjectMetadata')
    response = objectResponse(
      status,
      partialMetadata(served, object, form.version),
      form,
      undefined,
      headers,
    );
  else if (form.as !== undefined) throw notList(served);
  else response = objectResponse(status, object, form, () => [stored.json()], headers);
  if (call.request.method === 'GET' || call.request.method === 'HEAD') return response;
  const { revision } = store;
  return { ...response, durable: () => store.durable(revision) };
}

/** Answers GET of one object. */
export async function handleGet(call: Call): Promise<ApiResponse> {
  const { context, served, info } = call;
  const { store } = context.options;
  const asked = exactVersion(info.query.get('resourceVersion') ?? '');
  if (asked > store.revision) throw tooLarge(asked, store);
  const { view } = await readCurrent(context, served, info.namespace, info.name);
  return respondObject(call, 200, view);
}

export interface Listed {
  readonly items: readonly StoredObject[];
  readonly metadata: ListMeta;
}

const inconsistent =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

/** The objects a list asks for, with the list's metadata. @throws StatusError 400, 410, 504 */
export async function listStored(call: Call, given?: ListOptions): Promise<Listed> {
  const { context, served, info } = call;
  const options = given ?? listOptionsOf(served, info, false);
  const { store, clock } = context.options;
  const namespace = served.info.namespaced ? info.namespace : '';
  const prefix = namespace === '' ? served.prefix : `${served.prefix}${namespace}/`;
  let start = prefix;
  let revision = 0;
  // What any state may answer comes from the cache upstream, which knows no pages.
  const limit = options.resourceVersion === '0' ? 0 : Math.max(options.limit, 0);
  if (options.continue !== '') {
    if (options.resourceVersion !== '' && options.resourceVersion !== '0')
      throw badRequest('specifying resource version is not allowed when using continue');
    const token = decodeContinue(options.continue);
    start = prefix + token.start;
    if (token.resourceVersion > store.revision) throw tooLarge(token.resourceVersion, store);
    revision = Math.max(token.resourceVersion, 0);
  } else {
    const asked = listVersion(options.resourceVersion);
    if (asked > store.revision) throw tooLarge(asked, store);
    const exact = options.match === 'Exact' || (options.match === '' && limit > 0 && asked > 0n);
    revision = exact ? Number(asked) : 0;
  }
  const single = options.fields.find(
    ({ field, operator }) => field === 'metadata.name' && operator === '=',
  );
  let range: RangeResult<StoredObject>;
  try {
    if (single && namespace !== '' && limit === 0 && options.continue === '') {
      const kv = store.get(prefix + single.value, revision);
      range = { kvs: kv ? [kv] : [], count: kv ? 1 : 0, revision: revision || store.revision };
    } else range = store.range(start, prefixEnd(prefix), { revision });
  } catch (error) {
    if (error instanceof CompactedError) {
      if (options.continue === '')
        throw expired('The resourceVersion for the provided list is too old.');
      const token = encodeContinue({ resourceVersion: -1, start: start.slice(prefix.length) });
      const old = expired(inconsistent);
      throw Object.assign(old, {
        status: { ...old.status, metadata: { continue: token } },
      });
    }
    if (error instanceof FutureRevisionError) throw tooLarge(revision, store);
    throw error;
  }
  const all = options.labels.requirements.length === 0 && options.fields.length === 0;
  const items: StoredObject[] = [];
  const { kvs } = range;
  let at = 0;
  for (; at < kvs.length; at++) {
    if (limit > 0 && items.length === limit) break;
    const stored = (kvs[at] as (typeof kvs)[number]).value;
    const pending = context.catalog.view(stored, served);
    const view = pending instanceof Promise ? await pending : pending;
    if (all || isSelected(served, options, view.object)) items.push(view);
    if (at % chunkSize === chunkSize - 1 && !all)
      await new Promise<void>((resolve) => void defer(clock, resolve));
  }
  const next = kvs[at];
  return {
    items,
    metadata: {
      resourceVersion: String(range.revision),
      ...(next
        ? {
            continue: encodeContinue({
              resourceVersion: range.revision,
              start: `${kvs[at - 1]?.key.slice(prefix.length) ?? ''}\u0000`,
            }),
            ...(all ? { remainingItemCount: kvs.length - at } : {}),
          }
        : {}),
    },
  };
}

/** A revision that is not there yet: the client is to ask again. */
function tooLarge(asked: number | bigint, { revision }: { readonly revision: number }): Error {
  return failure(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${asked}, current: ${revision}`,
    {
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterSeconds: 1,
    },
  );
}

/** Answers a list. */
export async function handleList(call: Call): Promise<ApiResponse> {
  return respondList(call, await listStored(call));
}

/** A list in the form the client asked for. */
export function respondList(call: Call, { items, metadata }: Listed): ApiResponse {
  const { form, served, context, info } = call;
  const { clock } = context.options;
  const headers = warningHeaders(call.warnings);
  const objects = items.map(({ object }) => object);
  if (form.as === 'Table') {
    const include = includeObjectOf(info.query.get('includeObject'));
    const compare = served.strategy.table?.compare;
    const rows = compare ? objects.toSorted(compare) : objects;
    const table = tableOf(served, rows, metadata, form.version, include, { nowMs: clock.now() });
    const pieces = (): Iterable<string> => tablePieces(table, objects.length);
    return objectResponse(200, table.object, form, pieces, headers);
  }
  if (form.as !== undefined) {
    if (form.as === 'PartialObjectMetadata') throw isList(served);
    const list = {
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${form.version}`,
      metadata,
      // A Go slice that nothing was put into.
      items:
        objects.length === 0
          ? null
          : objects.map((object) => partialMetadata(served, object, form.version)),
    };
    return objectResponse(200, list, form, undefined, headers);
  }
  if (served.custom) return customList(call, metadata, items);
  const list = {
    kind: `${served.info.kind}List`,
    apiVersion: served.groupVersion,
    metadata,
    items: objects,
  };
  // Outside the process items of built-in lists carry no kind of their own, as Go's types have it.
  const shown =
    form.media === 'json' && !form.pretty
      ? list
      : { ...list, items: objects.map(({ kind: _, apiVersion: __, ...rest }): object => rest) };
  return objectResponse(200, shown, form, () => listPieces(list, items), headers);
}

/** Custom objects are maps in Go, and so is their list: keys come in order. */
function customList(call: Call, metadata: ListMeta, items: readonly StoredObject[]): ApiResponse {
  const { form, served, warnings } = call;
  const { continue: token = '', remainingItemCount, resourceVersion } = metadata;
  const head = {
    apiVersion: served.groupVersion,
    items: items.map(({ object }) => object),
    kind: `${served.info.kind}List`,
    metadata: {
      continue: token,
      ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
      resourceVersion,
    },
  };
  return objectResponse(
    200,
    head,
    form,
    function* () {
      yield `{"apiVersion":${jsonText(head.apiVersion)},"items":[`;
      yield* joinedPieces(items, (item) => item.json());
      yield `],"kind":${jsonText(head.kind)},"metadata":${jsonText(head.metadata)}}`;
    },
    warningHeaders(warnings),
  );
}

function* listPieces(
  list: { readonly kind: string; readonly apiVersion: string; readonly metadata: ListMeta },
  items: readonly StoredObject[],
): Iterable<string> {
  const { kind, apiVersion, metadata } = list;
  yield `{"kind":${jsonText(kind)},"apiVersion":${jsonText(apiVersion)},"metadata":${jsonText(metadata)},"items":[`;
  yield* joinedPieces(items, (item) => `{${item.json().slice(kindPrefix(item.object).length)}`);
  yield ']}';
}

/** Texts with commas between them, in pieces worth writing. */
function* joinedPieces(
  items: readonly StoredObject[],
  textOf: (item: StoredObject) => string,
): Iterable<string> {
  let piece = '';
  for (const [index, item] of items.entries()) {
    piece += `${index === 0 ? '' : ','}${textOf(item)}`;
    if (piece.length <= 65_536) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

/** What every encoded object begins with. */
function kindPrefix(object: { readonly kind: string; readonly apiVersion: string }): string {
  return `{"kind":${JSON.stringify(object.kind)},"apiVersion":${JSON.stringify(object.apiVersion)},`;
}

function* tablePieces({ head, rows, object }: Table, count: number): Iterable<string> {
  if (count === 0 && object.rows === null) {
    yield jsonText(object);
    return;
  }
  yield `${jsonText(head).slice(0, -1)},"rows":[`;
  for (let at = 0; at < count; at += rowsPerPiece)
    yield (
      (at === 0 ? '' : ',') +
      rows(at, at + rowsPerPiece)
        .map((row) => jsonText(row))
        .join(',')
    );
  yield ']}';
}
