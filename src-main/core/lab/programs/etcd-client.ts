import { type ByteSink, sleep } from '#core/base';
import { parseDuration, type Pki } from '#core/kube';
import { createResolver, type ProgramContext, splitUrl } from '#core/machines';
import { type EtcdService, etcdServiceName } from './etcd.ts';
import { joinOutput } from './etcd-text.ts';
import type { Flags, FlagSpec } from './flags.ts';

/** Flags every command of etcdctl takes; each can be given as `ETCDCTL_NAME` as well. */
export const globalFlags: readonly FlagSpec[] = [
  { name: 'endpoints', kind: 'list' },
  { name: 'cacert', kind: 'string' },
  { name: 'cert', kind: 'string' },
  { name: 'key', kind: 'string' },
  { name: 'write-out', kind: 'string' },
  { name: 'command-timeout', kind: 'duration' },
  { name: 'dial-timeout', kind: 'duration' },
  { name: 'keepalive-time', kind: 'duration' },
  { name: 'keepalive-timeout', kind: 'duration' },
  { name: 'max-request-bytes', kind: 'int' },
  { name: 'max-recv-bytes', kind: 'int' },
  { name: 'user', kind: 'string' },
  { name: 'password', kind: 'string' },
  { name: 'auth-jwt-token', kind: 'string' },
  { name: 'discovery-srv', kind: 'string' },
  { name: 'discovery-srv-name', kind: 'string' },
  { name: 'debug', kind: 'bool' },
  { name: 'hex', kind: 'bool' },
  { name: 'insecure-discovery', kind: 'bool' },
  { name: 'insecure-skip-tls-verify', kind: 'bool' },
  { name: 'insecure-transport', kind: 'bool' },
];

/** The command failed; `message` follows `Error: `. @see go.etcd.io/etcd/pkg/v3/cobrautl/error.go for exit codes */
export class EtcdctlError extends Error {
  override readonly name = 'EtcdctlError';
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The server refused a call, in gRPC's terms. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** A command's flags with what the environment adds to them. */
export class ClientOptions {
  readonly #context: ProgramContext;
  readonly #flags: Flags;

  constructor(context: ProgramContext, flags: Flags) {
    this.#context = context;
    this.#flags = flags;
  }

  text(name: string): string | undefined {
    const value = this.#flags.text(name) ?? this.#context.env[variableOf(name)];
    return value === '' ? undefined : value;
  }

  bool(name: string): boolean {
    return this.#flags.bool(name, /^(?:1|t|T|true|TRUE|True)$/.test(this.text(name) ?? ''));
  }

  get endpoints(): string[] {
    return (this.text('endpoints') ?? '127.0.0.1:2379').split(',').map((text) => text.trim());
  }

  get timeoutMs(): number {
    return parseDuration(this.text('command-timeout') ?? '5s') ?? 5000;
  }

