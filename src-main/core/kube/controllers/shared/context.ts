import type { Clock, DeepReadonly, Disposable, Logger, Random } from '#core/base';
import { jsonClone } from '#core/base';
import type { EventRecorder, Informers, KubeClient } from '../../client/index.ts';

/** What every controller works with; `client` acts as the controller's own service account. */
export interface ControllerContext {
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly recorder: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A control loop. It begins to work with `start`, when the informers it asked for are under way. */
export interface Controller extends Disposable {
  start(): void;
}

/** A copy of a shared object that may be changed. */
export function mutableCopy<T>(object: DeepReadonly<T>): T {
  return jsonClone(object) as T;
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
