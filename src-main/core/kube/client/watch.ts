import type { Disposable } from '#core/base';
import { type ApiResponse, failure, StatusError, type WatchEvent } from '../machinery/index.ts';
import { isStatus } from './response.ts';

/**
 * Delivers the events of a watch answer: from within the process as objects, from elsewhere as JSON lines.
 * An ERROR event ends the watch with its StatusError.
 */
export function startWatch<T>(
  response: ApiResponse,
  onEvent: (event: WatchEvent<T>) => void,
  onEnd: (error?: Error) => void,
  abort: AbortController,
): Disposable {
  let ended = false;
  let stop: () => void = () => undefined;
  const end = (error?: Error): void => {
    if (ended) return;
    ended = true;
    stop();
    onEnd(error);
  };
  const deliver = (event: WatchEvent<unknown>): void => {
    if (ended) return;
    if (event.type === 'ERROR')
      end(
        isStatus(event.object)
          ? new StatusError(event.object)
          : failure(500, 'InternalError', 'watch error without a Status'),
      );
    else onEvent(event as WatchEvent<T>);
  };

  const { body } = response;
  if (body.kind === 'watch') {
    const running = body.watch.start(deliver, () => end());
    stop = () => running.dispose();
    if (ended) running.dispose();
  } else if (body.kind === 'source') {
    stop = () => body.close();
    readLines(body.source, (line) => deliver(JSON.parse(line) as WatchEvent<unknown>)).then(
      () => end(),
      (error: unknown) => end(error instanceof Error ? error : new Error(String(error))),
    );
  } else {
    throw failure(500, 'InternalError', `a watch was answered with ${body.kind}`);
  }
  return {
    dispose: () => {
      if (ended) return;
      ended = true;
      stop();
      abort.abort(new Error('watch stopped'));
    },
  };
}

async function readLines(
  source: { read(): Promise<Uint8Array | undefined> },
  onLine: (line: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for (let bytes = await source.read(); bytes; bytes = await source.read()) {
    rest += decoder.decode(bytes, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') onLine(line);
  }
  if (rest.trim() !== '') onLine(rest);
}
