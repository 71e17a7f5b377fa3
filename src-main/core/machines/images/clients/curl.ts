import { concatBytes, fromUtf8, readText, toBase64, utf8 } from '#core/base';
import { type ApiRequest, ConnectionError } from '#core/kube';
import { LookupError } from '../../dns/index.ts';
import { FileError } from '../../filesystem/types.ts';
import { type HttpAnswer, httpRequest, splitUrl, TlsError } from '../../network/index.ts';
import type { Program, ProgramContext } from '../../process/types.ts';
import { chunksOf, print, resolverOf } from '../program-io.ts';
import { type ParsedOptions, parseOptions } from './arguments.ts';

const version = '8.5.0';

const table = {
  flags: {
    // No configuration file is read anyway.
    q: 'q',
    disable: 'q',
    s: 's',
    silent: 's',
    S: 'S',
    'show-error': 'S',
    k: 'k',
    insecure: 'k',
    v: 'v',
    verbose: 'v',
    I: 'I',
    head: 'I',
    O: 'O',
    'remote-name': 'O',
    L: 'L',
    location: 'L',
    f: 'f',
    fail: 'f',
    i: 'i',
    include: 'i',
    G: 'G',
    get: 'G',
    N: 'N',
    'no-buffer': 'N',
    g: 'g',
    globoff: 'g',
    V: 'V',
    version: 'V',
    '4': '4',
    ipv4: '4',
    '#': '#',
    'progress-bar': '#',
    compressed: 'compressed',
    'http1.1': 'http1.1',
    'no-progress-meter': 's',
    'fail-with-body': 'fail-with-body',
  },
  values: {
    X: 'X',
    request: 'X',
    H: 'H',
    header: 'H',
    d: 'd',
    data: 'd',
    'data-raw': 'raw',
    'data-binary': 'binary',
    'data-urlencode': 'urlencode',
    json: 'json',
    o: 'o',
    output: 'o',
    m: 'm',
    'max-time': 'm',
    'connect-timeout': 'connect',
    // The source follows from where the request goes.
    interface: 'interface',
    w: 'w',
    'write-out': 'w',
    u: 'u',
    user: 'u',
    resolve: 'resolve',
    cacert: 'cacert',
    E: 'cert',
    cert: 'cert',
    key: 'key',
    A: 'A',
    'user-agent': 'A',
    e: 'e',
    referer: 'e',
    b: 'b',
    cookie: 'b',
    retry: 'retry',
    'retry-delay': 'retry-delay',
    'max-redirs': 'redirs',
    url: 'url',
    x: 'x',
    proxy: 'x',
  },
} as const;

/** A failure with curl's exit code and text. */
class CurlError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

const certificateHelp = `More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the web page mentioned above.
`;

/** `curl`: HTTP and HTTPS, with the options people use to look at a service. */
export const curl: Program = async (context) => {
  const options = parseOptions(context.argv.slice(1), table);
  if (options.flags.has('V')) {
    await print(
      context.stdout,
      `curl ${version} (x86_64-pc-linux-gnu) libcurl/${version} OpenSSL/3.0.13\nProtocols: http https\n`,
    );
    return 0;
  }
  const help = "curl: try 'curl --help' or 'curl --manual' for more information\n";
  if (options.bad) {
    const { option, kind } = options.bad;
    const text = kind === 'unknown' ? 'is unknown' : 'requires parameter';
    await print(context.stderr, `curl: option ${option}: ${text}\n${help}`);
    return 2;
  }
  const urls = [...(options.values.get('url') ?? []), ...options.operands];
  if (urls.length === 0) {
    await print(context.stderr, `curl: (2) no URL specified\n${help}`);
    return 2;
  }
  let code = 0;
  for (const [index, url] of urls.entries()) {
    try {
      code = await transfer(context, options, url, index);
    } catch (error) {
      if (!(error instanceof CurlError)) throw error;
      code = error.exitCode;
      if (!options.flags.has('s') || options.flags.has('S'))
        await print(context.stderr, `curl: (${error.exitCode}) ${error.message}\n`);
    }
  }
  return code;
};

const last = (options: ParsedOptions, name: string): string | undefined =>
  options.values.get(name)?.at(-1);