  /** @throws EtcdctlError a flag is also set in the environment. */
  async checkEnvironment(): Promise<void> {
    const { env, stderr } = this.#context;
    const known = new Set(globalFlags.map(({ name }) => variableOf(name)));
    for (const [name, value] of Object.entries(env)) {
      if (!name.startsWith('ETCDCTL_') || name.startsWith('ETCDCTL_WATCH_')) continue;
      if (!known.has(name) || value === '')
        await this.log(stderr, 'warn', {
          caller: 'flags/flag.go:94',
          msg: 'unrecognized environment variable',
          'environment-variable': `${name}=${value}`,
        });
    }
    for (const { name } of globalFlags) {
      const variable = variableOf(name);
      if (!this.#flags.has(name) || !env[variable]) continue;
      await this.log(stderr, 'fatal', {
        caller: 'flags/flag.go:86',
        msg: 'conflicting environment variable is shadowed by corresponding command-line flag (either unset environment variable or disable flag))',
        'environment-variable': variable,
      });
      throw new EtcdctlError('', 1);
    }
  }

  /** A line of the client library's log. */
  log(sink: ByteSink, level: string, fields: Readonly<Record<string, unknown>>): Promise<void> {
    const ts = `${new Date(this.#context.clock.now()).toISOString().slice(0, 23)}000Z`;
    return writeOutput(sink, `${JSON.stringify({ level, ts, ...fields })}\n`);
  }

  /** The warning that a failed call leaves. */
  warn(endpoint: string, method: string, code: string, reason: string, peer = true): Promise<void> {
    const address = endpoint.replace(/^https?:\/\//, '');
    return this.log(this.#context.stderr, 'warn', {
      logger: 'etcd-client',
      caller: 'v3@v3.6.8/retry_interceptor.go:68',
      msg: 'retrying of unary invoker failed',
      target: `etcd-endpoints://0x215e5f062b40/${address}`,
      peer: peer
        ? `Peer{Addr: '${address}', LocalAddr: '127.0.0.1:33390', AuthInfo: '${endpoint.startsWith('https') ? 'tls' : 'insecure'}'}`
        : 'Peer{Addr: <nil>, LocalAddr: <nil>, AuthInfo: <nil>}',
      method,
      attempt: 0,
      error: `rpc error: code = ${code} desc = ${reason}`,
    });
  }
}

function variableOf(flag: string): string {
  return `ETCDCTL_${flag.toUpperCase().replaceAll('-', '_')}`;
}

interface Credentials {
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
}

/** @throws EtcdctlError a file is missing, or the pair does not match. */
async function readCredentials(
  { files }: ProgramContext,
  options: ClientOptions,
  pki: Pki,
): Promise<Credentials> {
  const read = (path: string | undefined): string | undefined => {
    if (path === undefined) return undefined;
    if (!files.exists(path)) throw new EtcdctlError(`open ${path}: no such file or directory`, 128);
    return files.readText(path);
  };
  const [certFile, keyFile] = [options.text('cert'), options.text('key')];
  if ((certFile === undefined) !== (keyFile === undefined))
    throw new EtcdctlError(
      `KeyFile and CertFile must both be present[key: ${keyFile ?? ''}, cert: ${certFile ?? ''}]`,
      128,
    );
  const certificate = read(certFile);
  const key = read(keyFile);
  const ca = read(options.text('cacert'));
  if (certificate !== undefined && key !== undefined && !(await pki.keyMatches(certificate, key)))
    throw new EtcdctlError('tls: private key does not match public key', 128);
  return { ca, certificate };
}

/**
 * Finds the etcd behind an endpoint.
 *
 * @param method the call that is to be made, for the warning when nobody answers.
 * @throws EtcdctlError after the command's time-out, with gRPC's reason on stderr; at once for unreadable files.
 */
export async function connectEtcd(
  context: ProgramContext,
  options: ClientOptions,
  pki: Pki,
  endpoint: string,
  method = '/etcdserverpb.KV/Range',
): Promise<EtcdService> {
  const credentials = await readCredentials(context, options, pki);
  const found = await dial(context, options, pki, endpoint, credentials);
  if (typeof found !== 'string' && found.alive) return found;
  await sleep(context.clock, options.timeoutMs, context.signal);
  if (typeof found === 'string')
    await options.warn(
      endpoint,
      method,
      'DeadlineExceeded',
      `latest balancer error: ${found}`,
      false,
    );
  else await options.warn(endpoint, method, 'DeadlineExceeded', 'context deadline exceeded');
  throw new EtcdctlError('context deadline exceeded');
}

/** @returns the service, or gRPC's words for why there is none. */
async function dial(
  { files, net, clock, random, signal }: ProgramContext,
  options: ClientOptions,
  pki: Pki,
  endpoint: string,
  { ca, certificate }: Credentials,
): Promise<EtcdService | string> {
  const url = endpoint.includes('://')
    ? endpoint
    : `${ca === undefined && certificate === undefined ? 'http' : 'https'}://${endpoint}`;
  const { host, port, secure } = splitUrl(url);
  const closed = 'connection error: desc = "error reading server preface: EOF"';
  try {
    const resolver = createResolver({ files, net, clock, random, signal });
    const [address = host] = await resolver.lookup(host);
    const { listener } = await net.dial(address, port, 'tcp', {
      timeoutMs: options.timeoutMs,
      signal,
    });
    if (listener.kind !== 'object' || listener.service !== etcdServiceName) return closed;
    const service = listener.object as EtcdService;
    if (!listener.tls)
      return secure ? tlsError('tls: first record does not look like a TLS handshake') : service;
    if (!secure) return closed;
    if (!options.bool('insecure-skip-tls-verify')) {
      const problem = await pki.verifyCertificate(
        listener.tls.certificate,
        ca ?? '',
        clock.now(),
        'server',
      );
      if (problem !== undefined) return tlsError(`tls: failed to verify certificate: ${problem}`);
    }
    if (listener.tls.clientCa !== undefined) {
      const refusal =
        certificate === undefined
          ? 'none'
          : await pki.verifyCertificate(certificate, listener.tls.clientCa, clock.now(), 'client');
      // The server closes during the handshake, and the client sees only that.
      if (refusal !== undefined)
        return `write tcp 127.0.0.1:33390->${address}:${port}: write: broken pipe`;
    }
    return service;
  } catch (error) {
    return `connection error: desc = "transport: Error while dialing: ${error instanceof Error ? error.message : String(error)}"`;
  }
}

function tlsError(reason: string): string {
  return `connection error: desc = "transport: authentication handshake failed: ${reason}"`;
}

/** Writes texts and raw bytes; a reader that is gone is no error. */
export async function writeOutput(
  sink: ByteSink,
  ...pieces: readonly (string | Uint8Array)[]
): Promise<void> {
  await sink.write(joinOutput(pieces) as Uint8Array<ArrayBuffer>).catch(() => undefined);
}
