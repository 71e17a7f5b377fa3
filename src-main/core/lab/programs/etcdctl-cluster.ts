import { sleep, utf8 } from '#core/base';
import { EtcdctlError, connectEtcd, RpcError, writeOutput } from './etcd-client.ts';
import { type EtcdService, idOf } from './etcd.ts';
import { encodeSnapshot, checksum, type EtcdSnapshot } from './etcd-snapshot.ts';
import {
  checkFormat,
  connect,
  type EtcdctlCall,
  type EtcdctlCommand,
  headerFields,
  headerOf,
  parseHex,
  print,
  rpc,
} from './etcdctl-command.ts';
import { drawTable, humanBytes, toHex64 } from './etcd-text.ts';
import type { FlagSpec } from './flags.ts';

const quotaBytes = 2_147_483_648;
const clusterFlag: readonly FlagSpec[] = [{ name: 'cluster', kind: 'bool' }];

/** Endpoints a command asks: those given, or with `--cluster` those of the members. */
async function endpointsOf(call: EtcdctlCall): Promise<readonly string[]> {
  if (!call.flags.bool('cluster', false)) return call.options.endpoints;
  return (await connect(call, '/etcdserverpb.Cluster/MemberList')).clientUrls;
}

/** Bytes a database of these keys would have: whole pages. */
function sizeOf({ store }: EtcdService): number {
  return 4096 * Math.ceil((20_480 + 900 * store.count('', '\0')) / 4096);
}

function took({ context }: EtcdctlCall, leastMs: number): string {
  return `${(leastMs * (1 + context.random.next())).toFixed(6)}ms`;
}

const health: EtcdctlCommand = {
  flags: clusterFlag,
  run: async (call) => {
    const { context, options, pki, format } = call;
    checkFormat(format);
    const rows: { endpoint: string; health: boolean; took: string; error: string }[] = [];
    for (const endpoint of await endpointsOf(call)) {
      try {
        const { store } = await connectEtcd(context, options, pki, endpoint);
        const error = store.problem ? 'Active Alarm(s): NOSPACE' : '';
        rows.push({ endpoint, health: error === '', took: took(call, 5), error });
      } catch (error) {
        if (!(error instanceof EtcdctlError) || error.exitCode !== 1) throw error;
        rows.push({ endpoint, health: false, took: '5.001243567s', error: error.message });
      }
    }
    const json = rows.map(({ error, ...row }) => ({ ...row, ...(error === '' ? {} : { error }) }));
    if (format === 'simple')
      for (const row of rows)
        await (row.health
          ? call.out(
              `${row.endpoint} is healthy: successfully committed proposal: took = ${row.took}\n`,
            )
          : writeOutput(
              context.stderr,
              `${row.endpoint} is unhealthy: failed to commit proposal: ${row.error}\n`,
            ));
    else
      await print(call, {
        simple: () => '',
        json: () => json,
        fields: () =>
          rows
            .map(
              (row) =>
                `"Health" : ${row.health}\n"Took" : ${JSON.stringify(row.took)}\n"Error" : ${JSON.stringify(row.error)}\n\n`,
            )
            .join(''),
        table: () =>
          drawTable(
            ['ENDPOINT', 'HEALTH', 'TOOK', 'ERROR'],
            rows.map((row) => [row.endpoint, String(row.health), row.took, row.error]),
            [1],
          ),
      });
    if (rows.some((row) => !row.health)) throw new EtcdctlError('unhealthy cluster');
  },
};

interface StatusRow {
  readonly endpoint: string;
  readonly service: EtcdService;
  readonly size: number;
  readonly index: number;
  readonly errors: readonly string[];
}

