import { readAll, reasonPhrase, utf8 } from '#core/base';
import { type ApiRequest, type ApiResponse, ConnectionError } from '#core/kube';
import { FileError } from '../../filesystem/types.ts';
import { httpRequest, type Peer } from '../../network/index.ts';
import type { ProgramContext } from '../../process/types.ts';
import { httpDate, logDate, resolverOf } from '../program-io.ts';
import { all, type Directive, value } from './config.ts';
import { mediaType } from './mime.ts';

/** One `server` block with what surrounds it. */
export interface VirtualServer {
  readonly names: readonly string[];
  readonly block: readonly Directive[];
}

export interface Site {
  readonly version: string;
  readonly http: readonly Directive[];
  /** `upstream` blocks by name. */
  readonly upstreams: ReadonlyMap<string, readonly string[]>;
}

export interface Handling {
  readonly context: ProgramContext;
  readonly site: Site;
  readonly servers: readonly VirtualServer[];
  readonly port: number;
  readonly accessLog: (line: string) => void;
  readonly errorLog: (level: string, text: string) => void;
}

interface Exchange {
  readonly handling: Handling;
  readonly server: VirtualServer;
  readonly request: ApiRequest;
  readonly peer: Peer;
  readonly path: string;
  readonly query: string;
}

type Outcome =
  | { readonly kind: 'answer'; readonly response: ApiResponse }
  | { readonly kind: 'status'; readonly status: number; readonly location?: string };

let nextUpstream = 0;

const hopByHop: ReadonlySet<string> = new Set([
  'server',
  'date',
  'transfer-encoding',
  'connection',
]);

