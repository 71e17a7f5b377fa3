import { encodeBytes, readText, toBase64 } from '#core/base';
import {
  etcdBytesOf,
  type KeyValue,
  prefixEnd,
  type Store,
  type StoreTransaction,
  type StoredObject,
  storedObjectOf,
} from '#core/kube';
import { EtcdctlError, RpcError } from './etcd-client.ts';
import type { EtcdService } from './etcd.ts';
import {
  checkFormat,
  connect,
  type EtcdctlCall,
  type EtcdctlCommand,
  headerFields,
  headerOf,
  print,
  rpc,
} from './etcdctl-command.ts';
import { leaseNumber, leaseText } from './etcdctl-lease.ts';
import { goQuote, hexEscaped } from './etcd-text.ts';
import type { Flags, FlagSpec } from './flags.ts';

type Kv = KeyValue<StoredObject>;
type Piece = string | Uint8Array;

interface RangeQuery {
  readonly start: string;
  readonly end: string;
  readonly revision: number;
  readonly limit: number;
  readonly target: string;
  readonly order: string;
  readonly keysOnly: boolean;
  readonly minModRevision: number;
  readonly maxModRevision: number;
  readonly minCreateRevision: number;
  readonly maxCreateRevision: number;
}

interface RangeAnswer {
  readonly kvs: readonly Kv[];
  readonly more: boolean;
  readonly count: number;
  readonly keysOnly: boolean;
}

const getFlags: readonly FlagSpec[] = [
  { name: 'prefix', kind: 'bool' },
  { name: 'keys-only', kind: 'bool' },
  { name: 'count-only', kind: 'bool' },
  { name: 'print-value-only', kind: 'bool' },
  { name: 'from-key', kind: 'bool' },
  { name: 'limit', kind: 'int' },
  { name: 'rev', kind: 'int' },
  { name: 'sort-by', kind: 'string' },
  { name: 'order', kind: 'string' },
  { name: 'consistency', kind: 'string' },
  { name: 'min-mod-rev', kind: 'int' },
  { name: 'max-mod-rev', kind: 'int' },
  { name: 'min-create-rev', kind: 'int' },
  { name: 'max-create-rev', kind: 'int' },
];
const putFlags: readonly FlagSpec[] = [
  { name: 'lease', kind: 'string' },
  { name: 'prev-kv', kind: 'bool' },
  { name: 'ignore-value', kind: 'bool' },
  { name: 'ignore-lease', kind: 'bool' },
];
const deleteFlags: readonly FlagSpec[] = [
  { name: 'prefix', kind: 'bool' },
  { name: 'prev-kv', kind: 'bool' },
  { name: 'from-key', kind: 'bool' },
  { name: 'range', kind: 'bool' },
];

/** The keys [start, end) that a command names. @throws EtcdctlError the flags contradict each other. */
export function rangeOf(
  [key = '', end]: readonly string[],
  flags: Flags,
): { readonly start: string; readonly end: string } {
  const [prefix, fromKey] = [flags.bool('prefix', false), flags.bool('from-key', false)];
  if (prefix && fromKey)
    throw new EtcdctlError(
      '`--prefix` and `--from-key` cannot be set at the same time, choose one',
      128,
    );
  if (end !== undefined && (prefix || fromKey))
    throw new EtcdctlError(
      'too many arguments, only accept one argument when `--prefix` or `--from-key` is set',
      128,
    );
  if (prefix) return { start: key, end: key === '' ? '\0' : prefixEnd(key) };
  if (fromKey) return { start: key, end: '\0' };
  return { start: key, end: end ?? `${key}\0` };
}

const number = (flags: Flags, name: string): number => Number(flags.text(name) ?? 0);