async function transfer(
  context: ProgramContext,
  options: ParsedOptions,
  given: string,
  index: number,
): Promise<number> {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(given)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https')
    throw new CurlError(1, `Protocol "${scheme}" not supported`);
  let url = scheme === undefined ? `http://${given}` : given;
  const body = await requestBody(context, options);
  let method = (last(options, 'X') ??
    (options.flags.has('I')
      ? 'HEAD'
      : body && !options.flags.has('G')
        ? 'POST'
        : 'GET')) as ApiRequest['method'];
  if (body && options.flags.has('G')) {
    url += `${url.includes('?') ? '&' : '?'}${fromUtf8(body.bytes)}`;
    if (last(options, 'X') === undefined) method = 'GET';
  }
  const started = context.clock.now();
  const headLines: string[] = [];
  for (let redirects = 0; ; redirects++) {
    const answer = await request(
      context,
      options,
      url,
      method,
      options.flags.has('G') ? undefined : body,
      started,
    );
    const location = answer.headers['location'];
    if (options.flags.has('i') || options.flags.has('I')) headLines.push(headText(answer));
    if (
      !options.flags.has('L') ||
      location === undefined ||
      answer.status < 300 ||
      answer.status > 399
    )
      return finish(context, options, url, answer, headLines.join(''), started, index, redirects);
    answer.close();
    if (redirects >= Number(last(options, 'redirs') ?? 50))
      throw new CurlError(47, `Maximum (${last(options, 'redirs') ?? '50'}) redirects followed`);
    url = absolute(url, location);
    if (answer.status === 303 || (answer.status < 303 && method === 'POST')) method = 'GET';
  }
}

