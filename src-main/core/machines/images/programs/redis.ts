import { concatBytes, fromUtf8, utf8 } from '#core/base';
import { type Connection, ConnectionError } from '#core/kube';
import { ListenError, openConnection } from '../../network/index.ts';
import type { Program } from '../../process/types.ts';
import { chunksOf, print, resolverOf, untilSignal } from '../program-io.ts';
import { flagValue } from './http-service.ts';

/** Values are strings or lists; an expiry is kept beside. */
interface Database {
  readonly values: Map<string, string | string[]>;
  readonly expiresMs: Map<string, number>;
  password: string | undefined;
  readonly now: () => number;
}

const wrongType = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';
const bulk = (text: string | undefined): string =>
  text === undefined ? '$-1\r\n' : `$${utf8(text).length}\r\n${text}\r\n`;

function run(
  database: Database,
  words: readonly string[],
  session: { authenticated: boolean },
): string {
  const [name = '', ...args] = words;
  const command = name.toUpperCase();
  const { values, expiresMs } = database;
  for (const [key, at] of expiresMs)
    if (at <= database.now()) {
      values.delete(key);
      expiresMs.delete(key);
    }
  if (command === 'AUTH') {
    session.authenticated = args.at(-1) === database.password;
    return session.authenticated
      ? '+OK\r\n'
      : '-WRONGPASS invalid username-password pair or user is disabled.\r\n';
  }
  if (database.password !== undefined && !session.authenticated)
    return '-NOAUTH Authentication required.\r\n';
  const key = args[0] ?? '';
  const value = values.get(key);
  const need = (count: number): boolean => args.length < count;
  const arity = `-ERR wrong number of arguments for '${name.toLowerCase()}' command\r\n`;
  switch (command) {
    case 'PING':
      return args.length > 0 ? bulk(args[0]) : '+PONG\r\n';
    case 'ECHO':
      return bulk(args[0]);
    case 'SET': {
      if (need(2)) return arity;
      values.set(key, args[1] ?? '');
      expiresMs.delete(key);
      if (args[2]?.toUpperCase() === 'EX')
        expiresMs.set(key, database.now() + Number(args[3]) * 1000);
      return '+OK\r\n';
    }
    case 'GET':
      if (need(1)) return arity;
      return Array.isArray(value) ? wrongType : bulk(value);
    case 'DEL': {
      let removed = 0;
      for (const each of args) if (values.delete(each)) removed++;
      return `:${removed}\r\n`;
    }
    case 'EXISTS':
      return `:${args.filter((each) => values.has(each)).length}\r\n`;
    case 'INCR':
    case 'DECR': {
      if (Array.isArray(value)) return wrongType;
      const next = Number(value ?? 0) + (command === 'INCR' ? 1 : -1);
      if (!Number.isInteger(next)) return '-ERR value is not an integer or out of range\r\n';
      values.set(key, String(next));
      return `:${next}\r\n`;
    }
    case 'LPUSH':
    case 'RPUSH': {
      if (need(2)) return arity;
      if (typeof value === 'string') return wrongType;
      const list = value ?? [];
      for (const each of args.slice(1)) {
        if (command === 'LPUSH') list.unshift(each);
        else list.push(each);
      }
      values.set(key, list);
      return `:${list.length}\r\n`;
    }
    case 'LRANGE': {
      if (typeof value === 'string') return wrongType;
      const list = value ?? [];
      const end = Number(args[2] ?? -1);
      const slice = list.slice(Number(args[1] ?? 0), end < 0 ? list.length + end + 1 : end + 1);
      return `*${slice.length}\r\n${slice.map(bulk).join('')}`;
    }
    case 'EXPIRE':
      if (!values.has(key)) return ':0\r\n';
      expiresMs.set(key, database.now() + Number(args[1]) * 1000);
      return ':1\r\n';
    case 'TTL': {
      const at = expiresMs.get(key);
      return `:${values.has(key) ? (at === undefined ? -1 : Math.ceil((at - database.now()) / 1000)) : -2}\r\n`;
    }
    case 'KEYS': {
      const pattern = new RegExp(
        `^${key
          .replace(/[.+^${}()|\\]/g, '\\$&')
          .replaceAll('*', '.*')
          .replaceAll('?', '.')}$`,
      );
      const found = [...values.keys()].filter((each) => pattern.test(each));
      return `*${found.length}\r\n${found.map(bulk).join('')}`;
    }
    case 'DBSIZE':
      return `:${values.size}\r\n`;
    case 'FLUSHALL':
    case 'FLUSHDB':
      values.clear();
      return '+OK\r\n';
    case 'SELECT':
    case 'CLIENT':
      return '+OK\r\n';
    case 'INFO':
      return bulk(
        '# Server\r\nredis_version:7.4.1\r\nredis_mode:standalone\r\n# Replication\r\nrole:master\r\nconnected_slaves:0\r\n',
      );
    case 'CONFIG':
    case 'COMMAND':
      return '*0\r\n';
    case 'QUIT':
      return '+OK\r\n';
    default:
      return `-ERR unknown command '${name}', with args beginning with: ${args.map((each) => `'${each}' `).join('')}\r\n`;
  }
}

