import { hex, utf8 } from '#core/base';
import type { Pki, Store, StoredObject } from '#core/kube';
import {
  type Listener,
  ListenError,
  type Program,
  type ProgramContext,
  type ServerTls,
} from '#core/machines';
import type { EtcdData } from '../etcd-data.ts';
import { etcdFlags } from './generated/component-flags.ts';
import { type Flags, flagSpecs, FlagError, parseFlags } from './flags.ts';
import { pathOf, plainAnswer } from './http-answer.ts';

/** What an etcd client port gives to those who dial it. */
export interface EtcdService {
  readonly name: string;
  readonly version: string;
  /** The id of the store, which a restored data directory changes. */
  readonly storeId: string;
  readonly store: Store<StoredObject>;
  readonly clientUrls: readonly string[];
  readonly peerUrls: readonly string[];
  /** 16 hexadecimal digits, as `memberId`. */
  readonly clusterId: string;
  readonly memberId: string;
  /** Members that were added and never started. */
  readonly others: EtcdMember[];
  readonly accounts: EtcdAccounts;
  /** Whether the process that serves it still runs, and has a majority. */
  readonly alive: boolean;
}

export interface EtcdMember {
  readonly id: string;
  peerUrls: readonly string[];
  readonly isLearner: boolean;
}

/** Users and roles. They are kept while etcd runs; nothing asks for them, because authentication cannot be enabled. */
export interface EtcdAccounts {
  /** Roles by user. */
  readonly users: Map<string, Set<string>>;
  /** Permissions by role. */
  readonly roles: Map<string, EtcdPermission[]>;
}

export interface EtcdPermission {
  readonly kind: 'read' | 'write' | 'readwrite';
  readonly key: string;
  readonly end: string | undefined;
}

export const etcdServiceName = 'etcd';
const version = '3.6.8';

class StartError extends Error {
  readonly caller: string;
  readonly fatal: string;
  constructor(caller: string, fatal: string, message: string) {
    super(message);
    this.caller = caller;
    this.fatal = fatal;
  }
}

/**
 * etcd: serves the store of its data directory on its client port. One member only: peers are configured, reported
 * and listened for, but replication between several members is not modelled.
 */
