import type { Clock, Random } from '#core/base';
import { type Connection, ConnectionError } from '#core/kube';
import type { FileSystem } from '../filesystem/types.ts';
import {
  isAddress,
  joinHostPort,
  type NetNamespace,
  openConnection,
  within,
} from '../network/index.ts';
import {
  decodeDns,
  type DnsMessage,
  dnsQuery,
  encodeDns,
  type RecordType,
  reverseName,
} from './message.ts';
import { framed, readFrame } from './stream.ts';

export interface ResolverConfig {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly ndots: number;
  readonly timeoutMs: number;
  readonly attempts: number;
}

export interface ResolverDeps {
  /** The process's own tree: `/etc/resolv.conf` and `/etc/hosts` are read at each look-up. */
  readonly files: Pick<FileSystem, 'readText'>;
  readonly net: NetNamespace;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal;
}

/** A name has no address, or nobody could tell. The message is Go's: `lookup web on 10.96.0.10:53: no such host`. */
export class LookupError extends ConnectionError {
  readonly kind: 'not-found' | 'timeout' | 'server-failure';

  constructor(kind: LookupError['kind'], message: string) {
    super('ENOTFOUND', message);
    this.kind = kind;
  }
}

/** One exchange with one server failed; `text` is Go's for the socket. */
export class ExchangeError extends Error {
  override readonly name = 'ExchangeError';
  readonly kind: 'timeout' | 'refused' | 'unreachable';

  constructor(kind: ExchangeError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface Resolver {
  /**
   * Addresses of a host name as getaddrinfo gives them: an address itself, `/etc/hosts`, then the servers.
   * @throws LookupError
   */
  lookup(name: string): Promise<readonly string[]>;
  /** The name of an address by `/etc/hosts` or PTR; undefined when it has none. */
  reverse(address: string): Promise<string | undefined>;
  /** Full names to ask for, in order, by the search list and ndots. */
  candidates(name: string): readonly string[];
  config(): ResolverConfig;
  /** Asks one server once, over UDP unless told otherwise. @throws ExchangeError */
  exchange(
    server: string,
    name: string,
    type: RecordType,
    options?: { readonly timeoutMs?: number; readonly protocol?: 'udp' | 'tcp' },
  ): Promise<DnsMessage>;
  /**
   * Asks the configured servers in turn, `attempts` times. SERVFAIL and REFUSED go on to the next one.
   * @throws ExchangeError nobody answered.
   */
  ask(name: string, type: RecordType): Promise<{ server: string; message: DnsMessage }>;
}

const readOr = (files: ResolverDeps['files'], path: string): string => {
  try {
    return files.readText(path);
  } catch {
    return '';
  }
};

async function askStream(
  connection: Connection,
  question: Uint8Array,
): Promise<Uint8Array | undefined> {
  await connection.output.write(framed(question));
  const frame = await readFrame(connection.input, new Uint8Array(0));
  connection.close();
  return frame?.message;
}

/** @see resolv.conf(5) */
export function parseResolvConf(text: string): ResolverConfig {
  const servers: string[] = [];
  let search: string[] = [];
  const options = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0] && servers.length < 3) servers.push(values[0]);
    if (keyword === 'search' || keyword === 'domain') search = values;
    if (keyword === 'options')
      for (const value of values) {
        const [name = '', number] = value.split(':');
        options.set(name, Number(number ?? 1));
      }
  }
  return {
    servers: servers.length > 0 ? servers : ['127.0.0.1'],
    search,
    ndots: Math.min(15, options.get('ndots') ?? 1),
    timeoutMs: (options.get('timeout') ?? 5) * 1000,
    attempts: Math.min(5, options.get('attempts') ?? 2),
  };
}

/** Lines of `/etc/hosts`: address and its names. */
export function parseHosts(text: string): readonly { address: string; names: readonly string[] }[] {
  return text.split('\n').flatMap((line) => {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return address && names.length > 0 ? [{ address, names }] : [];
  });
}

