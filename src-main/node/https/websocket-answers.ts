import type { ByteSource } from '#core/base';
import type { WatchEvent, WatchStream } from '#core/kube';
import type { WebSocket } from 'ws';
import { closeNormally, closeOf, sendMessage, sendText } from './byte-channel.ts';

/** Each message is what was read. @see k8s.io/streaming/pkg/httpstream/wsstream, Reader */
export const readerProtocols = ['binary.k8s.io', 'base64.binary.k8s.io'];

/** Sends a log, after an empty message that tells that the connection stands. */
export async function sendSource(
  socket: WebSocket,
  source: ByteSource,
  protocol: string,
): Promise<void> {
  let isOpen = true;
  void closeOf(socket).then(() => (isOpen = false));
  const send = (bytes: Uint8Array): Promise<void> =>
    protocol.startsWith('base64')
      ? sendText(socket, Buffer.from(bytes).toString('base64'))
      : sendMessage(socket, bytes);
  await send(new Uint8Array());
  for (let bytes = await source.read(); bytes && isOpen; bytes = await source.read())
    await send(bytes);
  closeNormally(socket);
}

/** Sends each event as a message, once it is on disk. @see k8s.io/apiserver/pkg/endpoints/handlers/watch.go, HandleWS */
export function sendWatch(socket: WebSocket, watch: WatchStream): Promise<void> {
  let sending = Promise.resolve();
  const send = async (event: WatchEvent): Promise<void> => {
    await watch.durable?.(event);
    const piece = watch.encode(event);
    if (typeof piece === 'string') await sendText(socket, piece);
    else await sendMessage(socket, piece);
  };
  const subscription = watch.start(
    (event) => {
      // A store that lost its disk can show nothing more; the client must come again.
      sending = sending.then(() => send(event)).catch(() => socket.terminate());
    },
    () => void sending.then(() => closeNormally(socket)),
  );
  return closeOf(socket).then(() => subscription.dispose());
}
