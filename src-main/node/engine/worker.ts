import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { Logger } from '#core/base';
import { descriptionsOf } from '#core/kube';
import { createPki } from '#node/pki';
import { EngineService } from './engine-service.ts';
import type { EngineThreadData, ThreadEvents } from './engine-thread.ts';
import { expose } from './thread-link.ts';

// The engine's thread: made by engine-thread.ts, ends with `stop`.
const port = parentPort;
if (!port) throw new Error('the engine worker runs on a thread of its own');
const data = workerData as EngineThreadData;

const emit: {
  current?: <E extends keyof ThreadEvents>(name: E, payload: ThreadEvents[E]) => void;
} = {};
const logger: Logger = {
  log: (level, message, fields) =>
    emit.current?.('log', { level, message, ...(fields ? { fields: plain(fields) } : {}) }),
};

/** What can cross to another thread: an error becomes its text. */
function plain(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error ? (value.stack ?? value.message) : value,
    ]),
  );
}

const service = new EngineService({
  dataFolder: data.dataFolder,
  pki: await createPki(),
  logger,
  ...(data.descriptionsFile === undefined
    ? {}
    : {
        descriptions: descriptionsOf(
          JSON.parse(readFileSync(data.descriptionsFile, 'utf8')) as Parameters<
            typeof descriptionsOf
          >[0],
        ),
      }),
  emit: (name, payload) => emit.current?.(name, payload as never),
});
emit.current = expose<EngineService, ThreadEvents>(port, service);
port.postMessage({ kind: 'event', name: 'started', payload: null });
