import { BytePipe, utf8 } from '#core/base';
import type { CommandResult, CommandSession } from '#core/kube';
import type { WebSocket } from 'ws';
import { closeNormally, closeOf, onMessages, sendMessage, sendText } from './byte-channel.ts';
import { plainText, serveCommand, statusText } from './command-streams.ts';

/** First byte of each message. @see k8s.io/apimachinery/pkg/util/remotecommand */
const channelOf = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

const digitZero = '0'.charCodeAt(0);

/**
 * kubectl reads its first messages before it has made the streams they belong to, and drops those ("Unknown
 * stream id 1, discarding message"). Behind a real API server the way to the kubelet gives it this time.
 */
const settleMs = 30;

/**
 * Serves exec or attach over WebSocket.
 * @param protocol `v5.channel.k8s.io` … or older; with `base64` messages are text, behind a digit for the channel.
 * @see k8s.io/streaming/pkg/httpstream/wsstream
 */
export async function serveWebSocketCommand(
  socket: WebSocket,
  session: CommandSession,
  protocol: string,
): Promise<void> {
  const isText = protocol.includes('base64');
  const stdin = new BytePipe();
  const resize = new BytePipe();
  const closed = closeOf(socket);
  void closed.then(() => {
    stdin.end();
    resize.end();
  });
  void onMessages(socket, async (message) => {
    const channel = isText ? (message[0] ?? 0) - digitZero : message[0];
    const payload = isText
      ? Buffer.from(message.subarray(1).toString(), 'base64')
      : message.subarray(1);
    if (channel === channelOf.stdin) await stdin.write(payload);
    else if (channel === channelOf.resize) await resize.write(payload);
    // v5 alone can end one stream and leave the others open.
    else if (channel === channelOf.close && payload[0] === channelOf.stdin) stdin.end();
  });
  const send = (channel: number, bytes: Uint8Array): Promise<void> =>
    isText
      ? sendText(socket, `${channel}${Buffer.from(bytes).toString('base64')}`)
      : sendMessage(socket, Buffer.concat([Buffer.of(channel), bytes]));
  const sendResult = async (result: CommandResult): Promise<void> => {
    // Before v4 there was no Status: the message of a failure, and nothing on success.
    const text = /^v[45]/.test(protocol) ? statusText(result) : plainText(result);
    if (text !== '') await send(channelOf.error, utf8(text));
  };
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
    finish: sendResult,
    close: () => closeNormally(socket),
    closed,
  });
}
