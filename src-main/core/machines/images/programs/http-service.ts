import { utf8 } from '#core/base';
import type { ApiRequest, ApiResponse } from '#core/kube';
import { FileError } from '../../filesystem/types.ts';
import { ListenError, type Peer } from '../../network/index.ts';
import { mediaType } from '../nginx/mime.ts';
import type { Program, ProgramContext } from '../../process/types.ts';
import { httpDate, print, untilSignal } from '../program-io.ts';

export type Handler = (request: ApiRequest, peer: Peer) => ApiResponse | Promise<ApiResponse>;

export function textAnswer(
  status: number,
  text: string,
  headers: Record<string, string> = {},
): ApiResponse {
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', ...headers },
    body: { kind: 'bytes', bytes: utf8(text) },
  };
}

/** Serves on one port until SIGTERM or SIGINT. A taken port is told by `onTaken`. */
export async function serveHttp(
  context: ProgramContext,
  port: number,
  handler: Handler,
  options: { address?: string; onTaken?: (message: string) => string; exitCode?: number } = {},
): Promise<number> {
  try {
    context.net.listen(
      port,
      { kind: 'http', handle: (request, peer) => Promise.resolve(handler(request, peer)) },
      options.address === undefined ? {} : { address: options.address },
    );
  } catch (error) {
    if (!(error instanceof ListenError)) throw error;
    await print(context.stderr, `${options.onTaken?.(error.message) ?? error.message}\n`);
    return 1;
  }
  await untilSignal(context, ['SIGTERM', 'SIGINT']);
  return options.exitCode ?? 0;
}

