import { defer, fromBase64, fromUtf8, toBase64, utf8 } from '#core/base';
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
import {
  isSelected,
  type ListOptions,
  listOptionsOf,
  parseResourceVersion,
} from './list-options.ts';
import { objectResponse, notAcceptable } from './negotiation.ts';
import { readCurrent } from './registry.ts';
import type { StoredObject } from './stored-object.ts';
import { includeObjectOf, partialMetadata, type Table, tableOf } from './table.ts';

/** Objects looked at before other work gets its turn. */
const chunkSize = 1000;
/** Rows of a Table that are made and written at once. */
const rowsPerPiece = 100;

/** Headers that carry what the call warned of. */
export function warningHeaders(call: Call): Record<string, string> {
  if (call.warnings.length === 0) return {};
  const texts = [...new Set(call.warnings)].map(
    (text) =>
      `299 - "${text
        .replaceAll('\\', '\\\\')
        .replaceAll('"', '\\"')
        .replaceAll(/[\r\n]+/g, ' ')}"`,
  );
  return { warning: texts.join(', ') };
}

/** One object in the form the client asked for. */
export function respondObject(call: Call, status: number, stored: StoredObject): ApiResponse {
  const { form, served, context, info } = call;
  const { store } = context.options;
  const headers = warningHeaders(call);
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
      partialMetadata(object, form.version),
      form,
      undefined,
      headers,
    );
  else if (form.as !== undefined) throw notAcceptable();
  else response = objectResponse(status, object, form, () => [stored.json()], headers);
  if (call.request.method === 'GET' || call.request.method === 'HEAD') return response;
  const { revision } = store;
  return { ...response, durable: () => store.durable(revision) };
}

/** Answers GET of one object. */
export async function handleGet(call: Call): Promise<ApiResponse> {
  const { context, served, info } = call;
  const { view } = await readCurrent(context, served, info.namespace, info.name);
  return respondObject(call, 200, view);
}

export interface Listed {
  readonly items: readonly StoredObject[];
  readonly metadata: ListMeta;
}

interface Token {
  readonly resourceVersion: number;
  /** The first key of the next page, below the prefix. */
  readonly start: string;
}

const inconsistent =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';

function encodeToken(token: Token): string {
  return toBase64(
    utf8(JSON.stringify({ v: 'meta.k8s.io/v1', rv: token.resourceVersion, start: token.start })),
  )
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function decodeToken(text: string): Token {
  let value: { v?: string; rv?: number; start?: string };
  try {
    value = JSON.parse(
      fromUtf8(fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'))),
    ) as typeof value;
  } catch {
    let decoded = '';
    try {
      decoded = fromUtf8(fromBase64(text.replaceAll('-', '+').replaceAll('_', '/')));
    } catch {
      throw badRequest(
        `invalid continue token: continue key is not valid: illegal base64 data at input byte ${text.length}`,
      );
    }
    throw badRequest(
      `invalid continue token: continue key is not valid: invalid character '${decoded.slice(0, 1)}' looking for beginning of value`,
    );
  }
  if (value.v !== 'meta.k8s.io/v1')
    throw badRequest(
      `invalid continue token: continue key is not valid: server does not recognize this encoded version ${JSON.stringify(value.v ?? '')}`,
    );
  if (!value.rv)
    throw badRequest(
      'invalid continue token: continue key is not valid: incorrect encoded start resourceVersion (version meta.k8s.io/v1)',
    );
  return { resourceVersion: value.rv, start: value.start ?? '' };
}

/** The objects a list asks for, with the list's metadata. @throws StatusError 400, 410, 504 */
export async function listStored(call: Call, given?: ListOptions): Promise<Listed> {
  const { context, served, info } = call;
  const options = given ?? listOptionsOf(served, info.query, false);
  const { store, clock } = context.options;
  const namespace = served.info.namespaced ? info.namespace : '';
  const prefix = namespace === '' ? served.prefix : `${served.prefix}${namespace}/`;
  let start = prefix;
  let revision = 0;
  if (options.continue !== '') {
    if (options.resourceVersion !== '' && options.resourceVersion !== '0')
      throw badRequest('specifying resource version is not allowed when using continue');
    const token = decodeToken(options.continue);
    start = prefix + token.start;
    revision = token.resourceVersion > 0 ? token.resourceVersion : 0;
  } else {
    const asked = parseResourceVersion(options.resourceVersion);
    if (asked > store.revision) throw tooLarge(asked, store.revision);
    const exact =
      options.match === 'Exact' || (options.match === '' && options.limit > 0 && asked > 0);
    revision = exact ? asked : 0;
  }
  const single = options.fields.find(
    ({ field, operator }) => field === 'metadata.name' && operator === '=',
  );
  let range: RangeResult<StoredObject>;
  try {
    if (single && namespace !== '' && options.limit === 0) {
      const kv = store.get(prefix + single.value, revision);
      range = { kvs: kv ? [kv] : [], count: kv ? 1 : 0, revision: revision || store.revision };
    } else range = store.range(start, prefixEnd(prefix), { revision });
  } catch (error) {
    if (error instanceof CompactedError) {
      if (options.continue === '')
        throw expired('The resourceVersion for the provided list is too old.');
      const token = encodeToken({ resourceVersion: -1, start: start.slice(prefix.length) });
      const old = expired(inconsistent);
      throw Object.assign(old, {
        status: {
          ...old.status,
          metadata: { resourceVersion: String(store.revision), continue: token },
        },
      });
    }
    if (error instanceof FutureRevisionError) throw tooLarge(revision, store.revision);
    throw error;
  }
  const all = options.labels.requirements.length === 0 && options.fields.length === 0;
  const items: StoredObject[] = [];
  const { kvs } = range;
  let at = 0;
  for (; at < kvs.length; at++) {
    if (options.limit > 0 && items.length === options.limit) break;
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
            continue: encodeToken({
              resourceVersion: range.revision,
              start: next.key.slice(prefix.length),
            }),
            ...(all ? { remainingItemCount: kvs.length - at } : {}),
          }
        : {}),
    },
  };
}