/** Answers one request by the `server` its Host header chooses, and writes the logs. */
export async function handleRequest(
  handling: Handling,
  request: ApiRequest,
  peer: Peer,
): Promise<ApiResponse> {
  const host = (request.headers['host'] ?? '').replace(/:\d+$/, '');
  const server = chooseServer(handling.servers, host);
  const [rawPath = '/', ...query] = request.url.split('?');
  const exchange: Exchange = {
    handling,
    server,
    request,
    peer,
    path: decode(rawPath),
    query: query.join('?'),
  };
  const outcome = await serve(exchange, 0);
  const response = finish(exchange, outcome);
  logAccess(exchange, response);
  return response;
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function chooseServer(servers: readonly VirtualServer[], host: string): VirtualServer {
  const matching = servers.find(({ names }) =>
    names.some((name) => name === host || (name.startsWith('*.') && host.endsWith(name.slice(1)))),
  );
  return matching ?? (servers[0] as VirtualServer);
}

async function serve(exchange: Exchange, depth: number): Promise<Outcome> {
  const { server } = exchange;
  const direct = all(server.block, 'return')[0];
  if (direct) return returned(exchange, direct);
  const location = chooseLocation(server.block, exchange.path);
  const block = location?.block ?? [];
  const answer = all(block, 'return')[0];
  if (answer) return returned(exchange, answer);
  if (all(block, 'deny').some(({ args }) => args[0] === 'all'))
    return { kind: 'status', status: 403 };
  const rewrite = all(block, 'rewrite')[0];
  if (rewrite && depth < 10) {
    const [pattern = '', target = '', flag] = rewrite.args;
    if (new RegExp(pattern).test(exchange.path)) {
      const path = exchange.path.replace(new RegExp(pattern), target);
      if (flag === 'permanent') return { kind: 'status', status: 301, location: path };
      if (flag === 'redirect') return { kind: 'status', status: 302, location: path };
      if (flag !== 'break') return serve({ ...exchange, path }, depth + 1);
    }
  }
  if (all(block, 'stub_status').length > 0) return statusPage();
  const proxy = value('proxy_pass', block);
  if (proxy !== undefined) return proxied(exchange, proxy, block, location?.args.at(-1) ?? '/');
  const outcome = fromFiles(exchange, block, location, depth);
  return outcome;
}

/** Exact, then `^~` and the longest prefix, with regular expressions in between as nginx orders them. */
function chooseLocation(block: readonly Directive[], path: string): Directive | undefined {
  let prefix: Directive | undefined;
  let prefixLength = -1;
  const locations = all(block, 'location');
  for (const location of locations) {
    const [first = '', second] = location.args;
    if (first === '=' && second === path) return location;
    const text = second === undefined ? first : first === '^~' ? second : undefined;
    if (
      text !== undefined &&
      !text.startsWith('@') &&
      path.startsWith(text) &&
      text.length > prefixLength
    ) {
      prefix = location;
      prefixLength = text.length;
    }
  }
  if (prefix?.args[0] === '^~') return prefix;
  for (const location of locations) {
    const [operator = '', pattern = ''] = location.args;
    if (operator !== '~' && operator !== '~*') continue;
    if (new RegExp(pattern, operator === '~*' ? 'i' : '').test(path)) return location;
  }
  return prefix;
}

function returned(exchange: Exchange, { args }: Directive): Outcome {
  const [first = '', second] = args;
  const status = Number(first);
  if (!/^\d+$/.test(first))
    return { kind: 'status', status: 302, location: expand(exchange, first) };
  if (status >= 300 && status < 400 && second !== undefined)
    return { kind: 'status', status, location: expand(exchange, second) };
  if (second === undefined) return { kind: 'status', status };
  const type = value(
    'default_type',
    chooseLocation(exchange.server.block, exchange.path)?.block,
    exchange.server.block,
    exchange.handling.site.http,
  );
  return {
    kind: 'answer',
    response: {
      status,
      headers: { 'content-type': type ?? 'text/plain' },
      body: { kind: 'bytes', bytes: utf8(expand(exchange, second)) },
    },
  };
}

/** Variables of a value. */
function expand(exchange: Exchange, text: string): string {
  const { request, handling, peer, path, query } = exchange;
  const host = (request.headers['host'] ?? 'localhost').replace(/:\d+$/, '');
  const variables: Readonly<Record<string, string>> = {
    host,
    http_host: request.headers['host'] ?? '',
    hostname: hostname(handling.context),
    uri: path,
    request_uri: request.url,
    args: query,
    query_string: query,
    remote_addr: peer.address,
    remote_port: String(peer.port),
    proxy_add_x_forwarded_for: [request.headers['x-forwarded-for'], peer.address]
      .filter(Boolean)
      .join(', '),
    server_addr: handling.context.net.address,
    server_port: String(handling.port),
    server_name: exchange.server.names[0] ?? '',
    scheme: 'http',
    request_method: request.method,
    is_args: query === '' ? '' : '?',
    nginx_version: handling.site.version,
  };
  return text
    .replaceAll('\\n', '\n')
    .replace(/\$\{?(\w+)\}?/g, (_, name: string) =>
      name.startsWith('http_')
        ? (request.headers[name.slice(5).replaceAll('_', '-')] ?? variables[name] ?? '')
        : (variables[name] ?? ''),
    );
}

function hostname(context: ProgramContext): string {
  return context.env['HOSTNAME'] ?? 'localhost';
}

function statusPage(): Outcome {
  return {
    kind: 'answer',
    response: {
      status: 200,
      headers: { 'content-type': 'text/plain' },
      body: {
        kind: 'bytes',
        bytes: utf8(
          'Active connections: 1 \nserver accepts handled requests\n 1 1 1 \nReading: 0 Writing: 1 Waiting: 0 \n',
        ),
      },
    },
  };
}

async function proxied(
  exchange: Exchange,
  target: string,
  block: readonly Directive[],
  prefix: string,
): Promise<Outcome> {
  const { handling, request, path, query, server } = exchange;
  const { context, site } = handling;
  const match = /^(https?:\/\/)([^/]+)(\/.*)?$/.exec(expand(exchange, target));
  const authority = match?.[2] ?? '';
  const members = site.upstreams.get(authority);
  const backend = members ? (members[nextUpstream++ % members.length] ?? authority) : authority;
  const rest = match?.[3] === undefined ? path : match[3] + path.slice(prefix.length);
  const headers: Record<string, string> = {
    ...request.headers,
    host: authority,
    connection: 'close',
  };
  for (const directive of [
    ...all(site.http, 'proxy_set_header'),
    ...all(server.block, 'proxy_set_header'),
    ...all(block, 'proxy_set_header'),
  ])
    headers[(directive.args[0] ?? '').toLowerCase()] = expand(exchange, directive.args[1] ?? '');
  const url = `${match?.[1] ?? 'http://'}${backend}${rest}${query === '' ? '' : `?${query}`}`;
  try {
    const answer = await httpRequest({
      net: context.net,
      clock: context.clock,
      signal: context.signal,
      url,
      method: request.method,
      headers,
      ...(request.body ? { body: request.body } : {}),
      connectTimeoutMs: 60_000,
      timeoutMs: 60_001,
      resolve: (host) => resolverOf(context).lookup(host),
      tls: { insecure: true },
    });
    const kept = Object.fromEntries(
      Object.entries(answer.headers).filter(([name]) => !hopByHop.has(name)),
    );
    return {
      kind: 'answer',
      response: {
        status: answer.status,
        headers: kept,
        body: { kind: 'bytes', bytes: await readAll(answer.body) },
      },
    };
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    const timedOut = error.code === 'ETIMEDOUT';
    const reason =
      error.code === 'ECONNREFUSED'
        ? 'connect() failed (111: Connection refused) while connecting to upstream'
        : error.code === 'EHOSTUNREACH'
          ? 'connect() failed (113: Host is unreachable) while connecting to upstream'
          : timedOut
            ? 'upstream timed out (110: Connection timed out) while connecting to upstream'
            : `${authority.replace(/:\d+$/, '')} could not be resolved (3: Host not found)`;
    logError(exchange, reason, `, upstream: "${url}"`);
    return { kind: 'status', status: timedOut ? 504 : 502 };
  }
}

function fromFiles(
  exchange: Exchange,
  block: readonly Directive[],
  location: Directive | undefined,
  depth: number,
): Outcome | Promise<Outcome> {
  const { handling, server, request, path } = exchange;
  const { files } = handling.context;
  const root = value('root', block, server.block, handling.site.http) ?? '/etc/nginx/html';
  const alias = value('alias', block);
  const prefix = location?.args.at(-1) ?? '/';
  const onDisk = (uri: string): string =>
    (alias === undefined ? root + uri : alias + uri.slice(prefix.length)).replace(/\/{2,}/g, '/');
  const tries = all(block, 'try_files')[0]?.args;
  if (tries && depth < 10) {
    for (const [index, word] of tries.entries()) {
      const uri = expand(exchange, word);
      if (index === tries.length - 1) {
        if (uri.startsWith('=')) return { kind: 'status', status: Number(uri.slice(1)) };
        return serve({ ...exchange, path: uri.split('?')[0] ?? '/' }, depth + 1);
      }
      const full = onDisk(uri);
      const found = files.exists(full) && files.stat(full).kind;
      if (found === 'file' || (found === 'directory' && uri.endsWith('/')))
        return staticFile(exchange, block, onDisk, uri);
    }
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') return { kind: 'status', status: 405 };
  return staticFile(exchange, block, onDisk, path);
}

function staticFile(
  exchange: Exchange,
  block: readonly Directive[],
  onDisk: (uri: string) => string,
  uri: string,
): Outcome {
  const { handling, server, request } = exchange;
  const { files } = handling.context;
  if (uri.endsWith('/')) {
    const index =
      all(block, 'index')[0] ??
      all(server.block, 'index')[0] ??
      all(handling.site.http, 'index')[0];
    for (const name of index?.args ?? ['index.html']) {
      const full = onDisk(uri + name);
      if (files.exists(full)) return content(exchange, full);
    }
    const directory = onDisk(uri);
    if (!files.exists(directory)) {
      const name = onDisk(`${uri}${index?.args[0] ?? 'index.html'}`);
      logError(exchange, `"${name}" is not found (2: No such file or directory)`);
      return { kind: 'status', status: 404 };
    }
    if (value('autoindex', block, server.block, handling.site.http) === 'on')
      return listing(exchange, directory);
    logError(exchange, `directory index of "${directory}" is forbidden`);
    return { kind: 'status', status: 403 };
  }
  const full = onDisk(uri);
  if (files.exists(full) && files.stat(full).kind === 'directory') {
    const host = request.headers['host'] ?? 'localhost';
    return { kind: 'status', status: 301, location: `http://${host}${uri}/` };
  }
  return content(exchange, full);
}

function content(exchange: Exchange, path: string): Outcome {
  const { handling, server } = exchange;
  const { files } = handling.context;
  try {
    const bytes = files.readFile(path);
    const { modifiedMs } = files.stat(path);
    const etag = `"${Math.floor(modifiedMs / 1000).toString(16)}-${bytes.length.toString(16)}"`;
    return {
      kind: 'answer',
      response: {
        status: 200,
        headers: {
          'content-type':
            mediaType(path) ??
            value('default_type', server.block, handling.site.http) ??
            'text/plain',
          'content-length': String(bytes.length),
          'last-modified': httpDate(modifiedMs),
          etag,
          'accept-ranges': 'bytes',
        },
        body: { kind: 'bytes', bytes },
      },
    };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    const denied = error.code === 'EACCES';
    logError(
      exchange,
      `open() "${path}" failed (${denied ? '13: Permission denied' : '2: No such file or directory'})`,
    );
    return { kind: 'status', status: denied ? 403 : 404 };
  }
}

function listing(exchange: Exchange, directory: string): Outcome {
  const { files } = exchange.handling.context;
  const lines = files.readdir(directory).map((name) => {
    const stat = files.stat(`${directory}/${name}`);
    const shown = stat.kind === 'directory' ? `${name}/` : name;
    const size = stat.kind === 'directory' ? '-' : String(stat.sizeBytes);
    const date = logDate(stat.modifiedMs).slice(0, 17).replaceAll('/', '-').replace(':', ' ');
    return `<a href="${shown}">${shown}</a>${' '.repeat(Math.max(1, 51 - shown.length))}${date} ${size.padStart(19)}\n`;
  });
  const title = `Index of ${exchange.path}`;
  const html = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<h1>${title}</h1><hr><pre><a href="../">../</a>\n${lines.join('')}</pre><hr></body>\r\n</html>\r\n`;
  return {
    kind: 'answer',
    response: {
      status: 200,
      headers: { 'content-type': 'text/html' },
      body: { kind: 'bytes', bytes: utf8(html) },
    },
  };
}

/** Puts the common headers on, and makes the page of a bare status. */
function finish(exchange: Exchange, outcome: Outcome): ApiResponse {
  const { handling, server } = exchange;
  const { site, context } = handling;
  const tokens = value('server_tokens', server.block, site.http) !== 'off';
  const common = {
    server: tokens ? `nginx/${site.version}` : 'nginx',
    date: httpDate(context.clock.now()),
  };
  const added = Object.fromEntries(
    all(server.block, 'add_header').map(({ args }) => [
      (args[0] ?? '').toLowerCase(),
      expand(exchange, args[1] ?? ''),
    ]),
  );
  if (outcome.kind === 'answer')
    return {
      ...outcome.response,
      headers: { ...common, ...outcome.response.headers, ...added },
    };
  const custom = errorPage(exchange, outcome.status);
  if (custom) return { ...custom, headers: { ...common, ...custom.headers, ...added } };
  const text = `${outcome.status} ${statusText(outcome.status)}`;
  const html = `<html>\r\n<head><title>${text}</title></head>\r\n<body>\r\n<center><h1>${text}</h1></center>\r\n<hr><center>${common.server}</center>\r\n</body>\r\n</html>\r\n`;
  return {
    status: outcome.status,
    headers: {
      ...common,
      'content-type': 'text/html',
      'content-length': String(html.length),
      ...(outcome.location === undefined ? {} : { location: outcome.location }),
    },
    body: { kind: 'bytes', bytes: utf8(html) },
  };
}

function statusText(status: number): string {
  if (status === 405) return 'Not Allowed';
  if (status === 302) return 'Found';
  if (status === 503) return 'Service Temporarily Unavailable';
  if (status === 504) return 'Gateway Time-out';
  return reasonPhrase(status);
}

function errorPage(exchange: Exchange, status: number): ApiResponse | undefined {
  const { server, handling } = exchange;
  for (const { args } of all(server.block, 'error_page')) {
    const uri = args.at(-1) ?? '';
    if (!args.slice(0, -1).includes(String(status))) continue;
    const block = chooseLocation(server.block, uri)?.block;
    const root = value('root', block, server.block, handling.site.http) ?? '/etc/nginx/html';
    const path = root + uri;
    if (!handling.context.files.exists(path)) continue;
    const bytes = handling.context.files.readFile(path);
    return {
      status,
      headers: { 'content-type': 'text/html', 'content-length': String(bytes.length) },
      body: { kind: 'bytes', bytes },
    };
  }
  return undefined;
}

function logError(exchange: Exchange, text: string, more = ''): void {
  const { request, peer, server, handling } = exchange;
  const name = server.names[0] ?? '';
  handling.errorLog(
    'error',
    `*1 ${text}, client: ${peer.address}, server: ${name}, request: "${request.method} ${request.url} HTTP/1.1"${more}, host: "${request.headers['host'] ?? ''}"`,
  );
}

function logAccess(exchange: Exchange, response: ApiResponse): void {
  const { request, peer, handling, server } = exchange;
  const location = chooseLocation(server.block, exchange.path);
  if (value('access_log', location?.block, server.block, handling.site.http) === 'off') return;
  const size =
    request.method === 'HEAD' || response.body.kind !== 'bytes' ? 0 : response.body.bytes.length;
  const header = (name: string): string => request.headers[name] ?? '-';
  handling.accessLog(
    `${peer.address} - - [${logDate(handling.context.clock.now())}] "${request.method} ${request.url} HTTP/1.1" ${response.status} ${size} "${header('referer')}" "${header('user-agent')}" "${header('x-forwarded-for')}"`,
  );
}
