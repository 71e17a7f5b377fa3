import { concatBytes, utf8 } from '#core/base';
import { ConnectionError } from '#core/kube';
import { LookupError } from '../../dns/index.ts';
import { isAddress } from '../../network/index.ts';
import { type HttpAnswer, httpRequest, splitUrl, TlsError } from '../../network/index.ts';
import type { Program, ProgramContext } from '../../process/types.ts';
import { chunksOf, clockText, dateText, print, resolverOf } from '../program-io.ts';
import { type ParsedOptions, parseOptions } from './arguments.ts';

const table = {
  flags: {
    q: 'q',
    quiet: 'q',
    spider: 'spider',
    c: 'c',
    continue: 'c',
    S: 'S',
    'server-response': 'S',
    'no-check-certificate': 'k',
    'no-verbose': 'nv',
    nv: 'nv',
    'content-on-error': 'content-on-error',
  },
  values: {
    O: 'O',
    'output-document': 'O',
    T: 'T',
    timeout: 'T',
    'connect-timeout': 'T',
    'read-timeout': 'T',
    U: 'U',
    'user-agent': 'U',
    header: 'header',
    'post-data': 'post',
    P: 'P',
    'directory-prefix': 'P',
    t: 't',
    tries: 't',
    Y: 'Y',
    'ca-certificate': 'cacert',
    'post-file': 'post-file',
    'max-redirect': 'redirect',
  },
} as const;

interface Fetch {
  readonly answer: HttpAnswer;
  readonly url: string;
}

interface Voice {
  readonly userAgent: string;
  /** What it says before it asks. */
  start(context: ProgramContext, options: ParsedOptions, url: string): Promise<void>;
  connecting(
    context: ProgramContext,
    options: ParsedOptions,
    host: string,
    address: string,
    port: number,
  ): Promise<void>;
  /** The failed exchange's text and exit code. */
  failure(
    context: ProgramContext,
    options: ParsedOptions,
    error: unknown,
    url: string,
    address: string,
  ): Promise<number>;
  status(
    context: ProgramContext,
    options: ParsedOptions,
    answer: HttpAnswer,
  ): Promise<number | undefined>;
  saved(
    context: ProgramContext,
    options: ParsedOptions,
    target: string,
    size: number,
    answer: HttpAnswer,
  ): Promise<void>;
  readonly defaultTimeoutMs: number;
}

const last = (options: ParsedOptions, name: string): string | undefined =>
  options.values.get(name)?.at(-1);
const quiet = (options: ParsedOptions): boolean => options.flags.has('q');

const strerrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ETIMEDOUT: 'Connection timed out',
  EHOSTUNREACH: 'No route to host',
  ECONNRESET: 'Connection reset by peer',
};

/** busybox's words. */
const busyboxVoice: Voice = {
  userAgent: 'Wget',
  defaultTimeoutMs: 900_000,
  start: () => Promise.resolve(),
  connecting: async (context, options, host, address, port) => {
    if (!quiet(options))
      await print(context.stderr, `Connecting to ${host} (${address}:${port})\n`);
  },
  failure: async (context, _, error, url, address) => {
    const { host, port } = splitUrl(url);
    const shown = port === 80 && !/:\d+/.test(url.replace(/^\w+:/, '')) ? host : `${host}:${port}`;
    const text =
      error instanceof LookupError
        ? `bad address '${shown}'`
        : error instanceof TlsError
          ? `TLS error from peer (alert code 48): unknown CA`
          : error instanceof ConnectionError &&
              error.code === 'ETIMEDOUT' &&
              error.message.includes('i/o timeout')
            ? 'download timed out'
            : error instanceof ConnectionError && error.code === 'ECONNRESET'
              ? 'error getting response: Connection reset by peer'
              : `can't connect to remote host (${address}): ${error instanceof ConnectionError ? (strerrors[error.code] ?? error.message) : String(error)}`;
    await print(context.stderr, `wget: ${text}\n`);
    return 1;
  },
  status: async (context, _, answer) => {
    if (answer.status < 400) return undefined;
    await print(
      context.stderr,
      `wget: server returned error: HTTP/1.1 ${answer.status} ${answer.reason}\n`,
    );
    return 1;
  },
  saved: async (context, options, target, size) => {
    if (quiet(options)) return;
    if (options.flags.has('spider')) {
      await print(context.stderr, 'remote file exists\n');
      return;
    }
    const name = target.slice(0, 20).padEnd(20);
    const where = target === '-' ? 'writing to stdout' : `saving to '${target}'`;
    const done = target === '-' ? 'written to stdout' : `'${target}' saved`;
    await print(
      context.stderr,
      `${where}\n${name} 100% |${'*'.repeat(32)}| ${String(size).padStart(5)}  0:00:00 ETA\n${done}\n`,
    );
  },
};