/** A revision that is not there yet: the client is to ask again. */
export function tooLarge(asked: number, current: number): Error {
  return failure(
    504,
    'Timeout',
    `Timeout: Too large resource version: ${asked}, current: ${current}`,
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
  const headers = warningHeaders(call);
  const objects = items.map(({ object }) => object);
  if (form.as === 'Table') {
    const include = includeObjectOf(info.query.get('includeObject'));
    const table = tableOf(served, objects, metadata, form.version, include, { nowMs: clock.now() });
    const pieces = (): Iterable<string> => tablePieces(table, objects.length);
    return objectResponse(200, table.object, form, pieces, headers);
  }
  if (form.as !== undefined) {
    if (form.as === 'PartialObjectMetadata') throw notAcceptable();
    const list = {
      kind: 'PartialObjectMetadataList',
      apiVersion: `meta.k8s.io/${form.version}`,
      metadata,
      items: objects.map((object) => partialMetadata(object, form.version)),
    };
    return objectResponse(200, list, form, undefined, headers);
  }
  const list = {
    kind: `${served.info.kind}List`,
    apiVersion: served.groupVersion,
    metadata,
    items: objects,
  };
  // Outside the process items of built-in lists carry no kind of their own, as Go's types have it.
  const shown =
    served.custom || (form.media === 'json' && !form.pretty)
      ? list
      : { ...list, items: objects.map(({ kind: _, apiVersion: __, ...rest }): object => rest) };
  return objectResponse(200, shown, form, () => listPieces(list, items, served.custom), headers);
}

function* listPieces(
  list: { readonly kind: string; readonly apiVersion: string; readonly metadata: ListMeta },
  items: readonly StoredObject[],
  withKind: boolean,
): Iterable<string> {
  const { kind, apiVersion, metadata } = list;
  yield `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${JSON.stringify(metadata)},"items":[`;
  let piece = '';
  for (let index = 0; index < items.length; index++) {
    const item = items[index] as StoredObject;
    const json = item.json();
    const skipped = withKind ? 1 : kindPrefix(item.object).length;
    piece += `${index === 0 ? '' : ','}{${json.slice(skipped)}`;
    if (piece.length > 65_536) {
      yield piece;
      piece = '';
    }
  }
  yield `${piece}]}`;
}

/** What every encoded object begins with. */
function kindPrefix(object: { readonly kind: string; readonly apiVersion: string }): string {
  return `{"kind":${JSON.stringify(object.kind)},"apiVersion":${JSON.stringify(object.apiVersion)},`;
}

function* tablePieces({ head, rows }: Table, count: number): Iterable<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"rows":[`;
  for (let at = 0; at < count; at += rowsPerPiece)
    yield (
      (at === 0 ? '' : ',') +
      rows(at, at + rowsPerPiece)
        .map((row) => JSON.stringify(row))
        .join(',')
    );
  yield ']}';
}
