import type { ClusterSpec } from './engine-port.ts';

/** Which clusters outlive the program: what to tell the engine again at the next start. */
export interface ClusterRegistry {
  list(): readonly ClusterSpec[];
  /** Adds, or replaces the one of the same id. */
  put(spec: ClusterSpec): void;
  remove(clusterId: string): void;
}
