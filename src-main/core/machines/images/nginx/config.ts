import type { FileSystem } from '../../filesystem/types.ts';
import { FileError } from '../../filesystem/types.ts';

/** One directive of a configuration file, with its block if it has one. */
export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly block?: readonly Directive[];
  /** `/etc/nginx/conf.d/default.conf:3`. */
  readonly at: string;
}

/** The configuration cannot be used; the message is what follows `[emerg]`. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

interface Token {
  readonly text: string;
  readonly kind: 'word' | ';' | '{' | '}';
  readonly line: number;
}

/** Directives that nginx knows and this server reads over without acting on them. */
const known: ReadonlySet<string> = new Set(
  `user worker_processes error_log pid events worker_connections http include default_type log_format access_log
  sendfile tcp_nopush tcp_nodelay keepalive_timeout gzip gzip_types gzip_vary gzip_min_length gzip_comp_level gzip_proxied
  gzip_disable server listen server_name location root alias index return rewrite proxy_pass proxy_set_header
  proxy_http_version proxy_read_timeout proxy_connect_timeout proxy_send_timeout proxy_buffering proxy_redirect
  proxy_buffers proxy_buffer_size proxy_hide_header proxy_ssl_verify proxy_ssl_server_name error_page autoindex
  try_files add_header expires upstream map if set resolver resolver_timeout client_max_body_size ssl_certificate
  ssl_certificate_key ssl_protocols ssl_ciphers ssl_session_cache ssl_session_timeout ssl_prefer_server_ciphers charset
  types server_tokens stub_status deny allow auth_basic auth_basic_user_file limit_req limit_req_zone limit_conn
  limit_conn_zone worker_rlimit_nofile multi_accept use least_conn ip_hash keepalive hash internal etag stream daemon
  master_process load_module env types_hash_max_size server_names_hash_bucket_size large_client_header_buffers
  client_body_buffer_size client_header_timeout client_body_timeout send_timeout reset_timedout_connection open_file_cache
  client_body_temp_path proxy_temp_path fastcgi_temp_path uwsgi_temp_path scgi_temp_path fastcgi_pass fastcgi_index
  fastcgi_param real_ip_header set_real_ip_from port_in_redirect absolute_redirect sub_filter mirror http2 ssl
  merge_slashes log_not_found recursive_error_pages break geo split_clients valid_referers zone least_time`
    .split(/\s+/)
    .filter(Boolean),
);

/** Blocks whose lines are values, not directives. */
const tables: ReadonlySet<string> = new Set(['types', 'map', 'geo', 'split_clients', 'upstream']);

/**
 * Reads a configuration file and all it includes.
 *
 * @throws ConfigError
 * @see https://nginx.org/en/docs/beginners_guide.html#conf_structure
 */
export function readConfig(files: FileSystem, path: string): readonly Directive[] {
  let text: string;
  try {
    text = files.readText(path);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    throw new ConfigError(`open() "${path}" failed (${errno(error)}: ${error.message})`);
  }
  const key = `${path}\n${text}`;
  let seen = filesRead.get(key);
  if (!seen) {
    const tokens = tokenize(text, path);
    const includes = tokens.some((token) => token.text === 'include');
    const directives = includes ? undefined : parseFile(files, tokens, path);
    seen = { tokens, ...(directives ? { directives } : {}) };
    if (filesRead.size >= maxFilesRead) filesRead.clear();
    filesRead.set(key, seen);
  }
  return seen.directives ?? parseFile(files, seen.tokens, path);
}

function parseFile(
  files: FileSystem,
  tokens: readonly Token[],
  path: string,
): readonly Directive[] {
  return parseBlock(files, tokens, { index: 0 }, path, false, false);
}

/** Files by path and text, which servers of one image share; those that include others are joined anew. */
const filesRead = new Map<
  string,
  { readonly tokens: readonly Token[]; readonly directives?: readonly Directive[] }
>();
const maxFilesRead = 64;

function errno(error: FileError): number {
  return error.code === 'ENOENT' ? 2 : error.code === 'EACCES' ? 13 : 5;
}

function tokenize(text: string, path: string): readonly Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (let i = 0; i < text.length;) {
    const char = text[i] ?? '';
    if (char === '\n') line++;
    if (/\s/.test(char)) {
      i++;
    } else if (char === '#') {
      while (i < text.length && text[i] !== '\n') i++;
    } else if (char === ';' || char === '{' || char === '}') {
      tokens.push({ text: char, kind: char, line });
      i++;
    } else if (char === '"' || char === "'") {
      const start = line;
      let word = '';
      for (i++; i < text.length && text[i] !== char; i++) {
        if (text[i] === '\\' && text[i + 1] === char) i++;
        if (text[i] === '\n') line++;
        word += text[i] ?? '';
      }
      if (i >= text.length)
        throw new ConfigError(`unexpected end of file, expecting ";" or "}" in ${path}:${line}`);
      i++;
      tokens.push({ text: word, kind: 'word', line: start });
    } else {
      let word = '';
      while (i < text.length && !/[\s;]/.test(text[i] ?? '')) {
        const next = text[i] ?? '';
        // A brace belongs to the word only in `${name}` and in regular expressions' counts.
        if (next === '{' && !word.endsWith('$')) break;
        if (next === '}' && !/\$\{\w*$/.test(word)) break;
        word += next;
        i++;
      }
      tokens.push({ text: word, kind: 'word', line });
    }
  }
  return tokens;
}

