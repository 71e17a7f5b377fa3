import { utf8 } from '#core/base';
import type { CommandResult, CommandSession } from '#core/kube';
import type { ByteChannel } from './byte-channel.ts';
import { plainText, serveCommand, statusText } from './command-streams.ts';
import { SpdyConnection, type SpdyStream } from './spdy.ts';

/** How long a client may take to open the streams it asked for. @see DefaultStreamCreationTimeout */
const streamCreationMs = 30_000;

/** Over WebSocket a refusal is wrapped once more on its way; over SPDY the kubelet's own words come through. */
function asTheKubeletSays(result: CommandResult): CommandResult {
  return result.status === 'Failure'
    ? { ...result, message: result.message.replace(/^Internal error occurred: /, '') }
    : result;
}

/** Serves exec or attach over SPDY/3.1. @param protocol v1 (`channel.k8s.io`) to v5. */
export async function serveSpdyCommand(
  channel: ByteChannel,
  session: CommandSession,
  protocol: string,
): Promise<void> {
  const version = Number(/^v(\d)\./.exec(protocol)?.[1] ?? 1);
  const wanted = new Set(['error']);
  if (session.stdin) wanted.add('stdin');
  if (session.stdout) wanted.add('stdout');
  if (session.stderr) wanted.add('stderr');
  if (session.tty && version >= 3) wanted.add('resize');
  const streams = new Map<string, SpdyStream>();
  let complete: () => void;
  const ready = new Promise<void>((resolve) => (complete = resolve));
  const connection = new SpdyConnection(channel, (stream) => {
    streams.set(stream.headers.get('streamtype') ?? '', stream);
    if ([...wanted].every((type) => streams.has(type))) complete();
  });
  const running = connection.run();
  const deadline = setTimeout(() => connection.close(), streamCreationMs);
  const isReady = await Promise.race([ready.then(() => true), running.then(() => false)]);
  clearTimeout(deadline);
  if (!isReady) {
    session.close();
    return;
  }
  const error = streams.get('error');
  const stdin = streams.get('stdin')?.input;
  const resize = streams.get('resize')?.input;
  const stdout = streams.get('stdout');
  const stderr = streams.get('stderr');
  await serveCommand(session, {
    ...(stdin ? { stdin } : {}),
    ...(resize ? { resize } : {}),
    ...(stdout ? { stdout } : {}),
    ...(stderr ? { stderr } : {}),
    finish: async (result) => {
      const told = asTheKubeletSays(result);
      const text = version >= 4 ? statusText(told) : plainText(told);
      await error?.write(utf8(text));
      error?.end();
    },
    close: () => connection.close(),
    closed: channel.closed,
  });
}