const status: EtcdctlCommand = {
  flags: clusterFlag,
  run: async (call) => {
    const { context, options, pki } = call;
    checkFormat(call.format);
    const rows: StatusRow[] = [];
    let failed: EtcdctlError | undefined;
    for (const endpoint of await endpointsOf(call)) {
      const method = '/etcdserverpb.Maintenance/Status';
      try {
        const service = await connectEtcd(context, options, pki, endpoint, method);
        const errors = service.store.problem
          ? [`memberID:${BigInt(`0x${service.memberId}`)} alarm:NOSPACE `]
          : [];
        rows.push({
          endpoint,
          service,
          size: sizeOf(service),
          index: service.store.revision + 21,
          errors,
        });
      } catch (error) {
        if (!(error instanceof EtcdctlError) || error.exitCode !== 1) throw error;
        failed = error;
        await writeOutput(
          context.stderr,
          `Failed to get the status of endpoint ${endpoint} (${error.message})\n`,
        );
      }
    }
    await print(call, {
      simple: () => rows.map((row) => `${statusCells(row).join(', ')}\n`),
      table: () =>
        drawTable(statusHeadings, rows.map(statusCells), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15]),
      json: () =>
        rows.map(({ endpoint, service, size, index, errors }) => ({
          Endpoint: endpoint,
          Status: {
            header: headerOf(service, service.store.revision),
            version: service.version,
            dbSize: size,
            leader: BigInt(`0x${service.memberId}`),
            raftIndex: index,
            raftTerm: 2,
            raftAppliedIndex: index,
            ...(errors.length > 0 ? { errors } : {}),
            dbSizeInUse: size,
            storageVersion: '3.6.0',
            dbSizeQuota: quotaBytes,
            downgradeInfo: {},
          },
        })),
      fields: () =>
        rows
          .map(({ endpoint, service, size, index, errors }) =>
            [
              headerFields(service, service.store.revision).trimEnd(),
              `"Version" : ${JSON.stringify(service.version)}`,
              '"StorageVersion" : "3.6.0"',
              `"DBSize" : ${size}`,
              `"DBSizeInUse" : ${size}`,
              `"DBSizeQuota" : ${quotaBytes}`,
              `"Leader" : ${BigInt(`0x${service.memberId}`)}`,
              '"IsLearner" : false',
              `"RaftIndex" : ${index}`,
              `"RaftAppliedIndex" : ${index}`,
              `"Errors" : [${errors.map((text) => JSON.stringify(text)).join(' ')}]`,
              `"Endpoint" : ${JSON.stringify(endpoint)}`,
              '"DowngradeTargetVersion" : ""',
              '"DowngradeEnabled" : false',
              '\n',
            ].join('\n'),
          )
          .join(''),
    });
    if (failed) throw new EtcdctlError(failed.message);
  },
};

const statusHeadings = [
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
];

function statusCells({ endpoint, service, size, index, errors }: StatusRow): string[] {
  return [
    endpoint,
    service.memberId,
    service.version,
    '3.6.0',
    humanBytes(size),
    humanBytes(size),
    '0%',
    humanBytes(quotaBytes),
    'true',
    'false',
    '2',
    String(index),
    String(index),
    errors.join(', '),
    '',
    'false',
  ];
}

const hashkv: EtcdctlCommand = {
  flags: [...clusterFlag, { name: 'rev', kind: 'int' }],
  run: async (call) => {
    const { context, options, pki, flags } = call;
    checkFormat(call.format);
    const rows: { endpoint: string; service: EtcdService; hash: number; revision: number }[] = [];
    for (const endpoint of await endpointsOf(call)) {
      const service = await connectEtcd(context, options, pki, endpoint);
      const revision = Number(flags.text('rev') ?? 0) || service.store.revision;
      const { kvs } = service.store.range('', '\0', { revision });
      const state = kvs.map(({ key, modRevision }) => `${key} ${modRevision}`).join('\n');
      rows.push({ endpoint, service, hash: Number.parseInt(checksum(state), 16), revision });
    }
    await print(call, {
      simple: () =>
        rows.map(({ endpoint, hash, revision }) => `${endpoint}, ${hash}, ${revision}\n`),
      table: () =>
        drawTable(
          ['ENDPOINT', 'HASH', 'HASH REVISION'],
          rows.map(({ endpoint, hash, revision }) => [endpoint, String(hash), String(revision)]),
          [1, 2],
        ),
      json: () =>
        rows.map(({ endpoint, service, hash, revision }) => ({
          Endpoint: endpoint,
          HashKV: {
            header: headerOf(service, service.store.revision),
            hash,
            compact_revision: service.store.compactedRevision || -1,
            hash_revision: revision,
          },
        })),
      fields: () =>
        rows
          .map(
            ({ endpoint, service, hash, revision }) =>
              `${headerFields(service, service.store.revision)}"Endpoint" : ${JSON.stringify(endpoint)}\n"Hash" : ${hash}\n"HashRevision" : ${revision}\n\n`,
          )
          .join(''),
    });
  },
};

interface MemberRow {
  readonly id: string;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}

function membersOf(service: EtcdService): MemberRow[] {
  const { memberId: id, name, peerUrls, clientUrls, others } = service;
  return [
    { id, name, peerUrls, clientUrls, isLearner: false },
    ...others.map((other) => ({ ...other, name: '', clientUrls: [] })),
  ].sort((a, b) => (a.id < b.id ? -1 : 1));
}