function parseBlock(
  files: FileSystem,
  tokens: readonly Token[],
  position: { index: number },
  path: string,
  inner: boolean,
  table: boolean,
): Directive[] {
  const directives: Directive[] = [];
  const lastLine = tokens.at(-1)?.line ?? 1;
  let words: Token[] = [];
  for (; position.index < tokens.length;) {
    const token = tokens[position.index++] as Token;
    const first = words[0];
    if (token.kind === 'word') {
      words.push(token);
      continue;
    }
    if (token.kind === '}') {
      if (first) throw new ConfigError(`unexpected "}" in ${path}:${token.line}`);
      if (!inner) throw new ConfigError(`unexpected "}" in ${path}:${token.line}`);
      return directives;
    }
    if (!first) throw new ConfigError(`unexpected "${token.text}" in ${path}:${token.line}`);
    const name = first.text;
    const args = words.slice(1).map(({ text }) => text);
    words = [];
    if (!table && !known.has(name))
      throw new ConfigError(`unknown directive "${name}" in ${path}:${first.line}`);
    const at = `${path}:${token.line}`;
    if (token.kind === '{') {
      const block = parseBlock(files, tokens, position, path, true, tables.has(name));
      directives.push({ name, args, block, at });
    } else if (name === 'include' && !table) {
      directives.push(...include(files, path, args[0] ?? '', at));
    } else directives.push({ name, args, at });
  }
  const dangling = words[0];
  if (dangling || inner)
    throw new ConfigError(
      dangling
        ? `unexpected end of file, expecting ";" or "}" in ${path}:${lastLine}`
        : `unexpected end of file, expecting "}" in ${path}:${lastLine}`,
    );
  return directives;
}

function include(
  files: FileSystem,
  path: string,
  pattern: string,
  at: string,
): readonly Directive[] {
  const full = pattern.startsWith('/') ? pattern : `${path.replace(/[^/]*$/, '')}${pattern}`;
  if (!/[*?[]/.test(full)) {
    if (!files.exists(full))
      throw new ConfigError(`open() "${full}" failed (2: No such file or directory) in ${at}`);
    return readConfig(files, full);
  }
  const directory = full.replace(/\/[^/]*$/, '');
  const matcher = new RegExp(
    `^${full
      .slice(directory.length + 1)
      .replace(/[.+^${}()|\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  if (!files.exists(directory)) return [];
  return files
    .readdir(directory)
    .filter((name) => matcher.test(name) && !(name.startsWith('.') && !/\/\./.test(full)))
    .flatMap((name) => readConfig(files, `${directory}/${name}`));
}

/** The directives of that name in a block. */
export function all(block: readonly Directive[] | undefined, name: string): readonly Directive[] {
  return (block ?? []).filter((directive) => directive.name === name);
}

/** The first argument of the last directive of that name, looked up from the inside out. */
export function value(
  name: string,
  ...blocks: readonly (readonly Directive[] | undefined)[]
): string | undefined {
  for (const block of blocks) {
    const found = all(block, name).at(-1)?.args[0];
    if (found !== undefined) return found;
  }
  return undefined;
}

export interface ListenAddress {
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
  readonly defaultServer: boolean;
}

/** @throws ConfigError the port is none. */
export function parseListen({ args, at }: Directive): ListenAddress {
  const text = args[0] ?? '';
  const match = /^(?:(\[[^\]]*\]|[^:]*):)?([^:\]]*)$/.exec(text);
  const onlyAddress = match?.[1] === undefined && !/^\d/.test(match?.[2] ?? '');
  const plainIp = /^\d+\.\d+\.\d+\.\d+$/.test(text);
  const portText = onlyAddress || plainIp ? '80' : (match?.[2] ?? '');
  const port = Number(portText);
  if (!/^\d+$/.test(portText) || port < 1 || port > 65535)
    throw new ConfigError(`invalid port in "${text}" of the "listen" directive in ${at}`);
  const address = plainIp ? text : onlyAddress ? text : (match?.[1] ?? '0.0.0.0');
  if (onlyAddress && !/^(\*|localhost|\[|unix)/.test(text))
    throw new ConfigError(`host not found in "${text}" of the "listen" directive in ${at}`);
  return {
    address: address === '*' ? '0.0.0.0' : address,
    port,
    tls: args.includes('ssl'),
    defaultServer: args.includes('default_server'),
  };
}