export function etcd(data: EtcdData, pki: Pki): Program {
  return async (context) => {
    const { argv, files, clock, process, signal } = context;
    const log = (
      level: string,
      caller: string,
      msg: string,
      fields: Record<string, unknown> = {},
    ): void => {
      const ts = `${new Date(clock.now()).toISOString().slice(0, 23)}000Z`;
      context.stderr
        .write(utf8(`${JSON.stringify({ level, ts, caller, msg, ...fields })}\n`))
        .catch(() => undefined);
    };
    let flags: Flags;
    try {
      flags = parseFlags(argv.slice(1), flagSpecs(etcdFlags));
    } catch (error) {
      if (!(error instanceof FlagError)) throw error;
      log('warn', 'etcdmain/etcd.go:75', 'failed to verify flags', {
        error: error.message.replace(/^unknown flag: -/, 'flag provided but not defined: '),
      });
      return 1;
    }
    log('info', 'etcdmain/etcd.go:64', 'Running: ', { args: argv });
    const closing: { dispose(): void }[] = [];
    const state = { alive: true };
    const others: EtcdMember[] = [];
    try {
      const name = flags.text('name') ?? 'default';
      const dataDir = flags.text('data-dir') ?? `${name}.etcd`;
      const clientUrls = (flags.text('listen-client-urls') ?? 'http://localhost:2379').split(',');
      const peerUrls = (flags.text('listen-peer-urls') ?? 'http://localhost:2380').split(',');
      checkCluster(flags, name);
      const peerTls = await tlsOf(context, flags, 'peer-', pki, [
        'embed/etcd.go:586',
        'discovery failed',
      ]);
      for (const url of peerUrls)
        closing.push(openUrl(context, url, { kind: 'tcp', accept: (c) => c.close(), ...peerTls }));
      const { id, store } = data.open(files, dataDir);
      const clientTls = await tlsOf(context, flags, '', pki, [
        'embed/serve.go:157',
        'listener failed',
      ]);
      const service: EtcdService = {
        name,
        version,
        storeId: id,
        store,
        clientUrls: (flags.text('advertise-client-urls') ?? '').split(','),
        peerUrls: (flags.text('initial-advertise-peer-urls') ?? '').split(','),
        clusterId: idOf(`cluster ${name}`),
        memberId: idOf(name),
        others,
        accounts: { users: new Map(), roles: new Map() },
        get alive() {
          const voters = 1 + others.filter(({ isLearner }) => !isLearner).length;
          // One of two is no majority.
          return state.alive && voters === 1;
        },
      };
      for (const url of clientUrls)
        closing.push(
          openUrl(context, url, {
            kind: 'object',
            service: etcdServiceName,
            object: service,
            ...clientTls,
          }),
        );
      for (const url of (flags.text('listen-metrics-urls') ?? '')
        .split(',')
        .filter((text) => text !== ''))
        closing.push(
          openUrl(context, url, {
            kind: 'http',
            handle: ({ url: path }) => Promise.resolve(healthAnswer(pathOf(path), store.revision)),
          }),
        );
      process.setMemory(60 * 1024 * 1024);
      process.setCpu(16);
      log('info', 'embed/serve.go:210', 'serving client traffic securely', {
        traffic: 'grpc+http',
        address: clientUrls[0],
      });
      await new Promise<void>((resolve) => {
        for (const name2 of ['SIGTERM', 'SIGINT'] as const)
          closing.push(process.onSignal(name2, () => resolve()));
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      if (!signal.aborted)
        log('info', 'osutil/interrupt_unix.go:65', 'received signal; shutting down', {
          signal: 'terminated',
        });
      return 0;
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      log(
        'error',
        error.caller,
        error.fatal === 'listener failed'
          ? 'registerGateway failed'
          : 'creating peer listener failed',
        {
          error: error.message,
        },
      );
      log(
        'fatal',
        error.fatal === 'listener failed' ? 'etcdmain/etcd.go:198' : 'etcdmain/etcd.go:183',
        error.fatal,
        {
          error: error.message,
        },
      );
      return 1;
    } finally {
      state.alive = false;
      for (const item of closing.reverse()) item.dispose();
    }
  };
}

function checkCluster(flags: Flags, name: string): void {
  const cluster = flags.text('initial-cluster');
  if (cluster === undefined) return;
  const members = cluster.split(',').map((entry) => entry.split('='));
  const mine = members.filter(([member]) => member === name).map(([, url]) => url ?? '');
  if (mine.length === 0)
    throw new StartError(
      'embed/etcd.go:586',
      'discovery failed',
      `couldn't find local name "${name}" in the initial cluster configuration`,
    );
  const advertised = (flags.text('initial-advertise-peer-urls') ?? '').split(',');
  if (flags.has('initial-advertise-peer-urls') && advertised.join() !== mine.join())
    throw new StartError(
      'embed/etcd.go:586',
      'discovery failed',
      `--initial-cluster has ${name}=${mine.join(',')} but missing from --initial-advertise-peer-urls=${advertised.join(',')} (resolved urls: "${advertised.join(',')}" != "${mine.join(',')}")`,
    );
}

async function tlsOf(
  context: ProgramContext,
  flags: Flags,
  prefix: string,
  pki: Pki,
  [caller, fatal]: readonly [string, string],
): Promise<{ tls?: ServerTls }> {
  const certFile = flags.text(`${prefix}cert-file`);
  const keyFile = flags.text(`${prefix}key-file`);
  const caFile = flags.text(`${prefix}trusted-ca-file`);
  if (certFile === undefined || keyFile === undefined) return {};
  const read = (path: string): string => {
    if (!context.files.exists(path))
      throw new StartError(caller, fatal, `open ${path}: no such file or directory`);
    return context.files.readText(path);
  };
  const certificate = read(certFile);
  const key = read(keyFile);
  if (!(await pki.keyMatches(certificate, key)))
    throw new StartError(caller, fatal, 'tls: private key does not match public key');
  const clientCa = caFile === undefined ? undefined : read(caFile);
  const asks = flags.bool(`${prefix}client-cert-auth`, false) && clientCa !== undefined;
  return { tls: { certificate, ...(asks ? { clientCa } : {}) } };
}

function openUrl(context: ProgramContext, url: string, listener: Listener): { dispose(): void } {
  const match = /^https?:\/\/(\[[^\]]+\]|[^:/]+):(\d+)/.exec(url);
  const address = match?.[1] ?? '';
  const port = Number(match?.[2] ?? 0);
  const local = address === 'localhost' ? '127.0.0.1' : address;
  const { net } = context;
  const known = local === '0.0.0.0' || local === '127.0.0.1' || net.addresses.includes(local);
  const fail = (why: string): never => {
    throw new StartError(
      'embed/etcd.go:586',
      'discovery failed',
      `listen tcp ${address}:${port}: bind: ${why}`,
    );
  };
  if (!known) return fail('cannot assign requested address');
  try {
    return net.listen(port, listener, { address: local });
  } catch (error) {
    if (error instanceof ListenError) return fail('address already in use');
    throw error;
  }
}

function healthAnswer(path: string, revision: number) {
  if (path === '/livez' || path === '/readyz') return plainAnswer(200, 'ok\n');
  if (path === '/health') return plainAnswer(200, '{"health":"true","reason":""}');
  if (path === '/metrics')
    return plainAnswer(200, `etcd_debugging_mvcc_current_revision ${revision}\n`);
  return plainAnswer(404, '404 page not found\n');
}

/** An id follows from a name, as etcd's follow from peer URLs. */
export function idOf(name: string): string {
  let state = 2166136261;
  for (let i = 0; i < name.length; i++) state = Math.imul(state ^ name.charCodeAt(i), 16777619);
  const next = (): number => {
    state = Math.imul(state ^ (state >>> 15), 2246822519);
    return (state >>> 0) / 4294967296;
  };
  return hex({ next, integer: (bound) => Math.floor(next() * bound) }, 16);
}