/** GNU Wget's words. */
const gnuVoice: Voice = {
  userAgent: 'Wget/1.21.4',
  defaultTimeoutMs: 900_000,
  start: async (context, options, url) => {
    if (quiet(options)) return;
    const now = context.clock.now();
    const spider = options.flags.has('spider')
      ? 'Spider mode enabled. Check if remote file exists.\n'
      : '';
    await print(context.stderr, `${spider}--${dateText(now)} ${clockText(now)}--  ${url}\n`);
  },
  connecting: async (context, options, host, address, port) => {
    if (quiet(options)) return;
    const found = isAddress(host) ? '' : `Resolving ${host} (${host})... ${address}\n`;
    const name = isAddress(host) ? `${host}:${port}` : `${host} (${host})|${address}|:${port}`;
    await print(
      context.stderr,
      `${found}Connecting to ${name}... connected.\nHTTP request sent, awaiting response... `,
    );
  },
  failure: async (context, options, error, url, address) => {
    const { host, port } = splitUrl(url);
    const found = isAddress(host) ? '' : `Resolving ${host} (${host})... `;
    const name = isAddress(host) ? `${host}:${port}` : `${host} (${host})|${address}|:${port}`;
    if (error instanceof LookupError) {
      if (!quiet(options))
        await print(context.stderr, `${found}failed: Name or service not known.\n`);
      await print(context.stderr, `wget: unable to resolve host address ‘${host}’\n`);
      return 4;
    }
    if (error instanceof TlsError) {
      await print(
        context.stderr,
        error.kind === 'not-tls'
          ? 'OpenSSL: error:0A00010B:SSL routines::wrong version number\nUnable to establish SSL connection.\n'
          : `ERROR: cannot verify ${host}'s certificate, issued by ‘CN=kubernetes’:\n  Unable to locally verify the issuer's authority.\nTo connect to ${host} insecurely, use \`--no-check-certificate'.\n`,
      );
      return error.kind === 'not-tls' ? 4 : 5;
    }
    const text =
      error instanceof ConnectionError ? (strerrors[error.code] ?? error.message) : String(error);
    if (!quiet(options)) {
      const resolved = isAddress(host) ? '' : `${found}${address}\n`;
      await print(context.stderr, `${resolved}Connecting to ${name}... failed: ${text}.\n`);
    }
    return 4;
  },
  status: async (context, options, answer) => {
    const line = `${answer.status} ${answer.reason}`;
    if (!quiet(options)) await print(context.stderr, `${line}\n`);
    if (answer.status < 400) return undefined;
    const now = context.clock.now();
    if (!quiet(options)) {
      const text = options.flags.has('spider')
        ? 'Remote file does not exist -- broken link!!!\n\n'
        : `${dateText(now)} ${clockText(now)} ERROR ${answer.status}: ${answer.reason}.\n\n`;
      await print(context.stderr, text);
    }
    return 8;
  },
  saved: async (context, options, target, size, answer) => {
    if (quiet(options)) return;
    const type = (answer.headers['content-type'] ?? 'text/plain').split(';')[0] ?? '';
    const length = answer.headers['content-length'];
    const known = length === undefined ? 'unspecified' : length;
    await print(context.stderr, `Length: ${known} [${type}]\n`);
    if (options.flags.has('spider')) {
      await print(
        context.stderr,
        type === 'text/html'
          ? 'Remote file exists and could contain further links,\nbut recursion is disabled -- not retrieving.\n\n'
          : 'Remote file exists.\n\n',
      );
      return;
    }
    const name = target === '-' ? 'STDOUT' : target;
    const now = context.clock.now();
    const stamp = `${dateText(now)} ${clockText(now)} (1.00 MB/s) -`;
    await print(
      context.stderr,
      `Saving to: ‘${name}’\n\n     0K${' '.repeat(53)}100% 1.00M=0s\n\n${stamp} ${target === '-' ? 'written to stdout' : `‘${name}’ saved`} [${size}${length === undefined ? '' : `/${length}`}]\n\n`,
    );
  },
};