const memberList: EtcdctlCommand = {
  flags: [{ name: 'consistency', kind: 'string' }],
  run: async (call) => {
    checkFormat(call.format);
    const service = await connect(call, '/etcdserverpb.Cluster/MemberList');
    const members = membersOf(service);
    const cells = members.map((member) => [
      member.id,
      member.name === '' ? 'unstarted' : 'started',
      member.name,
      member.peerUrls.join(','),
      member.clientUrls.join(','),
      String(member.isLearner),
    ]);
    const isHex = call.options.bool('hex');
    const id = (text: string): unknown => (isHex ? text : BigInt(`0x${text}`));
    await print(call, {
      simple: () => cells.map((row) => `${row.join(', ')}\n`),
      table: () =>
        drawTable(['ID', 'STATUS', 'NAME', 'PEER ADDRS', 'CLIENT ADDRS', 'IS LEARNER'], cells, [5]),
      json: () => ({
        header: {
          cluster_id: id(isHex ? service.clusterId.replace(/^0+/, '') : service.clusterId),
          member_id: id(service.memberId),
          raft_term: 2,
        },
        members: members.map((member) => ({
          ID: id(member.id),
          ...(member.name === '' ? {} : { name: member.name }),
          peerURLs: member.peerUrls,
          ...(member.clientUrls.length > 0 ? { clientURLs: member.clientUrls } : {}),
          ...(member.isLearner ? { isLearner: true } : {}),
        })),
      }),
      fields: () =>
        headerFields(service) +
        members
          .map((member) =>
            [
              `"ID" : ${BigInt(`0x${member.id}`)}`,
              `"Name" : ${JSON.stringify(member.name)}`,
              ...member.peerUrls.map((url) => `"PeerURL" : ${JSON.stringify(url)}`),
              ...member.clientUrls.map((url) => `"ClientURL" : ${JSON.stringify(url)}`),
              `"IsLearner" : ${member.isLearner}`,
              '\n',
            ].join('\n'),
          )
          .join(''),
    });
  },
};

function peerUrlsOf({ flags }: EtcdctlCall): readonly string[] {
  const urls = flags.text('peer-urls');
  if (urls === undefined || urls === '')
    throw new EtcdctlError('member peer urls not provided', 128);
  return urls.split(',');
}

