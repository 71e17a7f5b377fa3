import type { ServerResponse } from 'node:http';
import type { ApiResponse, WatchEvent, WatchStream } from '#core/kube';

/** Unsent bytes at which a watcher counts as too slow and is closed; it can resume where it was. */
const behindLimit = 8 * 1024 * 1024;

/**
 * Writes a watch as lines of JSON or frames. Events of one turn go in one write, once the last of them is on disk. A slow
 * watcher is closed, never waited for.
 *
 * @see k8s.io/apiserver/pkg/storage/cacher/cache_watcher.go, "close due to unresponsiveness"
 */
export function writeWatch(
  response: ServerResponse,
  { status, headers }: ApiResponse,
  watch: WatchStream,
): void {
  response.writeHead(status, { ...headers, 'content-type': watch.contentType });
  response.flushHeaders();
  let pieces: (string | Uint8Array)[] = [];
  let waitingLength = 0;
  let last: WatchEvent | undefined;
  let isWriting = false;
  let hasEnded = false;

  const flush = async (): Promise<void> => {
    isWriting = true;
    // One turn, so that a burst becomes one write.
    await new Promise((resolve) => setImmediate(resolve));
    while (last && !response.destroyed) {
      const bytes = joined(pieces);
      const newest = last;
      pieces = [];
      last = undefined;
      await watch.durable?.(newest);
      waitingLength -= bytes.length;
      response.write(bytes);
    }
    isWriting = false;
    if (hasEnded) response.end();
  };
  const schedule = (): void => {
    // A store that lost its disk can show nothing more; the client must come again.
    if (!isWriting) flush().catch(() => response.destroy());
  };
  const subscription = watch.start(
    (event) => {
      const piece = watch.encode(event);
      pieces.push(piece);
      waitingLength += piece.length;
      last = event;
      if (waitingLength + response.writableLength > behindLimit) response.destroy();
      else schedule();
    },
    () => {
      hasEnded = true;
      schedule();
    },
  );
  response.on('close', () => subscription.dispose());
  if (response.destroyed) subscription.dispose();
}

function joined(pieces: readonly (string | Uint8Array)[]): string | Uint8Array {
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('');
  return Buffer.concat(
    pieces.map((piece) => (typeof piece === 'string' ? Buffer.from(piece) : piece)),
  );
}