function wget(voice: Voice): Program {
  return async (context) => {
    const options = parseOptions(context.argv.slice(1), table);
    if (options.bad) {
      await print(
        context.stderr,
        `wget: unrecognized option: ${options.bad.option.replace(/^-+/, '')}\n`,
      );
      return 1;
    }
    const given = options.operands[0];
    if (given === undefined) {
      await print(context.stderr, 'wget: missing URL\nUsage: wget [OPTION]... [URL]...\n');
      return 1;
    }
    let url = /^\w+:\/\//.test(given) ? given : `http://${given}`;
    if (!/^https?:/.test(url)) {
      await print(context.stderr, `wget: not an http or ftp url: ${url}\n`);
      return 1;
    }
    if (!/^https?:\/\/[^/]+\//.test(url)) url += '/';
    await voice.start(context, options, url);
    for (let redirects = 0; ; redirects++) {
      const fetched = await fetchOnce(context, options, voice, url);
      if (typeof fetched === 'number') return fetched;
      const location = fetched.answer.headers['location'];
      if (
        location !== undefined &&
        fetched.answer.status >= 300 &&
        fetched.answer.status < 400 &&
        redirects < 20
      ) {
        fetched.answer.close();
        url = location.startsWith('/')
          ? url.replace(/^(https?:\/\/[^/]+).*/, `$1${location}`)
          : location;
        continue;
      }
      return store(context, options, voice, fetched);
    }
  };
}

async function fetchOnce(
  context: ProgramContext,
  options: ParsedOptions,
  voice: Voice,
  url: string,
): Promise<Fetch | number> {
  const { host } = splitUrl(url);
  const headers: Record<string, string> = {
    'user-agent': last(options, 'U') ?? voice.userAgent,
    ...(voice === gnuVoice ? { accept: '*/*', 'accept-encoding': 'identity' } : {}),
    connection: 'close',
  };
  for (const line of options.values.get('header') ?? []) {
    const colon = line.indexOf(':');
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const post = last(options, 'post');
  if (post !== undefined) headers['content-type'] = 'application/x-www-form-urlencoded';
  const timeout = last(options, 'T');
  const timeoutMs = timeout === undefined ? undefined : Number(timeout) * 1000;
  let address = host;
  let where: readonly [string, number] | undefined;
  const spider = options.flags.has('spider');
  try {
    const answer = await httpRequest({
      net: context.net,
      clock: context.clock,
      signal: context.signal,
      url,
      method: post === undefined ? (spider && voice === gnuVoice ? 'HEAD' : 'GET') : 'POST',
      headers,
      ...(post === undefined ? {} : { body: utf8(post) }),
      ...(timeoutMs === undefined ? {} : { connectTimeoutMs: timeoutMs, timeoutMs: timeoutMs + 1 }),
      resolve: async (name) => {
        const found = await resolverOf(context).lookup(name);
        address = found[0] ?? host;
        return found;
      },
      tls: { insecure: options.flags.has('k'), roots: systemRoots(context) },
      onConnect: (...at) => {
        where = at;
      },
    });
    if (where) await voice.connecting(context, options, host, where[0], where[1]);
    const code = await voice.status(context, options, answer);
    if (code === undefined) return { answer, url };
    answer.close();
    return code;
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    // Only busybox tells the address before it knows whether somebody answers.
    if (voice === busyboxVoice && !(error instanceof LookupError))
      await voice.connecting(context, options, host, address, splitUrl(url).port);
    return voice.failure(context, options, error, url, address);
  }
}

function systemRoots(context: ProgramContext): string {
  const path = '/etc/ssl/certs/ca-certificates.crt';
  return context.files.exists(path) ? context.files.readText(path) : '';
}

async function store(
  context: ProgramContext,
  options: ParsedOptions,
  voice: Voice,
  { answer, url }: Fetch,
): Promise<number> {
  const fromUrl = splitUrl(url).path.replace(/\?.*/, '').split('/').pop() ?? '';
  const target = last(options, 'O') ?? (fromUrl === '' ? 'index.html' : fromUrl);
  if (options.flags.has('spider')) {
    answer.close();
    await voice.saved(context, options, target, 0, answer);
    return 0;
  }
  const kept: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(answer.body, context.signal)) {
    size += chunk.length;
    if (target !== '-') kept.push(chunk);
    else await context.stdout.write(chunk).catch(() => answer.close());
  }
  if (target !== '-' && target !== '/dev/null') {
    const prefix = last(options, 'P') ?? context.cwd;
    const path = target.startsWith('/') ? target : `${prefix.replace(/\/$/, '')}/${target}`;
    if (voice === busyboxVoice && last(options, 'O') === undefined && context.files.exists(path)) {
      await print(context.stderr, `wget: can't open '${target}': File exists\n`);
      return 1;
    }
    context.files.writeFile(path, concatBytes(kept));
  }
  await voice.saved(context, options, target, size, answer);
  return 0;
}

export const busyboxWget: Program = wget(busyboxVoice);
export const gnuWget: Program = wget(gnuVoice);