function getQuery(args: readonly string[], flags: Flags): RangeQuery {
  if (args.length === 0)
    throw new EtcdctlError(
      'get command needs one argument as key and an optional argument as range_end',
      128,
    );
  const keysOnly = flags.bool('keys-only', false);
  if (keysOnly && flags.bool('count-only', false))
    throw new EtcdctlError(
      '`--keys-only` and `--count-only` cannot be set at the same time, choose one',
      128,
    );
  const consistency = flags.text('consistency') ?? 'l';
  if (consistency !== 'l' && consistency !== 's')
    throw new EtcdctlError(`unknown consistency flag ${JSON.stringify(consistency)}`, 4);
  const range = rangeOf(args, flags);
  const order = (flags.text('order') ?? '').toUpperCase();
  if (!['', 'ASCEND', 'DESCEND'].includes(order))
    throw new EtcdctlError(`bad sort order ${flags.text('order') ?? ''}`, 4);
  const target = (flags.text('sort-by') ?? '').toUpperCase();
  if (!['', 'CREATE', 'KEY', 'MODIFY', 'VALUE', 'VERSION'].includes(target))
    throw new EtcdctlError(`bad sort target ${flags.text('sort-by') ?? ''}`, 4);
  return {
    ...range,
    revision: number(flags, 'rev'),
    limit: number(flags, 'limit'),
    target,
    order,
    keysOnly,
    minModRevision: number(flags, 'min-mod-rev'),
    maxModRevision: number(flags, 'max-mod-rev'),
    minCreateRevision: number(flags, 'min-create-rev'),
    maxCreateRevision: number(flags, 'max-create-rev'),
  };
}