/** Takes whole commands off the front of what came: RESP arrays or inline lines. */
function takeCommand(text: string): { words: string[]; rest: string } | undefined {
  if (!text.startsWith('*')) {
    const end = text.indexOf('\n');
    if (end < 0) return undefined;
    return {
      words: text.slice(0, end).trim().split(/\s+/).filter(Boolean),
      rest: text.slice(end + 1),
    };
  }
  const lines = text.split('\r\n');
  const count = Number(lines[0]?.slice(1));
  if (lines.length < count * 2 + 2) return undefined;
  const words = Array.from({ length: count }, (_, index) => lines[2 + index * 2] ?? '');
  return { words, rest: lines.slice(count * 2 + 1).join('\r\n') };
}

async function converse(
  connection: Connection,
  database: Database,
  signal: AbortSignal,
): Promise<void> {
  const session = { authenticated: false };
  let pending = '';
  for await (const chunk of chunksOf(connection.input, signal)) {
    pending += fromUtf8(chunk);
    for (let next = takeCommand(pending); next; next = takeCommand(pending)) {
      pending = next.rest;
      if (next.words.length === 0) continue;
      await connection.output
        .write(utf8(run(database, next.words, session)))
        .catch(() => undefined);
      if (next.words[0]?.toUpperCase() === 'QUIT') connection.close();
    }
  }
  connection.close();
}

/** `redis-server`: strings, lists and expiry in memory, over RESP. */
export const redisServer: Program = async (context) => {
  const port = Number(flagValue(context.argv, '--port') ?? 6379);
  const at = new Date(context.clock.now());
  const month = at.toUTCString().slice(8, 11);
  const stamp = `${String(at.getUTCDate()).padStart(2, '0')} ${month} ${at.getUTCFullYear()} ${at.toISOString().slice(11, 23)}`;
  const { pid } = context.process;
  const log = (mark: string, text: string): Promise<void> =>
    print(
      context.stdout,
      `${pid}:${mark === 'C' ? 'C' : 'M'} ${stamp} ${mark === 'C' ? '*' : mark} ${text}\n`,
    );
  await log('C', 'oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo');
  await log(
    'C',
    `Redis version=7.4.1, bits=64, commit=00000000, modified=0, pid=${pid}, just started`,
  );
  const database: Database = {
    values: new Map(),
    expiresMs: new Map(),
    password: flagValue(context.argv, '--requirepass'),
    now: () => context.clock.now(),
  };
  try {
    context.net.listen(port, {
      kind: 'tcp',
      accept: (connection) =>
        void converse(connection, database, context.signal).catch(() => undefined),
    });
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    await log(
      '#',
      `Warning: Could not create server TCP listening socket *:${port}: bind: Address already in use`,
    );
    await log('#', 'Failed listening on port 6379 (tcp), aborting.');
    return 1;
  }
  context.process.setMemory(8 * 1024 * 1024);
  await log('*', 'Server initialized');
  await log('*', 'Ready to accept connections tcp');
  const signal = await untilSignal(context, ['SIGTERM', 'SIGINT']);
  if (signal !== undefined) {
    await log('*', `Received ${signal} scheduling shutdown...`);
    await log('#', 'Redis is now ready to exit, bye bye...');
  }
  return 0;
};

