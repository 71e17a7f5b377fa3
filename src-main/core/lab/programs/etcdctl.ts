import { readText, toBase64, utf8 } from '#core/base';
import { CompactedError, type KeyValue, type Pki, prefixEnd, type StoredObject } from '#core/kube';
import type { Program, ProgramContext } from '#core/machines';
import { plainValue } from '../etcd-data.ts';
import type { EtcdService } from './etcd.ts';
import {
  connectEtcd,
  drawTable,
  EtcdctlError,
  endpointsOf,
  globalFlags,
  humanBytes,
  writeText,
} from './etcd-client.ts';
import { encodeSnapshot } from './etcd-snapshot.ts';
import { FlagError, type Flags, type FlagSpec, parseFlags } from './flags.ts';

const keyFlags: readonly FlagSpec[] = [
  { name: 'prefix', kind: 'bool' },
  { name: 'keys-only', kind: 'bool' },
  { name: 'count-only', kind: 'bool' },
  { name: 'print-value-only', kind: 'bool' },
  { name: 'from-key', kind: 'bool' },
  { name: 'limit', kind: 'int' },
  { name: 'rev', kind: 'int' },
  { name: 'prev-kv', kind: 'bool' },
  { name: 'lease', kind: 'string' },
  { name: 'sort-by', kind: 'string' },
  { name: 'order', kind: 'string' },
  { name: 'consistency', kind: 'string' },
  { name: 'cluster', kind: 'bool' },
  { name: 'physical', kind: 'bool' },
];

interface Command {
  readonly context: ProgramContext;
  readonly flags: Flags;
  readonly args: readonly string[];
  readonly pki: Pki;
  readonly connect: () => Promise<EtcdService>;
  readonly out: (text: string) => Promise<void>;
  /** `-w`. */
  readonly format: string;
}

/** etcdctl 3.6 on the keys of the machine's etcd. Not modelled: users and roles, locks, elections, learners, mirrors. */
export function etcdctl(pki: Pki): Program {
  return async (context) => {
    try {
      const words = context.argv
        .slice(1)
        .map((word) =>
          word.replace(/^-w=?/, '--write-out=').replace(/^--write-out=$/, '--write-out'),
        );
      if (words.includes('--version') || words[0] === 'version') {
        await writeText(context.stdout, 'etcdctl version: 3.6.8\nAPI version: 3.6\n');
        return 0;
      }
      const flags = parseFlags(words, [...globalFlags, ...keyFlags]);
      const [group = '', ...rest] = flags.args;
      const command = commands[`${group} ${rest[0] ?? ''}`] ?? commands[group];
      if (!command) {
        await writeText(
          context.stderr,
          `Error: unknown command "${group}" for "etcdctl"\nRun 'etcdctl --help' for usage.\n`,
        );
        return 1;
      }
      const args = commands[group] ? rest : rest.slice(1);
      await command({
        context,
        flags,
        args,
        pki,
        format: flags.text('write-out') ?? 'simple',
        connect: () => connectEtcd(context, flags, pki, endpointsOf(context, flags)[0] ?? ''),
        out: (text) => writeText(context.stdout, text),
      });
      return 0;
    } catch (error) {
      if (error instanceof FlagError) {
        await writeText(context.stderr, `Error: ${error.message}\n`);
        return 1;
      }
      if (error instanceof CompactedError) {
        await writeText(
          context.stderr,
          'Error: etcdserver: mvcc: required revision has been compacted\n',
        );
        return 1;
      }
      if (!(error instanceof EtcdctlError)) throw error;
      await writeText(context.stderr, `Error: ${error.message}\n`);
      return error.exitCode;
    }
  };
}

