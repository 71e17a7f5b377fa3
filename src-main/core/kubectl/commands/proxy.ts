import { utf8 } from '#core/base';
import type { ApiResponse, Connection } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { asError, CommandError } from '../errors.ts';
import { type Http1Request, serveConnection } from '../http1.ts';
import type { Session } from '../session.ts';

/** Serves the API on a local port, with this client's credentials. @see k8s.io/kubectl/pkg/proxy */
export const proxyCommand: CommandSpec = {
  name: 'proxy',
  short: 'Run a proxy to the Kubernetes API server',
  use: 'kubectl proxy [--port=PORT] [--www=static-dir] [--www-prefix=prefix] [--api-prefix=prefix] [options]',
  flags: [
    'accept-hosts:string=^localhost$,^127\\.0\\.0\\.1$,^\\[::1\\]$',
    'accept-paths:string=^.*',
    'address:string=127.0.0.1',
    'api-prefix:string=/',
    'append-server-path:bool',
    'disable-filter:bool',
    'keepalive:duration=0s',
    'port|p:int=8001',
    'reject-methods:string=^$',
    'reject-paths:string=^/api/.*/pods/.*/exec,^/api/.*/pods/.*/attach',
    'unix-socket|u:string',
    'www|w:string',
    'www-prefix|P:string=/static/',
  ],
  run: async (session) => {
    const { flags, io } = session;
    if (flags.text('unix-socket') !== '')
      throw new CommandError('this kubectl has no unix sockets: use --port');
    if (flags.bool('disable-filter'))
      session.log(
        'W',
        'proxy.go:177',
        'Request filter disabled, your proxy is vulnerable to XSRF attacks, please be cautious',
      );
    const handle = handlerOf(session);
    const { listenLocal } = io;
    if (!listenLocal) throw new Error('there is no network to listen on');
    const open = new Set<Connection>();
    const [address, port] = [flags.text('address'), flags.int('port')];
    const listener = await listenLocal(address, port, (connection) => {
      open.add(connection);
      void serveConnection(connection, handle).finally(() => open.delete(connection));
    }).catch((error: unknown) => {
      throw new CommandError(asError(error).message.replace('tcp4', 'tcp'));
    });
    session.out(`Starting to serve on ${address}:${listener.port}\n`);
    await session.flush();
    try {
      await new Promise<void>((resolve) => {
        if (io.signal.aborted) resolve();
        else
          io.signal.addEventListener('abort', () => {
            resolve();
          });
      });
    } finally {
      listener.dispose();
      for (const connection of open) connection.close();
    }
    session.checkInterrupted();
    return 0;
  },
};

const plain = (status: number, message: string): ApiResponse => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  body: { kind: 'bytes', bytes: utf8(`${message}\n`) },
});

function handlerOf(session: Session): (request: Http1Request) => Promise<ApiResponse> {
  const { flags } = session;
  const slashed = (prefix: string): string => (prefix.endsWith('/') ? prefix : `${prefix}/`);
  const apiPrefix = slashed(flags.text('api-prefix'));
  const filesPrefix = slashed(flags.text('www-prefix'));
  const accepts = filterOf(session);
  return async ({ method, url, headers, body }) => {
    const path = url.split('?')[0] ?? '';
    if (flags.text('www') !== '' && path.startsWith(filesPrefix))
      return fileAt(session, path.slice(filesPrefix.length));
    if (!path.startsWith(apiPrefix)) return plain(404, '404 page not found');
    if (!accepts(method, path, (headers['host'] ?? '').replace(/:\d+$/, '')))
      return plain(403, 'Forbidden');
    const { host: _host, connection: _connection, authorization: _own, ...passed } = headers;
    try {
      return await session.api.forward({
        method,
        url: apiPrefix.startsWith('/api') ? url : url.slice(apiPrefix.length - 1),
        headers: passed,
        ...(body.length > 0 ? { body } : {}),
      });
    } catch (error) {
      const { message } = asError(error);
      session.log('E', 'proxy_server.go:147', `Error while proxying request: ${message}`);
      return plain(500, message);
    }
  };
}

type Filter = (method: string, path: string, host: string) => boolean;

function filterOf({ flags }: Session): Filter {
  if (flags.bool('disable-filter')) return () => true;
  const patterns = (name: string): RegExp[] =>
    flags
      .text(name)
      .split(',')
      .filter((each) => each !== '')
      .map((each) => new RegExp(each));
  const [paths, hosts] = [patterns('accept-paths'), patterns('accept-hosts')];
  const [badPaths, badMethods] = [patterns('reject-paths'), patterns('reject-methods')];
  const matches = (value: string, among: readonly RegExp[]): boolean =>
    among.some((each) => each.test(value));
  return (method, path, host) =>
    !matches(path, badPaths) &&
    !matches(method, badMethods) &&
    matches(path, paths) &&
    matches(host, hosts);
}

function fileAt(session: Session, name: string): ApiResponse {
  const { files } = session.io;
  const root = session.path(session.flags.text('www')).replace(/\/$/, '');
  const path = `${root}/${name}`;
  if (name.split('/').includes('..') || !files.exists(path))
    return plain(404, '404 page not found');
  if (files.stat(path).kind === 'directory') {
    const links = files.readdir(path).map((each) => `<a href="${each}">${each}</a>\n`);
    return {
      status: 200,
      headers: { 'content-type': 'text/html; charset=utf-8' },
      body: {
        kind: 'bytes',
        bytes: utf8(
          `<!doctype html>\n<meta name="viewport" content="width=device-width">\n<pre>\n${links.join('')}</pre>\n`,
        ),
      },
    };
  }
  return { status: 200, headers: {}, body: { kind: 'bytes', bytes: files.readFile(path) } };
}
