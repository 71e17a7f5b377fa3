import { Worker } from 'node:worker_threads';
import type { Disposable, Logger, LogLevel } from '#core/base';
import type { Engine, EngineEventName, EngineEvents } from '#core/app';
import { connect, type Link } from './thread-link.ts';

/** What the thread is told when it starts. */
export interface EngineThreadData {
  /** Folder of cluster files and kubeconfigs. */
  readonly dataFolder: string;
  /** Descriptions of API fields, a build product; absent: `explain` has none. */
  readonly descriptionsFile?: string;
}

export interface ThreadLogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Events of the thread itself beside the engine's. */
export type ThreadEvents = EngineEvents & { readonly log: ThreadLogLine };

export interface EngineThread extends Disposable {
  readonly engine: Engine;
  on<E extends EngineEventName>(name: E, listener: (payload: EngineEvents[E]) => void): void;
  /** Ends the thread after the stores have written what they hold. */
  stop(): Promise<void>;
}

/** The service that runs on the thread: the engine, and how it is stopped. */
export type StoppableEngine = Engine & { stop(): Promise<void> };

/**
 * A third of V8's choice. New space is kept once it has grown: with 48 MiB a cluster that rolled out a thousand pods
 * weighs 150 MiB more, and is no sooner done.
 */
const maxYoungGenerationSizeMb = 12;

/** Starts the engine on a thread of its own, so that no rollout ever keeps the app waiting. */
export function startEngineThread(
  workerFile: string | URL,
  data: EngineThreadData,
  logger: Logger,
): EngineThread {
  const worker = new Worker(workerFile, {
    workerData: data,
    name: 'engine',
    resourceLimits: { maxYoungGenerationSizeMb },
  });
  const link: Link<StoppableEngine, ThreadEvents> = connect(worker);
  link.on('log', ({ level, message, fields }) => logger.log(level, message, fields));
  worker.on('error', (thrown: unknown) => {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    logger.log('error', 'the engine thread failed', { error: error.stack });
    link.fail(error);
  });
  worker.on('exit', (code) => link.fail(new Error(`the engine thread ended with code ${code}`)));
  return {
    engine: link.service,
    on: (name, listener) => link.on(name, listener),
    stop: async () => {
      await link.service.stop();
      await worker.terminate();
    },
    dispose: () => void worker.terminate(),
  };
}
