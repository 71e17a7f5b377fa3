import { sleep, toBase64, encodeBytes } from '#core/base';
import { EtcdctlError } from './etcd-client.ts';
import type { EtcdService } from './etcd.ts';
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
import { toHex64 } from './etcd-text.ts';

/** The store numbers leases from 1; etcd's ids begin with a part that tells member and time. */
const leaseBase = 0x694d9a2b31c00000n;
/** etcd's election time-out decides it. @see go.etcd.io/etcd/server/v3/etcdserver/server.go */
const minTtlSeconds = 2;

/** A lease's id as it is shown. */
export function leaseText(id: number): string {
  return toHex64(leaseBase + BigInt(id));
}

/** The store's number of a shown id; one that no lease has for any other. */
export function leaseNumber(id: bigint): number {
  if (id === 0n) return 0;
  const number = id - leaseBase;
  return number > 0n && number < 0x100000n ? Number(number) : Number.MAX_SAFE_INTEGER;
}

function idArgument({ args }: EtcdctlCall, usage: string): bigint {
  const [text] = args;
  if (text === undefined || args.length > 1) throw new EtcdctlError(usage, 128);
  return parseHex(text, 'lease ID arg', true);
}

const grant: EtcdctlCommand = {
  run: async (call) => {
    const { args, format } = call;
    const [text] = args;
    if (text === undefined || args.length > 1)
      throw new EtcdctlError('lease grant command needs TTL argument', 128);
    if (!/^[-+]?\d+$/.test(text))
      throw new EtcdctlError(
        `bad TTL (strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax)`,
        128,
      );
    checkFormat(format);
    const service = await connect(call, '/etcdserverpb.Lease/LeaseGrant');
    const { store } = service;
    const ttl = Math.max(Number(text), minTtlSeconds);
    const id = await rpc(
      call,
      '/etcdserverpb.Lease/LeaseGrant',
      () => store.grantLease(ttl),
      (message) => `failed to grant lease (${message})`,
    );
    const shown = leaseText(id);
    await print(call, {
      simple: () => `lease ${shown} granted with TTL(${ttl}s)\n`,
      json: () => ({
        ...headerOf(service, store.revision),
        ID: BigInt(`0x${shown}`),
        TTL: ttl,
        Error: '',
      }),
      fields: () =>
        `${headerFields(service, store.revision)}"ID" : ${BigInt(`0x${shown}`)}\n"TTL" : ${ttl}\n"Error" : ""\n`,
    });
  },
};

const revoke: EtcdctlCommand = {
  run: async (call) => {
    const id = idArgument(call, 'lease revoke command needs 1 argument');
    checkFormat(call.format);
    const service = await connect(call, '/etcdserverpb.Lease/LeaseRevoke');
    await rpc(
      call,
      '/etcdserverpb.Lease/LeaseRevoke',
      () => service.store.revokeLease(leaseNumber(id)),
      (message) => `failed to revoke lease (${message})`,
    );
    await print(call, {
      simple: () => `lease ${toHex64(id)} revoked\n`,
      json: () => ({ header: headerOf(service, service.store.revision) }),
      fields: () => headerFields(service, service.store.revision),
    });
  },
};

const timetolive: EtcdctlCommand = {
  flags: [{ name: 'keys', kind: 'bool' }],
  run: async (call) => {
    const id = idArgument(call, 'lease timetolive command needs lease ID as argument');
    checkFormat(call.format);
    const service = await connect(call, '/etcdserverpb.Lease/LeaseTimeToLive');
    const { store } = service;
    const lease = store.leases().find((one) => one.id === leaseNumber(id));
    const withKeys = call.flags.bool('keys', false);
    const left = lease ? secondsLeft(call, lease.expiresMs) : -1;
    const granted = lease?.ttlSeconds ?? 0;
    const keys = withKeys ? (lease?.keys ?? []) : [];
    await print(call, {
      simple: () => {
        if (!lease) return `lease ${toHex64(id)} already expired\n`;
        const attached = withKeys ? `, attached keys([${keys.join(' ')}])` : '';
        return [
          ...[`lease ${toHex64(id)} granted with TTL(${granted}s), remaining(${left}s)`],
          attached,
          '\n',
        ];
      },
      json: () => ({
        ...headerOf(service, store.revision),
        id,
        ttl: left,
        'granted-ttl': granted,
        keys: withKeys ? keys.map((key) => toBase64(encodeBytes(key))) : null,
      }),
      fields: () =>
        `${headerFields(service, store.revision)}"ID" : ${id}\n"TTL" : ${left}\n"GrantedTTL" : ${granted}\n${keys.map((key) => `"Key" : ${JSON.stringify(key)}\n`).join('')}`,
    });
  },
};

/** Whole seconds; some time has always passed since the lease was granted. */
function secondsLeft({ context }: EtcdctlCall, expiresMs: number): number {
  return Math.max(0, Math.ceil((expiresMs - context.clock.now()) / 1000) - 1);
}

const list: EtcdctlCommand = {
  run: async (call) => {
    checkFormat(call.format);
    const service = await connect(call, '/etcdserverpb.Lease/LeaseLeases');
    const { store } = service;
    const ids = store.leases().map(({ id }) => leaseText(id));
    await print(call, {
      simple: () => `found ${ids.length} leases\n${ids.map((id) => `${id}\n`).join('')}`,
      json: () => ({
        ...headerOf(service, store.revision),
        leases: ids.map((id) => ({ id: BigInt(`0x${id}`) })),
      }),
      fields: () =>
        headerFields(service, store.revision) +
        ids.map((id) => `"ID" : ${BigInt(`0x${id}`)}\n`).join(''),
    });
  },
};

const keepAlive: EtcdctlCommand = {
  flags: [{ name: 'once', kind: 'bool' }],
  run: async (call) => {
    const id = idArgument(call, 'lease keep-alive command needs lease ID as argument');
    checkFormat(call.format);
    const { context, flags, out } = call;
    const service = await connect(call, '/etcdserverpb.Lease/LeaseKeepAlive');
    const once = flags.bool('once', false);
    for (;;) {
      const ttl = renewed(service, leaseNumber(id));
      if (ttl === undefined) {
        if (once) throw new EtcdctlError('etcdserver: requested lease not found', 2);
        await out(`lease ${toHex64(id)} expired or revoked.\n`);
        return;
      }
      await print(call, {
        simple: () => `lease ${toHex64(id)} keepalived with TTL(${ttl})\n`,
        json: () => ({ ...headerOf(service, service.store.revision), ID: id, TTL: ttl }),
        fields: () =>
          `${headerFields(service, service.store.revision)}"ID" : ${id}\n"TTL" : ${ttl}\n`,
      });
      if (once) return;
      await sleep(context.clock, (ttl * 1000) / 3, context.signal);
      if (context.signal.aborted) return;
    }
  },
};

/** @returns the lease's time to live; undefined when there is no such lease. */
function renewed({ store }: EtcdService, id: number): number | undefined {
  if (!store.keepAlive(id)) return undefined;
  return store.leases().find((lease) => lease.id === id)?.ttlSeconds;
}

export const leaseCommands: Readonly<Record<string, EtcdctlCommand>> = {
  'lease grant': grant,
  'lease revoke': revoke,
  'lease timetolive': timetolive,
  'lease list': list,
  'lease keep-alive': keepAlive,
};
