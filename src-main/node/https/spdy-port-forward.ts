import { utf8 } from '#core/base';
import type { PortForwardSession } from '#core/kube';
import type { ByteChannel } from './byte-channel.ts';
import { SpdyConnection, type SpdyStream } from './spdy.ts';

/** How long a client may take to open the second stream of a pair. */
const streamCreationMs = 30_000;

interface StreamPair {
  error?: SpdyStream;
  data?: SpdyStream;
  readonly deadline: NodeJS.Timeout;
}

/**
 * Serves port-forward: each forwarded connection is a pair of streams, `error` and `data`.
 * @see k8s.io/cri-streaming/pkg/streaming/portforward/httpstream.go
 */
export async function servePortForward(
  channel: ByteChannel,
  session: PortForwardSession,
): Promise<void> {
  const pairs = new Map<string, StreamPair>();
  const connection = new SpdyConnection(channel, (stream) => {
    const type = stream.headers.get('streamtype');
    const port = Number(stream.headers.get('port'));
    if ((type !== 'error' && type !== 'data') || !(port >= 1 && port <= 65_535)) {
      stream.reset();
      return;
    }
    const id = requestIdOf(stream, type);
    const pair = pairs.get(id) ?? { deadline: setTimeout(() => expire(id), streamCreationMs) };
    pairs.set(id, pair);
    if (pair[type]) {
      void pair.error?.write(
        utf8(`error processing stream for request ${id}: ${type} stream already assigned`),
      );
      return;
    }
    pair[type] = stream;
    if (!pair.error || !pair.data) return;
    clearTimeout(pair.deadline);
    pairs.delete(id);
    void forward(session, port, pair.data, pair.error);
  });
  const expire = (id: string): void => {
    const pair = pairs.get(id);
    pairs.delete(id);
    void pair?.error?.write(utf8(`request ${id} timed out waiting for streams`));
    pair?.error?.end();
    pair?.data?.reset();
  };
  await connection.run();
  for (const { deadline } of pairs.values()) clearTimeout(deadline);
  session.close();
}

/** Clients from before 1.2 send no id; their streams come in pairs of consecutive odd numbers. */
function requestIdOf(stream: SpdyStream, type: 'error' | 'data'): string {
  return stream.headers.get('requestid') ?? String(type === 'error' ? stream.id : stream.id - 2);
}

async function forward(
  session: PortForwardSession,
  port: number,
  data: SpdyStream,
  error: SpdyStream,
): Promise<void> {
  try {
    const target = await session.open(port);
    const inward = (async () => {
      for (let bytes = await data.input.read(); bytes; bytes = await data.input.read())
        await target.output.write(bytes);
      target.output.end();
    })().catch(() => undefined);
    for (let bytes = await target.input.read(); bytes; bytes = await target.input.read())
      await data.write(bytes);
    data.end();
    // The pod closed its side; the client may still be sending, but kubectl waits for the error stream.
    error.end();
    await inward;
    target.close();
  } catch (failure) {
    await error.write(utf8(failure instanceof Error ? failure.message : String(failure)));
    error.end();
    data.reset();
  }
}