function absolute(base: string, location: string): string {
  if (/^https?:\/\//i.test(location)) return location;
  const { secure, authority, path } = splitUrl(base);
  const prefix = `${secure ? 'https' : 'http'}://${authority}`;
  return location.startsWith('/')
    ? prefix + location
    : prefix + path.replace(/[^/]*$/, '') + location;
}

async function requestBody(
  context: ProgramContext,
  options: ParsedOptions,
): Promise<{ bytes: Uint8Array; type: string } | undefined> {
  const parts: string[] = [];
  for (const name of ['d', 'raw', 'binary', 'urlencode', 'json'])
    for (const value of options.values.get(name) ?? []) {
      if (name === 'raw') parts.push(value);
      else if (name === 'urlencode') {
        const equals = value.indexOf('=');
        parts.push(
          equals < 0
            ? encodeURIComponent(value)
            : `${value.slice(0, equals + 1)}${encodeURIComponent(value.slice(equals + 1))}`,
        );
      } else if (value.startsWith('@')) {
        const text = await readFileArgument(context, value.slice(1));
        parts.push(name === 'd' ? text.replace(/[\r\n]/g, '') : text);
      } else parts.push(value);
    }
  if (parts.length === 0) return undefined;
  const json = options.values.has('json');
  return {
    bytes: utf8(parts.join(json ? '' : '&')),
    type: json ? 'application/json' : 'application/x-www-form-urlencoded',
  };
}

async function readFileArgument(context: ProgramContext, path: string): Promise<string> {
  if (path === '-') return readText(context.stdin);
  try {
    return context.files.readText(fullPath(context, path));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new CurlError(26, `Failed to open ${path}`);
  }
}

const fullPath = (context: ProgramContext, path: string): string =>
  path.startsWith('/') ? path : `${context.cwd.replace(/\/$/, '')}/${path}`;

async function request(
  context: ProgramContext,
  options: ParsedOptions,
  url: string,
  method: ApiRequest['method'],
  body: { bytes: Uint8Array; type: string } | undefined,
  started: number,
): Promise<HttpAnswer> {
  const parts = urlParts(url);
  const headers = requestHeaders(options, url, body?.type);
  const seconds = (name: string): number | undefined => {
    const text = last(options, name);
    return text === undefined ? undefined : Number(text) * 1000;
  };
  const maxMs = seconds('m');
  const leftMs =
    maxMs === undefined ? undefined : Math.max(0, started + maxMs - context.clock.now());
  const limits = [seconds('connect'), leftMs].filter((limit) => limit !== undefined);
  const connectMs = limits.length > 0 ? Math.min(...limits) : 300_000;
  const verbose = options.flags.has('v');
  const roots = readBundle(context, options);
  const clientCertificate = last(options, 'cert');
  let connected = false;
  try {
    const answer = await httpRequest({
      net: context.net,
      clock: context.clock,
      signal: context.signal,
      url,
      method,
      headers,
      ...(body ? { body: body.bytes } : {}),
      connectTimeoutMs: connectMs,
      ...(leftMs === undefined ? {} : { timeoutMs: leftMs + 1 }),
      resolve: (host) => resolveHost(context, options, host, parts.port),
      tls: {
        insecure: options.flags.has('k'),
        roots,
        ...(clientCertificate === undefined
          ? {}
          : { certificate: await readFileArgument(context, clientCertificate) }),
      },
      onConnect: (address, port) => {
        connected = true;
        if (verbose)
          void print(
            context.stderr,
            `*   Trying ${address}:${port}...\n* Connected to ${parts.host} (${address}) port ${port}\n${sentText(method, parts.path, headers, parts.authority)}`,
          );
      },
    });
    if (verbose) await print(context.stderr, receivedText(answer));
    return answer;
  } catch (error) {
    throw curlError(error, parts, started, context.clock.now(), connected);
  }
}

function urlParts(url: string): ReturnType<typeof splitUrl> {
  try {
    return splitUrl(url);
  } catch {
    throw new CurlError(3, 'URL using bad/illegal format or missing URL');
  }
}

function readBundle(context: ProgramContext, options: ParsedOptions): string {
  const path = last(options, 'cacert');
  try {
    return context.files.readText(fullPath(context, path ?? '/etc/ssl/certs/ca-certificates.crt'));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (path === undefined) return '';
    throw new CurlError(77, `error setting certificate file: ${path}`);
  }
}

async function resolveHost(
  context: ProgramContext,
  options: ParsedOptions,
  host: string,
  port: number,
): Promise<readonly string[]> {
  for (const entry of options.values.get('resolve') ?? []) {
    const [name, portText, ...address] = entry.replace(/^[+-]/, '').split(':');
    if ((name === host || name === '*') && Number(portText) === port)
      return address.join(':').replace(/[[\]]/g, '').split(',');
  }
  return resolverOf(context).lookup(host);
}

function requestHeaders(
  options: ParsedOptions,
  url: string,
  bodyType: string | undefined,
): Record<string, string> {
  const headers: Record<string, string> = {
    'user-agent': last(options, 'A') ?? `curl/${version}`,
    accept: options.values.has('json') ? 'application/json' : '*/*',
  };
  if (bodyType !== undefined) headers['content-type'] = bodyType;
  const user = last(options, 'u') ?? /^https?:\/\/([^@/]*)@/.exec(url)?.[1];
  if (user !== undefined) headers['authorization'] = `Basic ${toBase64(utf8(user))}`;
  const cookie = last(options, 'b');
  if (cookie !== undefined) headers['cookie'] = cookie;
  const referer = last(options, 'e');
  if (referer !== undefined) headers['referer'] = referer;
  for (const line of options.values.get('H') ?? []) {
    const match = /^([^:;]+)(?:;$|:\s*(.*)$)/.exec(line);
    const name = match?.[1]?.toLowerCase();
    if (name === undefined) continue;
    if (match?.[2] === '') delete headers[name];
    else headers[name] = match?.[2] ?? '';
  }
  return headers;
}

function sentText(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  authority: string,
): string {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${headers['host'] ?? authority}`,
    ...Object.entries(headers)
      .filter(([name]) => name !== 'host')
      .map(([name, value]) => `${title(name)}: ${value}`),
    '',
  ];
  return lines.map((line) => `> ${line}\n`).join('');
}

const title = (name: string): string =>
  name.replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase());

function headText(answer: HttpAnswer): string {
  const lines = [
    `HTTP/1.1 ${answer.status} ${answer.reason}`,
    ...Object.entries(answer.headers).map(([name, value]) => `${title(name)}: ${value}`),
    '',
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}

function receivedText(answer: HttpAnswer): string {
  return headText(answer)
    .replaceAll('\r', '')
    .split('\n')
    .slice(0, -1)
    .map((line) => `< ${line}\n`)
    .join('');
}

function curlError(
  error: unknown,
  { host, port, secure }: ReturnType<typeof splitUrl>,
  started: number,
  now: number,
  connected: boolean,
): Error {
  const elapsedMs = Math.round(now - started);
  if (error instanceof LookupError) return new CurlError(6, `Could not resolve host: ${host}`);
  if (error instanceof TlsError) {
    if (error.kind === 'not-tls')
      return new CurlError(35, 'OpenSSL/3.0.13: error:0A00010B:SSL routines::wrong version number');
    return new CurlError(60, `${opensslReason(error.message, host)}\n${certificateHelp}`.trimEnd());
  }
  if (!(error instanceof ConnectionError))
    return error instanceof Error ? error : new Error(String(error));
  if (error.code === 'ETIMEDOUT')
    return new CurlError(
      28,
      connected
        ? `Operation timed out after ${elapsedMs} milliseconds with 0 bytes received`
        : `Failed to connect to ${host} port ${port} after ${elapsedMs} ms: Timeout was reached`,
    );
  if (error.code === 'ECONNREFUSED' || error.code === 'EHOSTUNREACH')
    return new CurlError(
      7,
      `Failed to connect to ${host} port ${port} after ${elapsedMs} ms: Couldn't connect to server`,
    );
  if (error.message.startsWith('malformed'))
    return new CurlError(1, 'Received HTTP/0.9 when not allowed');
  return secure
    ? new CurlError(35, 'Recv failure: Connection reset by peer')
    : new CurlError(52, 'Empty reply from server');
}