/** As etcd answers a range request. @see go.etcd.io/etcd/server/v3/etcdserver/txn/range.go */
function answerRange(
  store: Store<StoredObject>,
  query: RangeQuery,
  overlay?: Overlay,
): RangeAnswer {
  const { target, order, limit } = query;
  const base = store.range(query.start, query.end, { revision: query.revision });
  const found = overlay ? overlay.apply(base.kvs, query) : base.kvs;
  const asked = found.filter(
    ({ modRevision, createRevision }) =>
      modRevision >= query.minModRevision &&
      (query.maxModRevision === 0 || modRevision <= query.maxModRevision) &&
      createRevision >= query.minCreateRevision &&
      (query.maxCreateRevision === 0 || createRevision <= query.maxCreateRevision),
  );
  const by: Readonly<Record<string, (a: Kv, b: Kv) => number>> = {
    VERSION: (a, b) => a.version - b.version,
    CREATE: (a, b) => a.createRevision - b.createRevision,
    MODIFY: (a, b) => a.modRevision - b.modRevision,
    VALUE: (a, b) => compareText(valueText(a), valueText(b)),
  };
  const sorted = [...asked];
  const compare = by[target];
  if (compare) sorted.sort(compare);
  if (order === 'DESCEND') sorted.reverse();
  const kvs = limit > 0 ? sorted.slice(0, limit) : sorted;
  return { kvs, more: kvs.length < sorted.length, count: found.length, keysOnly: query.keysOnly };
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const valueText = ({ value }: Kv): string => goQuote(etcdBytesOf(value));

function simpleKv(call: EtcdctlCall, kv: Kv, keysOnly = false): Piece[] {
  const show = call.options.bool('hex') ? hexEscaped : (bytes: Uint8Array): Piece => bytes;
  const value: Piece = keysOnly ? '' : show(etcdBytesOf(kv.value));
  return call.flags.bool('print-value-only', false)
    ? [value, '\n']
    : [show(encodeBytes(kv.key)), '\n', value, '\n'];
}

/** A key as JSON; of a deleted one only `mod_revision` is known. */
export function jsonKv(kv: Kv, keysOnly = false): Record<string, unknown> {
  return {
    key: toBase64(encodeBytes(kv.key)),
    create_revision: kv.createRevision,
    mod_revision: kv.modRevision,
    version: kv.version,
    ...(keysOnly ? {} : { value: toBase64(etcdBytesOf(kv.value)) }),
    ...(kv.lease === 0 ? {} : { lease: BigInt(`0x${leaseText(kv.lease)}`) }),
  };
}

/** A key as `-w fields` prints it. @param prefix `Prev` for the state before. */
export function fieldsKv(kv: Kv, prefix = '', keysOnly = false): string {
  const lease = kv.lease === 0 ? 0n : BigInt(`0x${leaseText(kv.lease)}`);
  return [
    `"${prefix}Key" : ${goQuote(encodeBytes(kv.key))}`,
    `"${prefix}CreateRevision" : ${kv.createRevision}`,
    `"${prefix}ModRevision" : ${kv.modRevision}`,
    `"${prefix}Version" : ${kv.version}`,
    `"${prefix}Value" : ${goQuote(keysOnly ? new Uint8Array() : etcdBytesOf(kv.value))}`,
    `"${prefix}Lease" : ${lease}`,
    '',
  ].join('\n');
}

const get: EtcdctlCommand = {
  flags: getFlags,
  run: async (call) => {
    const { args, flags, format } = call;
    const query = getQuery(args, flags);
    const countOnly = flags.bool('count-only', false);
    if (flags.bool('print-value-only', false) && format !== 'simple')
      throw new EtcdctlError('print-value-only is only for `--write-out=simple`', 128);
    if (countOnly && format !== 'fields')
      throw new EtcdctlError('--count-only is only for `--write-out=fields`', 128);
    checkFormat(format);
    const service = await connect(call, '/etcdserverpb.KV/Range');
    const { store } = service;
    const answer = await rpc(call, '/etcdserverpb.KV/Range', () => answerRange(store, query));
    const { count, more, keysOnly } = answer;
    const kvs = countOnly ? [] : answer.kvs;
    await print(call, {
      simple: () => kvs.flatMap((kv) => simpleKv(call, kv, keysOnly)),
      json: () => ({
        header: headerOf(service, store.revision),
        ...(kvs.length > 0 ? { kvs: kvs.map((kv) => jsonKv(kv, keysOnly)) } : {}),
        ...(more ? { more } : {}),
        ...(count > 0 ? { count } : {}),
      }),
      fields: () =>
        `${headerFields(service, store.revision)}${kvs.map((kv) => fieldsKv(kv, '', keysOnly)).join('')}"More" : ${more}\n"Count" : ${count}\n`,
    });
  },
};

interface PutRequest {
  readonly key: string;
  /** Absent: the value stays. */
  readonly value: Uint8Array | undefined;
  /** Absent: the lease stays. */
  readonly lease: number | undefined;
}

async function putRequest(
  args: readonly string[],
  flags: Flags,
  stdin: () => Promise<string>,
): Promise<PutRequest> {
  const [key, given] = args;
  if (key === undefined)
    throw new EtcdctlError('put command needs 1 argument and input from stdin or 2 arguments', 128);
  const ignoreValue = flags.bool('ignore-value', false);
  if (ignoreValue && args.length > 1)
    throw new EtcdctlError("put command needs only 1 argument when 'ignore-value' is set", 128);
  const text = ignoreValue ? undefined : (given ?? (await stdin()));
  const leaseFlag = flags.text('lease') ?? '0';
  if (!/^[0-9a-fA-F]{1,16}$/.test(leaseFlag))
    throw new EtcdctlError(
      `bad lease ID (strconv.ParseInt: parsing ${JSON.stringify(leaseFlag)}: invalid syntax), expecting ID in Hex`,
      128,
    );
  return {
    key,
    value: text === undefined ? undefined : encodeBytes(text),
    lease: flags.bool('ignore-lease', false) ? undefined : leaseNumber(BigInt(`0x${leaseFlag}`)),
  };
}

/** Adds a put to a transaction. @returns the state before. @throws RpcError there is none to keep something of. */
function stagePut(
  transaction: StoreTransaction<StoredObject>,
  { key, value, lease }: PutRequest,
  before: Kv | undefined,
): Kv | undefined {
  if ((value === undefined || lease === undefined) && !before)
    throw new RpcError('InvalidArgument', 'etcdserver: key not found');
  transaction.put(
    key,
    (revision) =>
      storedObjectOf(value ?? (before ? etcdBytesOf(before.value) : new Uint8Array()), revision),
    { lease: lease ?? before?.lease ?? 0 },
  );
  return before;
}

const put: EtcdctlCommand = {
  flags: putFlags,
  run: async (call) => {
    const { context, args, flags, format } = call;
    const request = await putRequest(args, flags, async () => {
      const text = await readText(context.stdin);
      if (text === '')
        throw new EtcdctlError(
          'put command needs 1 argument and input from stdin or 2 arguments',
          128,
        );
      return text;
    });
    checkFormat(format);
    const service = await connect(call, '/etcdserverpb.KV/Put');
    const { store } = service;
    const before = store.get(request.key);
    await rpc(call, '/etcdserverpb.KV/Put', () =>
      store.transaction((transaction) => void stagePut(transaction, request, before)),
    );
    const previous = flags.bool('prev-kv', false) ? before : undefined;
    await print(call, {
      simple: () => ['OK\n', ...(previous ? simpleKv(call, previous) : [])],
      json: () => ({
        header: headerOf(service, store.revision),
        ...(previous ? { prev_kv: jsonKv(previous) } : {}),
      }),
      fields: () =>
        headerFields(service, store.revision) + (previous ? fieldsKv(previous, 'Prev') : ''),
    });
  },
};

function deleteRange(args: readonly string[], flags: Flags) {
  if (args.length === 0 || args.length > 2)
    throw new EtcdctlError(
      'del command needs one argument as key and an optional argument as range_end',
      128,
    );
  return rangeOf(args, flags);
}

const del: EtcdctlCommand = {
  flags: deleteFlags,
  run: async (call) => {
    const { args, flags, format } = call;
    const range = deleteRange(args, flags);
    checkFormat(format);
    const service = await connect(call, '/etcdserverpb.KV/DeleteRange');
    const { store } = service;
    const { kvs } = store.range(range.start, range.end);
    await rpc(call, '/etcdserverpb.KV/DeleteRange', () =>
      store.transaction((transaction) => {
        for (const { key } of kvs) transaction.delete(key);
      }),
    );
    const previous = flags.bool('prev-kv', false) ? kvs : [];
    await print(call, {
      simple: () => [`${kvs.length}\n`, ...previous.flatMap((kv) => simpleKv(call, kv))],
      json: () => ({
        header: headerOf(service, store.revision),
        ...(kvs.length > 0 ? { deleted: kvs.length } : {}),
        ...(previous.length > 0 ? { prev_kvs: previous.map((kv) => jsonKv(kv)) } : {}),
      }),
      fields: () =>
        `${headerFields(service, store.revision)}"Deleted" : ${kvs.length}\n${previous.map((kv) => fieldsKv(kv, 'Prev')).join('')}`,
    });
  },
};

const compaction: EtcdctlCommand = {
  flags: [{ name: 'physical', kind: 'bool' }],
  run: async (call) => {
    const { args, out } = call;
    const [text] = args;
    if (text === undefined || args.length > 1)
      throw new EtcdctlError('compaction command needs 1 argument', 128);
    if (!/^[-+]?\d+$/.test(text))
      throw new EtcdctlError(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    const { store } = await connect(call, '/etcdserverpb.KV/Compact');
    await rpc(call, '/etcdserverpb.KV/Compact', () => store.compact(Number(text)));
    await out(`compacted revision ${text}\n`);
  },
};

/** What the operations of a transaction have done so far. */
class Overlay {
  readonly #changes = new Map<string, Kv | undefined>();

  set(key: string, kv: Kv | undefined): void {
    this.#changes.set(key, kv);
  }

  get(store: Store<StoredObject>, key: string): Kv | undefined {
    return this.#changes.has(key) ? this.#changes.get(key) : store.get(key);
  }

  apply(kvs: readonly Kv[], { start, end }: Pick<RangeQuery, 'start' | 'end'>): readonly Kv[] {
    const merged = new Map(kvs.map((kv) => [kv.key, kv]));
    for (const [key, kv] of this.#changes) {
      if (key < start || (end !== '\0' && key >= end)) continue;
      if (kv) merged.set(key, kv);
      else merged.delete(key);
    }
    return [...merged.values()].sort((a, b) => compareText(a.key, b.key));
  }
}

/** One operation's answer in the forms that can be printed. */
export interface OperationAnswer {
  readonly simple: readonly Piece[];
  readonly json: Record<string, unknown>;
  readonly fields: string;
}

/** Carries out get, put and del within a transaction, each seeing what those before it did. */
export class TransactionWork {
  readonly #call: EtcdctlCall;
  readonly #service: EtcdService;
  readonly #transaction: StoreTransaction<StoredObject>;
  readonly #overlay = new Overlay();

  constructor(
    call: EtcdctlCall,
    service: EtcdService,
    transaction: StoreTransaction<StoredObject>,
  ) {
    this.#call = call;
    this.#service = service;
    this.#transaction = transaction;
  }

  run(operation: Operation): OperationAnswer {
    const { store } = this.#service;
    const call = this.#call;
    if (operation.kind === 'get') {
      const { kvs, count, more, keysOnly } = answerRange(store, operation.query, this.#overlay);
      return {
        simple: kvs.flatMap((kv) => simpleKv(call, kv, keysOnly)),
        json: {
          response_range: {
            header: { revision: store.revision },
            ...(kvs.length > 0 ? { kvs: kvs.map((kv) => jsonKv(kv, keysOnly)) } : {}),
            ...(more ? { more } : {}),
            ...(count > 0 ? { count } : {}),
          },
        },
        fields: `${kvs.map((kv) => fieldsKv(kv, '', keysOnly)).join('')}"More" : ${more}\n"Count" : ${count}\n`,
      };
    }
    const revision = store.revision + 1;
    if (operation.kind === 'put') {
      const { key, value } = operation.request;
      const before = this.#overlay.get(store, key);
      stagePut(this.#transaction, operation.request, before);
      this.#overlay.set(key, {
        key,
        value: storedObjectOf(
          value ?? (before ? etcdBytesOf(before.value) : new Uint8Array()),
          revision,
        ),
        createRevision: before?.createRevision ?? revision,
        modRevision: revision,
        version: (before?.version ?? 0) + 1,
        lease: operation.request.lease ?? before?.lease ?? 0,
      });
      return { simple: ['OK\n'], json: { response_put: { header: { revision } } }, fields: '' };
    }
    const { range } = operation;
    const kvs = this.#overlay.apply(store.range(range.start, range.end).kvs, range);
    for (const { key } of kvs) {
      this.#transaction.delete(key);
      this.#overlay.set(key, undefined);
    }
    const deleted = kvs.length;
    return {
      simple: [`${deleted}\n`],
      json: {
        response_delete_range: { header: { revision }, ...(deleted > 0 ? { deleted } : {}) },
      },
      fields: `"Deleted" : ${deleted}\n`,
    };
  }
}

/** One line of a transaction. */
export type Operation =
  | { readonly kind: 'get'; readonly query: RangeQuery }
  | { readonly kind: 'put'; readonly request: PutRequest }
  | { readonly kind: 'del'; readonly range: { readonly start: string; readonly end: string } };

export const operationFlags: Readonly<Record<Operation['kind'], readonly FlagSpec[]>> = {
  get: getFlags,
  put: putFlags,
  del: deleteFlags,
};

/** @throws EtcdctlError the line's command would be refused by itself. */
export async function operationOf(
  kind: Operation['kind'],
  args: readonly string[],
  flags: Flags,
): Promise<Operation> {
  if (kind === 'get') return { kind, query: getQuery(args, flags) };
  if (kind === 'del') return { kind, range: deleteRange(args, flags) };
  return { kind, request: await putRequest(args, flags, () => Promise.resolve('')) };
}

export const keyCommands: Readonly<Record<string, EtcdctlCommand>> = {
  get,
  put,
  del,
  compaction,
  compact: compaction,
};
