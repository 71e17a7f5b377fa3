import { BytePipe } from '#core/base';
import { type Connection, ConnectionError } from '#core/kube';
import { joinHostPort } from './addresses.ts';
import { serveHttp1 } from './http1-server.ts';
import type { Dialed } from './types.ts';

/** The two ends of one byte stream. Closing an end ends what the other reads and refuses what it writes. */
export function connectionPair(): readonly [Connection, Connection] {
  const forward = new BytePipe();
  const backward = new BytePipe();
  const end = (input: BytePipe, output: BytePipe): Connection => ({
    input,
    output,
    close: () => {
      output.end();
      input.close();
    },
  });
  return [end(backward, forward), end(forward, backward)];
}

/**
 * A byte stream to whatever was dialed: an `http` listener is read as HTTP/1.1 from it.
 *
 * @throws ConnectionError ECONNRESET: what listens there does not speak in bytes.
 */
export function openConnection({ listener, peer, destination }: Dialed): Connection {
  const [client, server] = connectionPair();
  if (listener.kind === 'tcp') listener.accept(server, peer);
  else if (listener.kind === 'http') void serveHttp1(server, listener, peer);
  else
    throw new ConnectionError(
      'ECONNRESET',
      `read tcp ${joinHostPort(peer.address, peer.port)}->${joinHostPort(destination.address, destination.port)}: read: connection reset by peer`,
    );
  return client;
}