/** OpenSSL's words for what Go's x509 says. */
function opensslReason(text: string, host: string): string {
  if (text.includes('has expired')) return 'SSL certificate problem: certificate has expired';
  if (text.includes('not yet valid'))
    return 'SSL certificate problem: certificate is not yet valid';
  if (/is valid for|doesn't contain any IP SANs|not valid for any names/.test(text))
    return `SSL: no alternative certificate subject name matches target host name '${host}'`;
  if (text.includes('self-signed')) return 'SSL certificate problem: self-signed certificate';
  return 'SSL certificate problem: unable to get local issuer certificate';
}

async function finish(
  context: ProgramContext,
  options: ParsedOptions,
  url: string,
  answer: HttpAnswer,
  head: string,
  started: number,
  index: number,
  redirects: number,
): Promise<number> {
  const failed =
    answer.status >= 400 && (options.flags.has('f') || options.flags.has('fail-with-body'));
  const target = options.flags.has('O')
    ? (splitUrl(url).path.replace(/\?.*/, '').split('/').pop() ?? '')
    : options.values.get('o')?.[Math.min(index, (options.values.get('o')?.length ?? 1) - 1)];
  const toFile = target !== undefined && target !== '-';
  const kept: Uint8Array[] = head === '' ? [] : [utf8(head)];
  if (!toFile && head !== '') await context.stdout.write(utf8(head)).catch(() => undefined);
  let size = 0;
  if (!failed || options.flags.has('fail-with-body')) {
    const maxMs = Number(last(options, 'm') ?? 0) * 1000;
    let late = false;
    const timer =
      maxMs > 0
        ? context.clock.setTimer(Math.max(0, started + maxMs - context.clock.now()), () => {
            late = true;
            answer.close();
          })
        : undefined;
    for await (const chunk of chunksOf(answer.body, context.signal)) {
      size += chunk.length;
      if (toFile) kept.push(chunk);
      else
        await context.stdout.write(chunk).catch(() => {
          answer.close();
        });
    }
    timer?.dispose();
    if (late) {
      if (toFile) save(context, target, kept);
      throw new CurlError(
        28,
        `Operation timed out after ${Math.round(context.clock.now() - started)} milliseconds with ${size} bytes received`,
      );
    }
  } else answer.close();
  if (toFile) save(context, target, kept);
  const format = last(options, 'w');
  if (format !== undefined)
    await print(
      context.stdout,
      writeOut(format, url, answer, size, context.clock.now() - started, redirects),
    );
  if (failed) throw new CurlError(22, `The requested URL returned error: ${answer.status}`);
  return 0;
}

function save(context: ProgramContext, target: string, parts: readonly Uint8Array[]): void {
  try {
    context.files.writeFile(fullPath(context, target), concatBytes(parts));
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code !== 'EINVAL' || target !== '/dev/null')
      throw new CurlError(23, `Failure writing output to destination`);
  }
}

function writeOut(
  format: string,
  url: string,
  answer: HttpAnswer,
  size: number,
  elapsedMs: number,
  redirects: number,
): string {
  const seconds = (elapsedMs / 1000).toFixed(6);
  const values: Readonly<Record<string, string>> = {
    http_code: String(answer.status).padStart(3, '0'),
    response_code: String(answer.status).padStart(3, '0'),
    size_download: String(size),
    time_total: seconds,
    time_connect: '0.000000',
    time_namelookup: '0.000000',
    time_starttransfer: seconds,
    remote_ip: answer.address,
    remote_port: String(answer.port),
    content_type: answer.headers['content-type'] ?? '',
    url_effective: url,
    num_redirects: String(redirects),
    redirect_url: answer.headers['location'] ?? '',
    http_version: '1.1',
    exitcode: '0',
    scheme: url.startsWith('https') ? 'HTTPS' : 'HTTP',
  };
  return format
    .replace(/%\{([a-z_]+)\}/g, (_, name: string) => values[name] ?? '')
    .replaceAll('\\n', '\n')
    .replaceAll('\\t', '\t')
    .replaceAll('\\r', '\r')
    .replaceAll('%%', '%');
}