/** `redis-cli [-h HOST] [-p PORT] [-a PASSWORD] COMMAND…`; without a command it reads lines. */
export const redisCli: Program = async (context) => {
  const words = context.argv.slice(1);
  let host = '127.0.0.1';
  let port = 6379;
  let password: string | undefined;
  while (words[0]?.startsWith('-')) {
    const flag = words.shift();
    if (flag === '-h') host = words.shift() ?? host;
    else if (flag === '-p') port = Number(words.shift());
    else if (flag === '-a') password = words.shift();
  }
  let connection: Connection;
  try {
    const address = (await resolverOf(context).lookup(host))[0] ?? host;
    connection = openConnection(await context.net.dial(address, port));
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    const reason =
      error.code === 'ECONNREFUSED'
        ? 'Connection refused'
        : error.code === 'ENOTFOUND'
          ? 'Name or service not known'
          : 'Connection timed out';
    await print(context.stderr, `Could not connect to Redis at ${host}:${port}: ${reason}\n`);
    return 1;
  }
  const send = async (command: readonly string[]): Promise<string> => {
    await connection.output.write(utf8(`*${command.length}\r\n${command.map(bulk).join('')}`));
    return replyText(connection, context.tty !== undefined);
  };
  if (password !== undefined) await send(['AUTH', password]);
  if (words.length > 0) await print(context.stdout, `${await send(words)}\n`);
  else {
    let pending = '';
    for await (const chunk of chunksOf(context.stdin, context.signal)) {
      pending += fromUtf8(chunk);
      for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n')) {
        const line = pending.slice(0, end).trim();
        pending = pending.slice(end + 1);
        if (line === 'quit' || line === 'exit') return 0;
        if (line !== '') await print(context.stdout, `${await send(line.split(/\s+/))}\n`);
      }
    }
  }
  connection.close();
  return 0;
};

/** As redis-cli prints it: with types and quotes on a terminal, bare otherwise. */
async function replyText(connection: Connection, typed: boolean): Promise<string> {
  let bytes = new Uint8Array(0);
  for (;;) {
    const chunk = await connection.input.read();
    if (!chunk) return 'Error: Server closed the connection';
    bytes = concatBytes([bytes, chunk]);
    const parsed = parseReply(fromUtf8(bytes).split('\r\n'), 0, typed);
    if (parsed) return parsed.text;
  }
}

function parseReply(
  lines: readonly string[],
  at: number,
  typed: boolean,
): { text: string; next: number } | undefined {
  const line = lines[at];
  if (line === undefined || at + 1 >= lines.length) return undefined;
  const rest = line.slice(1);
  switch (line.slice(0, 1)) {
    case '+':
      return { text: rest, next: at + 1 };
    case '-':
      return { text: typed ? `(error) ${rest}` : rest, next: at + 1 };
    case ':':
      return { text: typed ? `(integer) ${rest}` : rest, next: at + 1 };
    case '$': {
      if (rest === '-1') return { text: typed ? '(nil)' : '', next: at + 1 };
      if (at + 2 >= lines.length) return undefined;
      const text = lines[at + 1] ?? '';
      return { text: typed ? `"${text}"` : text, next: at + 2 };
    }
    default: {
      const items: string[] = [];
      let next = at + 1;
      for (let index = 0; index < Number(rest); index++) {
        const item = parseReply(lines, next, typed);
        if (!item) return undefined;
        items.push(typed ? `${index + 1}) ${item.text}` : item.text);
        next = item.next;
      }
      const none = typed ? '(empty array)' : '';
      return { text: items.length > 0 ? items.join('\n') : none, next };
    }
  }
}
