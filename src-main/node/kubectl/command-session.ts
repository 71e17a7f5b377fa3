import { WebSocket } from 'ws';
import { BytePipe, utf8 } from '#core/base';
import type { ApiRequest, ApiResponse, CommandResult, CommandSession } from '#core/kube';
import { onMessages, sendMessage } from '#node/https';
import { connectionError } from './connection-errors.ts';
import { answerOf, pathOf, type Server } from './server.ts';

/** First byte of each message. @see k8s.io/apimachinery/pkg/util/remotecommand */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const protocol = 'v5.channel.k8s.io';

/** Opens exec or attach over a WebSocket. A refusal is an ordinary answer. */
export function openCommand(server: Server, request: ApiRequest): Promise<ApiResponse> {
  return new Promise((resolve, reject) => {
    const scheme = server.url.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(
      `${scheme}://${server.url.host}${pathOf(server, request)}`,
      [protocol],
      { ...server.tls, headers: server.headers(request), perMessageDeflate: false },
    );
    socket.binaryType = 'nodebuffer';
    // Bytes may come with the handshake's answer: they must find somebody listening.
    const query = new URLSearchParams(request.url.split('?')[1] ?? '');
    const session = sessionOver(socket, query);
    socket.once('open', () =>
      resolve({ status: 101, headers: {}, body: { kind: 'session', session } }),
    );
    socket.once('unexpected-response', (_, incoming) => {
      answerOf(incoming, request).then(resolve, reject);
    });
    socket.on('error', (error) => reject(connectionError(error, server.url)));
    request.signal?.addEventListener('abort', () => socket.terminate(), { once: true });
  });
}

function sessionOver(socket: WebSocket, query: URLSearchParams): CommandSession {
  const wants = (name: string): boolean => query.get(name) === 'true';
  const outputs = new Map<number, BytePipe>([
    [channels.stdout, new BytePipe()],
    [channels.stderr, new BytePipe()],
  ]);
  let status = '';
  const taken = onMessages(socket, async (message) => {
    const payload = message.subarray(1);
    if (message[0] === channels.error) status += payload.toString('utf8');
    await outputs.get(message[0] ?? -1)?.write(new Uint8Array(payload));
  });
  const result = taken.then(() => {
    for (const output of outputs.values()) output.end();
    return resultOf(status);
  });
  const send = (channel: number, bytes: Uint8Array): Promise<void> =>
    sendMessage(socket, Buffer.concat([Buffer.of(channel), bytes]));
  const [stdout, stderr] = [outputs.get(channels.stdout), outputs.get(channels.stderr)];
  return {
    kind: 'command',
    tty: wants('tty'),
    ...(wants('stdin')
      ? {
          stdin: {
            write: (bytes) => send(channels.stdin, bytes),
            end: () => void send(channels.close, Buffer.of(channels.stdin)),
          },
        }
      : {}),
    ...(stdout && wants('stdout') ? { stdout } : {}),
    ...(stderr && wants('stderr') ? { stderr } : {}),
    resize: (columns, rows) =>
      void send(channels.resize, utf8(JSON.stringify({ Width: columns, Height: rows }))),
    result,
    close: () => socket.terminate(),
  };
}

interface ErrorStatus {
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly causes?: readonly { readonly reason?: string; readonly message?: string }[];
  };
}

/** @see k8s.io/client-go/tools/remotecommand/v4.go, errorDecoderV4 */
function resultOf(text: string): CommandResult {
  if (text === '')
    return { status: 'Failure', message: 'the connection was lost before the command ended' };
  const status = JSON.parse(text) as ErrorStatus;
  if (status.status === 'Success') return { status: 'Success' };
  const { message = '' } = status;
  if (status.reason !== 'NonZeroExitCode') return { status: 'Failure', message };
  const code = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
  return { status: 'NonZeroExitCode', exitCode: Number(code ?? 1), message };
}
