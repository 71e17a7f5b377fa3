import type { CanIAssertion } from './assertion.ts';

/** A Kubernetes object as JSON. */
export type ClusterObject = Readonly<Record<string, unknown>>;

export interface ObjectReference {
  /** `apps/v1`, `v1`. */
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent for cluster-wide kinds. */
  readonly namespace?: string;
  /** Empty for a list. */
  readonly name: string;
}

export type ProbeSource =
  { readonly host: string } | { readonly namespace: string; readonly pod: string };

export type ProbeOutcome =
  | { readonly kind: 'http'; readonly status: number; readonly body: string }
  | { readonly kind: 'open' }
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'error'; readonly error: string };

/** The control plane does not answer, and that is the state the candidate left: the check fails. */
export class ClusterDownError extends Error {
  override readonly name = 'ClusterDownError';
}

/**
 * A cluster as a grader sees it: the embedded one, or a real one. Every method may reject: with ClusterDownError
 * the check fails, with anything else it is ungraded.
 */
export interface GradedCluster {
  /** Undefined when there is no such object, or no such kind. */
  get(reference: ObjectReference): Promise<ClusterObject | undefined>;
  /** Empty when there is no such kind. @param selector of labels, as kubectl's `-l`. */
  list(
    reference: Omit<ObjectReference, 'name'>,
    selector?: string,
  ): Promise<readonly ClusterObject[]>;
  canI(question: CanIAssertion['canI']): Promise<boolean>;
  probe(request: {
    readonly from: ProbeSource;
    readonly kind: 'http' | 'tcp' | 'dns';
    readonly target: string;
    readonly headers?: Readonly<Record<string, string>>;
  }): Promise<ProbeOutcome>;
  /** Null when there is no such file. */
  readFile(host: string, path: string): Promise<string | null>;
  /** Null when there is no such unit. */
  unit(
    host: string,
    name: string,
  ): Promise<{ readonly active: string; readonly enabled: string } | null>;
  /** As root; a command that hangs is killed with exit code 124. */
  run(
    host: string,
    command: string,
  ): Promise<{ readonly exitCode: number; readonly stdout: string; readonly stderr: string }>;
  /** Waits, in the cluster's own time, until nothing but periodic work is due. */
  settle(limitMs: number): Promise<void>;
}

/** A cluster on which a task's start is laid out. */
export interface SeededCluster extends GradedCluster {
  /** Creates the object, or merges it into the one of that name. */
  apply(object: ClusterObject): Promise<void>;
  writeFile(host: string, path: string, content: string, mode?: number): Promise<void>;
  /** Lets simulated time pass. */
  advance(milliseconds: number): Promise<void>;
}