const memberAdd: EtcdctlCommand = {
  flags: [
    { name: 'peer-urls', kind: 'string' },
    { name: 'learner', kind: 'bool' },
  ],
  run: async (call) => {
    const { args, flags, out } = call;
    const [name] = args;
    if (name === undefined) throw new EtcdctlError('member name not provided', 128);
    if (args.length > 1) throw new EtcdctlError('too many arguments', 128);
    const peerUrls = peerUrlsOf(call);
    const isLearner = flags.bool('learner', false);
    const service = await connect(call, '/etcdserverpb.Cluster/MemberAdd');
    for (const url of peerUrls)
      if (!/^(?:https?|unixs?):\/\//.test(url))
        throw new EtcdctlError(`URL scheme must be http, https, unix, or unixs: ${url}`);
    const id = idOf(`${name} ${peerUrls.join()}`);
    const known = membersOf(service).flatMap((member) => member.peerUrls);
    await rpc(call, '/etcdserverpb.Cluster/MemberAdd', () => {
      if (peerUrls.some((url) => known.includes(url)))
        throw new RpcError('FailedPrecondition', 'etcdserver: Peer URLs already exists');
      if (isLearner && service.others.some((other) => other.isLearner))
        throw new RpcError('FailedPrecondition', 'etcdserver: too many learner members in cluster');
    });
    service.others.push({ id, peerUrls, isLearner });
    const initial = membersOf(service).map(
      (member) => `${member.id === id ? name : member.name}=${member.peerUrls.join()}`,
    );
    await out(
      `Member ${id} added${isLearner ? ' as learner' : ''} to cluster ${service.clusterId.replace(/^0+/, '').padStart(16)}\n\n`,
      `ETCD_NAME="${name}"\nETCD_INITIAL_CLUSTER="${initial.join()}"\n`,
      `ETCD_INITIAL_ADVERTISE_PEER_URLS="${peerUrls.join()}"\nETCD_INITIAL_CLUSTER_STATE="existing"\n`,
    );
  },
};

/** A command on one member that is named by its id. */
function onMember(
  method: string,
  change: (service: EtcdService, id: string, call: EtcdctlCall) => string,
  flags: readonly FlagSpec[] = [],
): EtcdctlCommand {
  return {
    flags,
    run: async (call) => {
      const { args, out } = call;
      const [text] = args;
      if (text === undefined || args.length > 1)
        throw new EtcdctlError('member ID is not provided', 128);
      const id = toHex64(parseHex(text, 'member ID arg', false));
      if (flags.length > 0) peerUrlsOf(call);
      const service = await connect(call, `/etcdserverpb.Cluster/${method}`);
      const done = await rpc(call, `/etcdserverpb.Cluster/${method}`, () => {
        if (!membersOf(service).some((member) => member.id === id))
          throw new RpcError('NotFound', 'etcdserver: member not found');
        return change(service, id, call);
      });
      await out(done);
    },
  };
}

const memberRemove = onMember('MemberRemove', (service, id) => {
  const at = service.others.findIndex((other) => other.id === id);
  if (at < 0)
    throw new RpcError(
      'Unavailable',
      'etcdserver: re-configuration failed due to not enough started members',
    );
  service.others.splice(at, 1);
  return `Member ${id} removed from cluster ${service.clusterId.replace(/^0+/, '').padStart(16)}\n`;
});

const memberUpdate = onMember(
  'MemberUpdate',
  (service, id, call) => {
    const other = service.others.find((one) => one.id === id);
    if (other) other.peerUrls = peerUrlsOf(call);
    return `Member ${id} updated in cluster ${service.clusterId.replace(/^0+/, '').padStart(16)}\n`;
  },
  [{ name: 'peer-urls', kind: 'string' }],
);

const memberPromote = onMember('MemberPromote', ({ others }, id) => {
  throw others.some((other) => other.id === id)
    ? new RpcError(
        'FailedPrecondition',
        'etcdserver: can only promote a learner member which is in sync with leader',
      )
    : new RpcError('FailedPrecondition', 'etcdserver: can only promote a learner member');
});

const alarmList: EtcdctlCommand = {
  run: async (call) => {
    if (call.args.length > 0)
      throw new EtcdctlError('alarm list command accepts no arguments', 128);
    checkFormat(call.format);
    const service = await connect(call, '/etcdserverpb.Maintenance/Alarm');
    const memberID = BigInt(`0x${service.memberId}`);
    const isFull = service.store.problem !== undefined;
    await print(call, {
      simple: () => (isFull ? `memberID:${memberID} alarm:NOSPACE \n` : ''),
      json: () => ({
        header: headerOf(service, service.store.revision),
        ...(isFull ? { alarms: [{ memberID, alarm: 1 }] } : {}),
      }),
      fields: () => headerFields(service, service.store.revision),
    });
  },
};

const alarmDisarm: EtcdctlCommand = {
  run: async (call) => {
    if (call.args.length > 0)
      throw new EtcdctlError('alarm disarm command accepts no arguments', 128);
    await connect(call, '/etcdserverpb.Maintenance/Alarm');
  },
};

const defrag: EtcdctlCommand = {
  flags: [...clusterFlag, { name: 'data-dir', kind: 'string' }],
  run: async (call) => {
    const { context, options, pki, out } = call;
    for (const endpoint of await endpointsOf(call)) {
      await connectEtcd(context, options, pki, endpoint, '/etcdserverpb.Maintenance/Defragment');
      await out(`Finished defragmenting etcd member[${endpoint}]. took ${took(call, 40)}\n`);
    }
  },
};

const moveLeader: EtcdctlCommand = {
  run: async (call) => {
    const [text] = call.args;
    if (text === undefined || call.args.length > 1)
      throw new EtcdctlError('move-leader command needs 1 argument', 128);
    if (!/^[0-9a-fA-F]{1,16}$/.test(text))
      throw new EtcdctlError(
        `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
        128,
      );
    await connect(call, '/etcdserverpb.Maintenance/MoveLeader');
    await rpc(call, '/etcdserverpb.Maintenance/MoveLeader', () => {
      throw new RpcError('FailedPrecondition', 'etcdserver: bad leader transferee');
    });
  },
};

/** All keys of a store as they stand, with their revisions and leases. */
function snapshotOf({ store }: EtcdService): EtcdSnapshot {
  const { kvs, revision } = store.range('', '\0');
  return {
    revision,
    entries: kvs.map(({ value, ...kv }) => ({ ...kv, value: value.json() })),
    leases: store.leases().map(({ id, ttlSeconds }) => ({ id, ttlSeconds })),
  };
}

const snapshotSave: EtcdctlCommand = {
  run: async (call) => {
    const { context, args, options, out } = call;
    const [path] = args;
    if (path === undefined || args.length > 1)
      throw new EtcdctlError('snapshot save expects one argument <filename>', 128);
    const { files, stderr, cwd } = context;
    const log = (caller: string, msg: string, fields: Record<string, string> = {}, logger = {}) =>
      options.log(stderr, 'info', { ...logger, caller, msg, ...fields });
    const file = path.startsWith('/') ? path : `${cwd}/${path}`;
    const parent = file.slice(0, file.lastIndexOf('/')) || '/';
    if (!files.exists(parent))
      throw new EtcdctlError(
        `could not open ${path}.part (open ${path}.part: no such file or directory)`,
        5,
      );
    await log('snapshot/v3_snapshot.go:83', 'created temporary db file', { path: `${path}.part` });
    const service = await connect(call, '/etcdserverpb.Maintenance/Snapshot');
    const endpoint = options.endpoints[0] ?? '';
    const client = { logger: 'client' };
    await log('v3@v3.6.8/maintenance.go:236', 'opened snapshot stream; downloading', {}, client);
    await log('snapshot/v3_snapshot.go:96', 'fetching snapshot', { endpoint });
    const bytes = utf8(encodeSnapshot(snapshotOf(service)));
    files.writeFile(file, bytes, 0o600);
    await log('v3@v3.6.8/maintenance.go:302', 'completed snapshot read; closing', {}, client);
    await log('snapshot/v3_snapshot.go:111', 'fetched snapshot', {
      endpoint,
      size: humanBytes(bytes.length),
      took: took(call, 20),
      'etcd-version': '3.6.0',
    });
    await log('snapshot/v3_snapshot.go:121', 'saved', { path });
    await out(`Snapshot saved at ${path}\nServer version 3.6.0\n`);
  },
};

/** Clients, seconds and writes per second of each load. @see etcdctl/ctlv3/command/check.go */
const loads: Readonly<Record<string, number>> = { s: 150, m: 1000, l: 8000, xl: 15_000 };

const checkPerf: EtcdctlCommand = {
  flags: [
    { name: 'load', kind: 'string' },
    { name: 'prefix', kind: 'string' },
    { name: 'auto-compact', kind: 'bool' },
    { name: 'auto-defrag', kind: 'bool' },
  ],
  run: async (call) => {
    const { context, flags, out } = call;
    const load = flags.text('load') ?? 's';
    const names: Readonly<Record<string, string>> = {
      small: 's',
      medium: 'm',
      large: 'l',
      xLarge: 'xl',
    };
    const rate = loads[names[load] ?? load];
    if (rate === undefined) throw new EtcdctlError(`unknown load option ${load}`, 4);
    const { store } = await connect(call, '/etcdserverpb.KV/Range');
    const prefix = flags.text('prefix') ?? '/etcdctl-check-perf/';
    if (store.range(prefix, `${prefix}\uffff`, { limit: 1 }).count > 0)
      throw new EtcdctlError(
        `prefix ${JSON.stringify(prefix)} has keys. Delete with etcdctl del --prefix ${prefix} first.`,
        1,
      );
    await sleep(context.clock, 60_000, context.signal);
    await out(
      ` 60 / 60 ${'B'}${'o'.repeat(60)}m! 100.00%1m0s\n`,
      `PASS: Throughput is ${rate} writes/s\n`,
      `PASS: Slowest request took 0.0${10 + Math.floor(context.random.next() * 80)}${100 + Math.floor(context.random.next() * 900)}s\n`,
      `PASS: Stddev is 0.00${1000 + Math.floor(context.random.next() * 9000)}s\nPASS\n`,
    );
  },
};

export const clusterCommands: Readonly<Record<string, EtcdctlCommand>> = {
  'endpoint health': health,
  'endpoint status': status,
  'endpoint hashkv': hashkv,
  'member list': memberList,
  'member add': memberAdd,
  'member remove': memberRemove,
  'member update': memberUpdate,
  'member promote': memberPromote,
  'alarm list': alarmList,
  'alarm disarm': alarmDisarm,
  defrag,
  'move-leader': moveLeader,
  'snapshot save': snapshotSave,
  'check perf': checkPerf,
};
