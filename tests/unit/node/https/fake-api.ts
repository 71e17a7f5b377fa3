import { spawn } from 'node:child_process';
import { BytePipe, fromUtf8, utf8 } from '#core/base';
import type {
  ApiRequest,
  ApiResponse,
  CommandResult,
  CommandSession,
  PortForwardSession,
  ResponseBody,
  Transport,
} from '#core/kube';

/** Just enough of an API server for kubectl: one pod whose commands run on this machine. */
export class FakeApi implements Transport {
  readonly requests: ApiRequest[] = [];
  readonly closedSessions: string[] = [];
  /** Where commands run. */
  workDirectory = '/';
  /** Answers of a test of its own, by path. */
  readonly routes = new Map<string, (request: ApiRequest) => ApiResponse | Promise<ApiResponse>>();

  async send(request: ApiRequest): Promise<ApiResponse> {
    this.requests.push(request);
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    const route = this.routes.get(pathname);
    if (route) return route(request);
    const pod = '/api/v1/namespaces/default/pods/web';
    switch (pathname) {
      case '/version':
        return json(200, { major: '1', minor: '33', gitVersion: 'v1.33.1' });
      case '/api':
        return json(200, { kind: 'APIVersions', versions: ['v1'] });
      case '/apis':
        return json(200, { kind: 'APIGroupList', apiVersion: 'v1', groups: [] });
      case '/api/v1':
        return json(200, {
          kind: 'APIResourceList',
          groupVersion: 'v1',
          resources: [
            {
              name: 'pods',
              kind: 'Pod',
              namespaced: true,
              verbs: ['get', 'list'],
              shortNames: ['po'],
            },
          ],
        });
      case pod:
        return json(200, {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'web', namespace: 'default', uid: 'u' },
          spec: { containers: [{ name: 'c', image: 'nginx', stdin: true, tty: false }] },
          status: { phase: 'Running', containerStatuses: [] },
        });
      case `${pod}/exec`:
        return session(this.#exec(searchParams));
      case `${pod}/attach`:
        return session(this.#attach(searchParams));
      case `${pod}/portforward`:
        return session(this.#portForward());
      default:
        return json(404, {
          kind: 'Status',
          apiVersion: 'v1',
          status: 'Failure',
          reason: 'NotFound',
          message: `pods "${pathname.split('/')[6] ?? ''}" not found`,
          code: 404,
        });
    }
  }

  #exec(query: URLSearchParams): CommandSession {
    const [command = '', ...words] = query.getAll('command');
    const streams = openStreams(query);
    let settle: (result: CommandResult) => void;
    const result = new Promise<CommandResult>((resolve) => (settle = resolve));
    const end = (value: CommandResult): void => {
      streams.stdout.end();
      streams.stderr.end();
      settle(value);
    };
    if (command === 'fail')
      end({
        status: 'Failure',
        message: 'error executing command in container: no such container',
      });
    else if (command !== 'size') {
      const child = spawn(command, words, { cwd: this.workDirectory });
      child.stdout.on('data', (bytes: Buffer) => void streams.stdout.write(Uint8Array.from(bytes)));
      child.stderr.on('data', (bytes: Buffer) => void streams.stderr.write(Uint8Array.from(bytes)));
      child.stdin.on('error', () => undefined);
      child.on('close', (code) =>
        end(
          code === 0
            ? { status: 'Success' }
            : {
                status: 'NonZeroExitCode',
                exitCode: code ?? 137,
                message: `command terminated with non-zero exit code: exit status ${code}`,
              },
        ),
      );
      void (async () => {
        if (streams.session.stdin)
          for (let bytes = await streams.stdin.read(); bytes; bytes = await streams.stdin.read())
            child.stdin.write(bytes);
        child.stdin.end();
      })();
    }
    return {
      ...streams.session,
      result,
      resize: (columns, rows) => {
        if (command !== 'size') return;
        void streams.stdout.write(utf8(`${columns}x${rows}\r\n`));
        end({ status: 'Success' });
      },
      close: () => this.closedSessions.push('exec'),
    };
  }

  #attach(query: URLSearchParams): CommandSession {
    const streams = openStreams(query);
    const result = (async (): Promise<CommandResult> => {
      await streams.stdout.write(utf8('attached\n'));
      if (streams.session.stdin)
        for (let bytes = await streams.stdin.read(); bytes; bytes = await streams.stdin.read())
          await streams.stdout.write(utf8(fromUtf8(bytes).toUpperCase()));
      streams.stdout.end();
      streams.stderr.end();
      return { status: 'Success' };
    })();
    const close = (): void => void this.closedSessions.push('attach');
    return { ...streams.session, result, resize: () => undefined, close };
  }

  #portForward(): PortForwardSession {
    return {
      kind: 'port-forward',
      close: () => this.closedSessions.push('port-forward'),
      open: async (port) => {
        if (port === 9) throw new Error('error forwarding port 9 to pod web: connection refused');
        const input = new BytePipe();
        const output = new BytePipe();
        void (async () => {
          let text = '';
          while (!text.includes('\r\n\r\n')) {
            const bytes = await output.read();
            if (!bytes) return;
            text += fromUtf8(bytes);
          }
          const body = `port ${port} `.repeat(30_000);
          await input.write(
            utf8(
              `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
            ),
          );
          input.end();
        })();
        return { input, output, close: () => undefined };
      },
    };
  }
}

function openStreams(query: URLSearchParams) {
  const stdin = new BytePipe();
  const stdout = new BytePipe();
  const stderr = new BytePipe();
  const has = (name: string): boolean => query.get(name) === 'true';
  const session = {
    kind: 'command' as const,
    tty: has('tty'),
    ...(has('stdin') ? { stdin } : {}),
    ...(has('stdout') ? { stdout } : {}),
    ...(has('stderr') && !has('tty') ? { stderr } : {}),
  };
  return { stdin, stdout, stderr, session };
}

export function respond(body: ResponseBody, more: Partial<ApiResponse> = {}): ApiResponse {
  return { status: 200, headers: { 'content-type': 'application/json' }, body, ...more };
}

export function json(status: number, object: object): ApiResponse {
  return respond({ kind: 'object', object, encode: () => [JSON.stringify(object)] }, { status });
}

const session = (value: CommandSession | PortForwardSession): ApiResponse =>
  respond({ kind: 'session', session: value });