/** A file below `root`, its index, or undefined. */
export function fileAnswer(
  context: ProgramContext,
  root: string,
  url: string,
  index: readonly string[] = ['index.html'],
): ApiResponse | undefined {
  const path = `${root.replace(/\/$/, '')}${(url.split('?')[0] ?? '/').replaceAll('/..', '')}`;
  for (const candidate of path.endsWith('/') ? index.map((name) => path + name) : [path]) {
    try {
      const bytes = context.files.readFile(candidate);
      return {
        status: 200,
        headers: {
          'content-type': mediaType(candidate) ?? 'application/octet-stream',
          'last-modified': httpDate(context.files.stat(candidate).modifiedMs),
        },
        body: { kind: 'bytes', bytes },
      };
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
  }
  return undefined;
}

/**
 * The list of a folder below `root` as Go's file server writes it, or the way to its name with a slash.
 * @see net/http/fs.go, dirList
 */
export function folderAnswer(
  { files }: ProgramContext,
  root: string,
  url: string,
): ApiResponse | undefined {
  const asked = (url.split('?')[0] ?? '/').replaceAll('/..', '');
  const path = `${root.replace(/\/$/, '')}${asked}`;
  if (!files.exists(path) || files.stat(path).kind !== 'directory') return undefined;
  if (!asked.endsWith('/'))
    return textAnswer(301, '', { location: `${asked.replace(/^.*\//, '')}/` });
  const rows = files.readdir(path).map((name) => {
    const isFolder = files.lstat(`${path}${name}`).kind === 'directory';
    const text = `${name}${isFolder ? '/' : ''}`;
    return `<a href="${encodeURI(text)}">${escapeHtml(text)}</a>\n`;
  });
  const head = '<!doctype html>\n<meta name="viewport" content="width=device-width">\n';
  return textAnswer(200, `${head}<pre>\n${rows.join('')}</pre>\n`, {
    'content-type': 'text/html; charset=utf-8',
  });
}

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** The value after a flag: `-p 80`, `--port=80`, `-port 80`. */
export function flagValue(
  argv: readonly string[],
  ...names: readonly string[]
): string | undefined {
  for (const [index, word] of argv.entries())
    for (const name of names) {
      if (word === name) return argv[index + 1];
      if (word.startsWith(`${name}=`)) return word.slice(name.length + 1);
    }
  return undefined;
}

/** busybox's `httpd`. */
export const busyboxHttpd: Program = async (context) => {
  const { argv } = context;
  const root = flagValue(argv, '-h') ?? context.cwd;
  const port = Number((flagValue(argv, '-p') ?? '80').split(':').at(-1));
  return serveHttp(
    context,
    port,
    (request) =>
      fileAnswer(context, root, request.url) ?? {
        status: 404,
        headers: { 'content-type': 'text/html' },
        body: {
          kind: 'bytes',
          bytes: utf8(
            '<HTML><HEAD><TITLE>404 Not Found</TITLE></HEAD>\n<BODY><H1>404 Not Found</H1>\nThe requested URL was not found\n</BODY></HTML>\n',
          ),
        },
      },
    { onTaken: () => 'httpd: bind: Address already in use', exitCode: 143 },
  );
};

/** `python3 -m http.server [PORT] [--directory DIR]`, and `--version`; other programs it does not run. */
export const python: Program = async (context) => {
  const { argv, stderr, stdout, clock } = context;
  if (argv[1] === '--version' || argv[1] === '-V') {
    await print(stdout, 'Python 3.12.7\n');
    return 0;
  }
  const module = flagValue(argv, '-m');
  if (module !== 'http.server') {
    await print(
      stderr,
      module === undefined
        ? `${argv[0] ?? 'python'}: can't open file '${argv[1] ?? ''}': [Errno 2] No such file or directory\n`
        : `${argv[0] ?? 'python'}: No module named ${module}\n`,
    );
    return argv.length === 1 ? 0 : module === undefined ? 2 : 1;
  }
  const port = Number(argv.slice(3).find((word) => /^\d+$/.test(word)) ?? 8000);
  const root = flagValue(argv, '--directory', '-d') ?? context.cwd;
  await print(stdout, `Serving HTTP on 0.0.0.0 port ${port} (http://0.0.0.0:${port}/) ...\n`);
  return serveHttp(
    context,
    port,
    async (request, peer) => {
      const found =
        fileAnswer(context, root, request.url) ?? directoryPage(context, root, request.url);
      const answer =
        found ??
        textAnswer(
          404,
          `<!DOCTYPE HTML>\n<html lang="en">\n    <head>\n        <meta charset="utf-8">\n        <title>Error response</title>\n    </head>\n    <body>\n        <h1>Error response</h1>\n        <p>Error code: 404</p>\n        <p>Message: File not found.</p>\n        <p>Error code explanation: 404 - Nothing matches the given URI.</p>\n    </body>\n</html>\n`,
          { 'content-type': 'text/html;charset=utf-8' },
        );
      const at = new Date(clock.now()).toISOString();
      await print(
        stderr,
        `${peer.address} - - [${at.slice(0, 10)} ${at.slice(11, 19)}] "${request.method} ${request.url} HTTP/1.1" ${answer.status} -\n`,
      );
      return {
        ...answer,
        headers: {
          server: 'SimpleHTTP/0.6 Python/3.12.7',
          date: httpDate(clock.now()),
          ...answer.headers,
        },
      };
    },
    { onTaken: () => 'OSError: [Errno 98] Address already in use', exitCode: 143 },
  );
};

function directoryPage(
  context: ProgramContext,
  root: string,
  url: string,
): ApiResponse | undefined {
  const path = `${root.replace(/\/$/, '')}${url.split('?')[0] ?? '/'}`;
  if (!context.files.exists(path) || context.files.stat(path).kind !== 'directory')
    return undefined;
  const items = context.files
    .readdir(path)
    .map((name) => {
      const shown = context.files.stat(`${path}/${name}`).kind === 'directory' ? `${name}/` : name;
      return `<li><a href="${shown}">${shown}</a></li>\n`;
    })
    .join('');
  const title = `Directory listing for ${url}`;
  return textAnswer(
    200,
    `<!DOCTYPE HTML>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>${title}</title>\n</head>\n<body>\n<h1>${title}</h1>\n<hr>\n<ul>\n${items}</ul>\n<hr>\n</body>\n</html>\n`,
    { 'content-type': 'text/html; charset=utf-8' },
  );
}

/** Apache's `httpd -DFOREGROUND` (and `httpd-foreground`). */
export const apache: Program = async (context) => {
  const { clock, stdout, stderr } = context;
  const at = new Date(clock.now());
  const day = at.toUTCString().slice(0, 7).replace(',', '').split(' ')[0] ?? '';
  const stamp = `${day} ${at.toUTCString().slice(8, 11)} ${String(at.getUTCDate()).padStart(2, '0')} ${at.toISOString().slice(11, 19)}.000000 ${at.getUTCFullYear()}`;
  await print(
    stderr,
    `AH00558: httpd: Could not reliably determine the server's fully qualified domain name, using ${context.net.address}. Set the 'ServerName' directive globally to suppress this message\n` +
      `[${stamp}] [mpm_event:notice] [pid 1:tid 1] AH00489: Apache/2.4.65 (Unix) configured -- resuming normal operations\n` +
      `[${stamp}] [core:notice] [pid 1:tid 1] AH00094: Command line: 'httpd -D FOREGROUND'\n`,
  );
  return serveHttp(
    context,
    80,
    async (request, peer) => {
      const answer =
        fileAnswer(context, '/usr/local/apache2/htdocs', request.url) ??
        textAnswer(
          404,
          '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>404 Not Found</title>\n</head><body>\n<h1>Not Found</h1>\n<p>The requested URL was not found on this server.</p>\n</body></html>\n',
          { 'content-type': 'text/html; charset=iso-8859-1' },
        );
      const size = answer.body.kind === 'bytes' ? answer.body.bytes.length : 0;
      const time = new Date(clock.now()).toUTCString();
      await print(
        stdout,
        `${peer.address} - - [${time.slice(5, 7)}/${time.slice(8, 11)}/${time.slice(12, 16)}:${time.slice(17, 25)} +0000] "${request.method} ${request.url} HTTP/1.1" ${answer.status} ${size}\n`,
      );
      return {
        ...answer,
        headers: { date: httpDate(clock.now()), server: 'Apache/2.4.65 (Unix)', ...answer.headers },
      };
    },
    {
      onTaken: () =>
        '(98)Address already in use: AH00072: make_sock: could not bind to address 0.0.0.0:80\nno listening sockets available, shutting down\nAH00015: Unable to open logs',
    },
  );
};

/** `hashicorp/http-echo -text=… [-listen=:5678]`. */
export const httpEcho: Program = async (context) => {
  const text = flagValue(context.argv, '-text', '--text') ?? context.env['ECHO_TEXT'];
  if (text === undefined) {
    await print(context.stderr, 'Missing -text option!\n');
    return 127;
  }
  const port = Number(
    (flagValue(context.argv, '-listen', '--listen') ?? ':5678').split(':').at(-1),
  );
  const log = (line: string): Promise<void> =>
    print(
      context.stdout,
      `${new Date(context.clock.now()).toISOString().slice(0, 19).replace('T', ' ').replaceAll('-', '/')} ${line}\n`,
    );
  await log(`[INFO] server is listening on :${port}`);
  return serveHttp(context, port, async (request, peer) => {
    await log(
      `${request.headers['host'] ?? ''} ${peer.address}:${peer.port} "${request.method} ${request.url} HTTP/1.1" 200 ${text.length + 1} "${request.headers['user-agent'] ?? ''}" 15.341µs`,
    );
    return textAnswer(200, `${text}\n`, { 'x-app-name': 'http-echo', 'x-app-version': '1.0.0' });
  });
};

/** `google-samples/hello-app` of one version. */
export function helloApp(version: string): Program {
  return async (context) => {
    const port = Number(context.env['PORT'] ?? 8080);
    const log = (line: string): Promise<void> =>
      print(
        context.stderr,
        `${new Date(context.clock.now()).toISOString().slice(0, 19).replace('T', ' ').replaceAll('-', '/')} ${line}\n`,
      );
    await log(`Server listening on port ${port}`);
    return serveHttp(
      context,
      port,
      async (request) => {
        await log(`Serving request: ${request.url}`);
        return textAnswer(
          200,
          `Hello, world!\nVersion: ${version}\nHostname: ${context.env['HOSTNAME'] ?? ''}\n`,
        );
      },
      // Go's default action: pid 1 without a handler is killed after the grace.
      { exitCode: 2 },
    );
  };
}

/** A page for every path: small web front ends. */
export function fixedPage(port: number, page: (context: ProgramContext) => string): Program {
  return (context) =>
    serveHttp(context, port, (request) =>
      request.url === '/' || request.url.startsWith('/?') || request.url === '/index.html'
        ? textAnswer(200, page(context), { 'content-type': 'text/html; charset=UTF-8' })
        : textAnswer(404, '<h1>Not Found</h1>\n', { 'content-type': 'text/html; charset=UTF-8' }),
    );
}