const commands: Readonly<Record<string, (command: Command) => Promise<void>>> = {
  get: async ({ args: [key, end], flags, connect, out, format }) => {
    if (key === undefined)
      throw new EtcdctlError(
        'get command needs one argument as key and an optional argument as range_end',
        128,
      );
    const service = await connect();
    const { store } = service;
    const range = rangeOf(key, end, flags);
    const { kvs, count, revision } = store.range(range.start, range.end, {
      revision: Number(flags.text('rev') ?? 0),
      limit: Number(flags.text('limit') ?? 0),
    });
    if (format === 'json') {
      await out(
        `${JSON.stringify({ header: header(service, revision), ...(kvs.length > 0 ? { kvs: kvs.map(jsonOf) } : {}), ...(count > 0 ? { count } : {}) })}\n`,
      );
      return;
    }
    if (flags.bool('count-only', false)) return;
    for (const kv of kvs) {
      if (flags.bool('print-value-only', false)) await out(`${valueOf(kv)}\n`);
      else await out(`${kv.key}\n${flags.bool('keys-only', false) ? '' : valueOf(kv)}\n`);
    }
  },
  put: async ({ context, args: [key, value], flags, connect, out }) => {
    if (key === undefined)
      throw new EtcdctlError(
        'put command needs 1 argument and input from stdin or 2 arguments',
        128,
      );
    const text = value ?? (await readText(context.stdin));
    const { store } = await connect();
    const before = store.get(key);
    const lease = flags.text('lease');
    store.put(
      key,
      plainValue(text),
      lease === undefined ? {} : { lease: Number.parseInt(lease, 16) },
    );
    await out('OK\n');
    if (flags.bool('prev-kv', false) && before) await out(`${before.key}\n${valueOf(before)}\n`);
  },
  del: async ({ args: [key, end], flags, connect, out }) => {
    if (key === undefined)
      throw new EtcdctlError(
        'del command needs one argument as key and an optional argument as range_end',
        128,
      );
    const { store } = await connect();
    const range = rangeOf(key, end, flags);
    const { kvs } = store.range(range.start, range.end);
    store.transaction((transaction) => {
      for (const kv of kvs) transaction.delete(kv.key);
    });
    await out(`${kvs.length}\n`);
    if (flags.bool('prev-kv', false))
      for (const kv of kvs) await out(`${kv.key}\n${valueOf(kv)}\n`);
  },
  watch: async ({ context, args: [key, end], flags, connect, out }) => {
    if (key === undefined)
      throw new EtcdctlError(
        'watch command needs one argument as key and an optional argument as range_end',
        128,
      );
    const { store } = await connect();
    const range = rangeOf(key, end, flags);
    const watch = store.watch(range.start, range.end, {
      startRevision: Number(flags.text('rev') ?? 0),
      onEvents: (events) => {
        for (const event of events)
          void out(
            event.kv ? `PUT\n${event.key}\n${valueOf(event.kv)}\n` : `DELETE\n${event.key}\n\n`,
          );
      },
    });
    await new Promise<void>((resolve) => {
      context.signal.addEventListener('abort', () => resolve(), { once: true });
      for (const signal of ['SIGINT', 'SIGTERM'] as const)
        context.process.onSignal(signal, () => resolve());
    });
    watch.dispose();
  },
  compact: async ({ args: [revision], connect, out }) => {
    const { store } = await connect();
    store.compact(Number(revision));
    await out(`compacted revision ${revision ?? ''}\n`);
  },
  defrag: async ({ context, flags, pki, out }) => {
    for (const endpoint of endpointsOf(context, flags)) {
      await connectEtcd(context, flags, pki, endpoint);
      await out(`Finished defragmenting etcd member[${endpoint}]. took 81.447158ms\n`);
    }
  },
  'alarm list': async ({ connect }) => {
    await connect();
  },
  'alarm disarm': async ({ connect }) => {
    await connect();
  },
  'endpoint health': async ({ context, flags, pki, out, format }) => {
    const rows: { endpoint: string; health: boolean; took: string; error: string }[] = [];
    for (const endpoint of endpointsOf(context, flags)) {
      try {
        await connectEtcd(context, flags, pki, endpoint);
        rows.push({ endpoint, health: true, took: '9.31226ms', error: '' });
      } catch (error) {
        if (!(error instanceof EtcdctlError) || error.exitCode !== 1) throw error;
        rows.push({ endpoint, health: false, took: '5.001s', error: error.message });
      }
    }
    if (format === 'table')
      await out(
        drawTable(
          ['ENDPOINT', 'HEALTH', 'TOOK', 'ERROR'],
          rows.map((row) => [row.endpoint, String(row.health), row.took, row.error]),
          [1],
        ),
      );
    else if (format === 'json')
      await out(
        `${JSON.stringify(rows.map(({ endpoint, health, took, error }) => ({ endpoint, health, took, ...(error === '' ? {} : { error }) })))}\n`,
      );
    else
      for (const row of rows)
        await (row.health
          ? out(`${row.endpoint} is healthy: successfully committed proposal: took = ${row.took}\n`)
          : writeText(
              context.stderr,
              `${row.endpoint} is unhealthy: failed to commit proposal: ${row.error}\n`,
            ));
    if (rows.some(({ health }) => !health)) throw new EtcdctlError('unhealthy cluster');
  },
  'endpoint status': async ({ context, flags, pki, out, format }) => {
    const rows: string[][] = [];
    for (const endpoint of endpointsOf(context, flags)) {
      const { memberId, version, store } = await connectEtcd(context, flags, pki, endpoint);
      const size = humanBytes(20_480 + 900 * store.count('', '\0'));
      const index = String(store.revision + 32);
      rows.push([
        endpoint,
        memberId,
        version,
        '3.6.0',
        size,
        size,
        '0%',
        '2.1 GB',
        'true',
        'false',
        '2',
        index,
        index,
        '',
        '',
        'false',
      ]);
    }
    await out(
      format === 'table'
        ? drawTable(
            [
              'ENDPOINT',
              'ID',
              'VERSION',
              'STORAGE VERSION',
              'DB SIZE',
              'IN USE',
              'PERCENTAGE NOT IN USE',
              'QUOTA',
              'IS LEADER',
              'IS LEARNER',
              'RAFT TERM',
              'RAFT INDEX',
              'RAFT APPLIED INDEX',
              'ERRORS',
              'DOWNGRADE TARGET VERSION',
              'DOWNGRADE ENABLED',
            ],
            rows,
            [2, 3, 6, 8, 9, 10, 11, 12, 15],
          )
        : rows.map((row) => `${row.join(', ')}\n`).join(''),
    );
  },
  'member list': async ({ connect, out, format }) => {
    const { memberId, name, peerUrls, clientUrls } = await connect();
    const row = [memberId, 'started', name, peerUrls.join(','), clientUrls.join(','), 'false'];
    await out(
      format === 'table'
        ? drawTable(
            ['ID', 'STATUS', 'NAME', 'PEER ADDRS', 'CLIENT ADDRS', 'IS LEARNER'],
            [row],
            [5],
          )
        : `${row.join(', ')}\n`,
    );
  },
  'snapshot save': async ({ context, args: [path], flags, connect, out }) => {
    if (path === undefined) throw new EtcdctlError('snapshot save expects one argument', 128);
    const log = (caller: string, msg: string, fields: Record<string, string> = {}): Promise<void> =>
      writeText(
        context.stderr,
        `${JSON.stringify({ level: 'info', ts: `${new Date(context.clock.now()).toISOString().slice(0, 23)}000Z`, caller, msg, ...fields })}\n`,
      );
    const file = path.startsWith('/') ? path : `${context.cwd}/${path}`;
    await log('snapshot/v3_snapshot.go:83', 'created temporary db file', { path: `${path}.part` });
    const { store } = await connect();
    const endpoint = endpointsOf(context, flags)[0] ?? '';
    await log('snapshot/v3_snapshot.go:96', 'fetching snapshot', { endpoint });
    const { kvs, revision } = store.range('', '\0');
    const bytes = utf8(
      encodeSnapshot({ revision, entries: kvs.map((kv) => ({ key: kv.key, value: valueOf(kv) })) }),
    );
    context.files.writeFile(file, bytes, 0o600);
    await log('snapshot/v3_snapshot.go:111', 'fetched snapshot', {
      endpoint,
      size: humanBytes(bytes.length),
      took: '163.966675ms',
      'etcd-version': '3.6.0',
    });
    await log('snapshot/v3_snapshot.go:121', 'saved', { path });
    await out(`Snapshot saved at ${path}\nServer version 3.6.0\n`);
  },
};

function rangeOf(
  key: string,
  end: string | undefined,
  flags: Flags,
): { start: string; end: string } {
  if (flags.bool('prefix', false)) return { start: key, end: key === '' ? '\0' : prefixEnd(key) };
  if (flags.bool('from-key', false)) return { start: key, end: '\0' };
  return { start: key, end: end ?? `${key}\0` };
}

function valueOf({ value }: KeyValue<StoredObject>): string {
  return value.json();
}

function header({ memberId }: EtcdService, revision: number): Record<string, unknown> {
  return {
    cluster_id: 13502983891730759997n.toString(),
    member_id: BigInt(`0x${memberId}`).toString(),
    revision,
    raft_term: 2,
  };
}

function jsonOf(kv: KeyValue<StoredObject>): Record<string, unknown> {
  return {
    key: toBase64(utf8(kv.key)),
    create_revision: kv.createRevision,
    mod_revision: kv.modRevision,
    version: kv.version,
    value: toBase64(utf8(valueOf(kv))),
  };
}
