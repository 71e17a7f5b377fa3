import type { Expectations } from '../../client/index.ts';
import type { ObjectKey } from '../../machinery/index.ts';

/** Failures in a row since the last success, by job. */
export interface BackoffRecord {
  readonly failures: number;
  readonly lastFailureMs: number;
}

/** What outlives a single sync: expectations, and what the caches do not show yet. */
export interface JobMemory {
  readonly expectations: Expectations;
  /** Uids of pods whose tracking finalizer was taken off. */
  readonly released: Set<string>;
  readonly backoff: Map<ObjectKey, BackoffRecord>;
  /** Jobs seen to finish, by uid. */
  readonly finished: Set<string>;
}