/** The resolver library of a process: nothing else in the simulated world turns names into addresses. */
export function createResolver(deps: ResolverDeps): Resolver {
  const { files, net, clock, random, signal } = deps;
  const config = (): ResolverConfig => parseResolvConf(readOr(files, '/etc/resolv.conf'));
  const hosts = () => parseHosts(readOr(files, '/etc/hosts'));

  const candidates = (name: string): readonly string[] => {
    if (name.endsWith('.')) return [name.slice(0, -1)];
    const { search, ndots } = config();
    const searched = search
      .filter((domain) => domain !== '.')
      .map((domain) => `${name}.${domain.replace(/\.$/, '')}`);
    const dots = name.split('.').length - 1;
    return dots >= ndots ? [name, ...searched] : [...searched, name];
  };

  const exchange: Resolver['exchange'] = async (server, name, type, options = {}) => {
    const { timeoutMs: limitMs = config().timeoutMs, protocol = 'udp' } = options;
    const started = clock.now();
    const sourcePort = 32768 + random.integer(28232);
    const timedOut = (): ExchangeError =>
      new ExchangeError(
        'timeout',
        `read ${protocol} ${joinHostPort(net.address, sourcePort)}->${joinHostPort(server, 53)}: i/o timeout`,
      );
    try {
      const dialed = await net.dial(server, 53, protocol, {
        timeoutMs: limitMs,
        ...(signal ? { signal } : {}),
      });
      const { listener, peer } = dialed;
      const question = encodeDns(dnsQuery(random.integer(65536), name, type));
      const left = Math.max(0, limitMs - (clock.now() - started));
      const send = (): Promise<Uint8Array | undefined> => {
        if (protocol === 'tcp') return askStream(openConnection(dialed), question);
        if (listener.kind !== 'udp') throw timedOut();
        return listener.handle(question, peer);
      };
      const answer = await within(clock, left, send(), timedOut);
      if (answer) return decodeDns(answer);
      await within(clock, left, new Promise<never>(() => undefined), timedOut);
      throw timedOut();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      if (error.code === 'ECONNREFUSED') throw new ExchangeError('refused', error.message);
      if (error.code === 'EHOSTUNREACH') throw new ExchangeError('unreachable', error.message);
      throw timedOut();
    }
  };

  const ask: Resolver['ask'] = async (name, type) => {
    const { servers, attempts } = config();
    let failure: unknown;
    let weak: { server: string; message: DnsMessage } | undefined;
    for (let attempt = 0; attempt < attempts; attempt++)
      for (const server of servers) {
        signal?.throwIfAborted();
        try {
          const message = await exchange(server, name, type);
          if (message.code === 'NOERROR' || message.code === 'NXDOMAIN') return { server, message };
          weak ??= { server, message };
        } catch (error) {
          if (!(error instanceof ExchangeError)) throw error;
          failure = error;
        }
      }
    if (weak) return weak;
    throw failure;
  };

  const lookup: Resolver['lookup'] = async (name) => {
    if (isAddress(name)) return [name];
    const plain = name.replace(/\.$/, '').toLowerCase();
    const known = hosts()
      .filter(({ names }) => names.some((other) => other.toLowerCase() === plain))
      .map(({ address }) => address)
      .sort((a, b) => Number(a.includes(':')) - Number(b.includes(':')));
    if (known.length > 0) return known;
    if (plain === 'localhost') return ['127.0.0.1'];
    let server = joinHostPort(config().servers[0] ?? '127.0.0.1', 53);
    let failed: ResponseFailure | undefined;
    for (const candidate of candidates(name)) {
      try {
        const answer = await ask(candidate, 'A');
        server = joinHostPort(answer.server, 53);
        const addresses = addressesOf(answer.message);
        if (addresses.length > 0) return addresses;
        if (answer.message.code !== 'NOERROR' && answer.message.code !== 'NXDOMAIN')
          failed = { kind: 'server-failure', text: 'server misbehaving' };
      } catch (error) {
        if (!(error instanceof ExchangeError)) throw error;
        // As glibc: a search list is not walked on when nobody answers.
        throw new LookupError(
          error.kind === 'timeout' ? 'timeout' : 'server-failure',
          `lookup ${name} on ${server}: ${error.message}`,
        );
      }
    }
    throw new LookupError(
      failed?.kind ?? 'not-found',
      `lookup ${name} on ${server}: ${failed?.text ?? 'no such host'}`,
    );
  };

  const reverse: Resolver['reverse'] = async (address) => {
    const known = hosts().find((entry) => entry.address === address)?.names[0];
    if (known !== undefined) return known;
    try {
      const { message } = await ask(reverseName(address), 'PTR');
      for (const record of message.answers) if (record.type === 'PTR') return record.target;
    } catch (error) {
      if (!(error instanceof ExchangeError)) throw error;
    }
    return undefined;
  };

  return { lookup, reverse, candidates, config, exchange, ask };
}

interface ResponseFailure {
  readonly kind: LookupError['kind'];
  readonly text: string;
}

function addressesOf(message: DnsMessage): string[] {
  return message.answers.flatMap((record) => (record.type === 'A' ? [record.address] : []));
}
