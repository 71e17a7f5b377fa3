import { BytePipe, utf8 } from '#core/base';
import type { CommandSession } from '#core/kube';
import type { WebSocket } from 'ws';
import { closeNormally, closeOf, onMessages, sendMessage } from './byte-channel.ts';
import { serveCommand, statusText } from './command-streams.ts';

/** First byte of each message. @see k8s.io/apimachinery/pkg/util/remotecommand */
const channelOf = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/**
 * kubectl reads its first messages before it has made the streams they belong to, and drops those ("Unknown
 * stream id 1, discarding message"). Behind a real API server the way to the kubelet gives it this time.
 */
const settleMs = 30;

/** Serves exec or attach over `v4.channel.k8s.io` or `v5.channel.k8s.io`. */
export async function serveWebSocketCommand(
  socket: WebSocket,
  session: CommandSession,
): Promise<void> {
  const stdin = new BytePipe();
  const resize = new BytePipe();
  const closed = closeOf(socket);
  void closed.then(() => {
    stdin.end();
    resize.end();
  });
  void onMessages(socket, async (message) => {
    const payload = message.subarray(1);
    if (message[0] === channelOf.stdin) await stdin.write(payload);
    else if (message[0] === channelOf.resize) await resize.write(payload);
    // v5 alone can end one stream and leave the others open.
    else if (message[0] === channelOf.close && payload[0] === channelOf.stdin) stdin.end();
  });
  const send = (channel: number, bytes: Uint8Array): Promise<void> =>
    sendMessage(socket, Buffer.concat([Buffer.of(channel), bytes]));
  const output = (channel: number) => ({
    write: (bytes: Uint8Array) => send(channel, bytes),
    end: () => undefined,
  });
  await Promise.race([new Promise((resolve) => setTimeout(resolve, settleMs)), closed]);
  // An empty message tells the client that the connection stands, before there is any output.
  const first = session.stdout
    ? channelOf.stdout
    : session.stderr
      ? channelOf.stderr
      : channelOf.error;
  await send(first, new Uint8Array());
  await serveCommand(session, {
    stdin,
    resize,
    stdout: output(channelOf.stdout),
    stderr: output(channelOf.stderr),
    finish: (result) => send(channelOf.error, utf8(statusText(result))),
    close: () => closeNormally(socket),
    closed,
  });
}
