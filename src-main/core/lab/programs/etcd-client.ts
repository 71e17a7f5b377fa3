import { sleep, utf8, type ByteSink } from '#core/base';
import type { Pki } from '#core/kube';
import { createResolver, type ProgramContext, splitUrl } from '#core/machines';
import { type EtcdService, etcdServiceName } from './etcd.ts';
import type { Flags, FlagSpec } from './flags.ts';

/** Flags every command of etcdctl takes. */
export const globalFlags: readonly FlagSpec[] = [
  { name: 'endpoints', kind: 'list' },
  { name: 'cacert', kind: 'string' },
  { name: 'cert', kind: 'string' },
  { name: 'key', kind: 'string' },
  { name: 'write-out', kind: 'string' },
  { name: 'command-timeout', kind: 'string' },
  { name: 'dial-timeout', kind: 'string' },
  { name: 'user', kind: 'string' },
  { name: 'insecure-skip-tls-verify', kind: 'bool' },
  { name: 'hex', kind: 'bool' },
];

/** The command failed; `message` follows `Error: `. */
export class EtcdctlError extends Error {
  override readonly name = 'EtcdctlError';
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

const commandTimeoutMs = 5000;

/** Endpoints asked for by flag or `ETCDCTL_ENDPOINTS`. */
export function endpointsOf({ env }: ProgramContext, flags: Flags): string[] {
  const named = flags.has('endpoints')
    ? flags.list('endpoints')
    : (env['ETCDCTL_ENDPOINTS'] ?? '127.0.0.1:2379').split(',');
  return named.map((endpoint) => endpoint.trim());
}

/**
 * Finds the etcd behind an endpoint.
 * @throws EtcdctlError after the command's time-out, with gRPC's reason on stderr; at once for unreadable files.
 */
export async function connectEtcd(
  context: ProgramContext,
  flags: Flags,
  pki: Pki,
  endpoint: string,
): Promise<EtcdService> {
  const { files, net, clock, random, signal, env, stderr } = context;
  const option = (name: 'cacert' | 'cert' | 'key'): string | undefined => {
    const path = flags.text(name) ?? env[`ETCDCTL_${name.toUpperCase()}`];
    if (path === undefined) return undefined;
    if (!files.exists(path)) throw new EtcdctlError(`open ${path}: no such file or directory`, 128);
    return files.readText(path);
  };
  const ca = option('cacert');
  const certificate = option('cert');
  const key = option('key');
  if (certificate !== undefined && key !== undefined && !(await pki.keyMatches(certificate, key)))
    throw new EtcdctlError('tls: private key does not match public key', 128);
  const url = endpoint.includes('://')
    ? endpoint
    : `${ca === undefined && certificate === undefined ? 'http' : 'https'}://${endpoint}`;
  const { host, port, secure } = splitUrl(url);
  const reason = await (async (): Promise<string | EtcdService> => {
    try {
      const resolver = createResolver({ files, net, clock, random, signal });
      const [address = host] = await resolver.lookup(host);
      const { listener } = await net.dial(address, port, 'tcp', {
        timeoutMs: commandTimeoutMs,
        signal,
      });
      if (
        listener.kind !== 'object' ||
        listener.service !== etcdServiceName ||
        secure !== (listener.tls !== undefined)
      )
        return 'connection error: desc = "error reading server preface: EOF"';
      if (listener.tls) {
        const problem = flags.bool('insecure-skip-tls-verify', false)
          ? undefined
          : await pki.verifyCertificate(listener.tls.certificate, ca ?? '', clock.now(), 'server');
        if (problem !== undefined)
          return `connection error: desc = "transport: authentication handshake failed: tls: failed to verify certificate: ${problem}"`;
        if (listener.tls.clientCa !== undefined) {
          if (certificate === undefined)
            return 'connection error: desc = "error reading server preface: remote error: tls: certificate required"';
          if (
            (await pki.verifyCertificate(
              certificate,
              listener.tls.clientCa,
              clock.now(),
              'client',
            )) !== undefined
          )
            return `write tcp 127.0.0.1:33390->${address}:${port}: write: broken pipe`;
        }
      }
      return listener.object as EtcdService;
    } catch (error) {
      return `connection error: desc = "transport: Error while dialing: ${error instanceof Error ? error.message : String(error)}"`;
    }
  })();
  if (typeof reason !== 'string') return reason;
  await sleep(clock, commandTimeoutMs, signal);
  await writeText(
    stderr,
    `${JSON.stringify({
      level: 'warn',
      ts: `${new Date(clock.now()).toISOString().slice(0, 23)}000Z`,
      logger: 'etcd-client',
      caller: 'v3@v3.6.16/retry_interceptor.go:68',
      msg: 'retrying of unary invoker failed',
      target: `etcd-endpoints://0x215e5f062b40/${endpoint.replace(/^https?:\/\//, '')}`,
      method: '/etcdserverpb.KV/Range',
      attempt: 0,
      error: `rpc error: code = DeadlineExceeded desc = latest balancer error: ${reason}`,
    })}\n`,
  );
  throw new EtcdctlError('context deadline exceeded');
}

export async function writeText(sink: ByteSink, text: string): Promise<void> {
  await sink.write(utf8(text)).catch(() => undefined);
}

/** A table as etcdctl draws it: headings centred, cells to the right or the left as their columns ask. */
export function drawTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[] = [],
): string {
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => (row[i] ?? '').length)),
  );
  const rule = `+${widths.map((width) => '-'.repeat(width + 2)).join('+')}+\n`;
  const centre = (text: string, width: number): string => {
    const left = Math.floor((width - text.length) / 2);
    return `${' '.repeat(left)}${text}${' '.repeat(width - text.length - left)}`;
  };
  const line = (cells: readonly string[], place: (text: string, i: number) => string): string =>
    `| ${cells.map(place).join(' | ')} |\n`;
  const body = rows
    .map((row) =>
      line(row, (text, i) =>
        rightAligned.includes(i) ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0),
      ),
    )
    .join('');
  return `${rule}${line(headings, (text, i) => centre(text, widths[i] ?? 0))}${rule}${body}${rule}`;
}

/** `877 kB`, as humanize prints bytes. */
export function humanBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const text =
    value < 10 && unit > 0
      ? (Math.round(value * 10) / 10).toString()
      : Math.round(value).toString();
  return `${text} ${units[unit] ?? 'B'}`;
}
