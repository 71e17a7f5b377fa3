import type { DeepReadonly, Disposable } from '#core/base';
import type {
  KubeObject,
  LabelSelector,
  ObjectKey,
  ObjectMeta,
  WatchEvent,
} from '../machinery/index.ts';

export interface ListOptions {
  /** Absent: all namespaces of a namespaced resource. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
}

export interface ObjectList<T> {
  /** Shared with every reader: never to be changed. */
  readonly items: readonly DeepReadonly<T>[];
  readonly resourceVersion: string;
  readonly continue?: string;
}

export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly allowBookmarks?: boolean;
  /** Seconds after which the server ends the watch. */
  readonly timeoutSeconds?: number;
  /** Begins with ADDED events of what exists, then a bookmark annotated `k8s.io/initial-events-end`. */
  readonly sendInitialEvents?: boolean;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export type PatchType = 'merge' | 'strategic' | 'json' | 'apply';

export interface PatchOptions {
  readonly subresource?: string;
  readonly fieldManager?: string;
  readonly force?: boolean;
}

/** A served resource as a path names it: group (empty for core), version, plural. */
export interface ResourceAddress {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** Typed verbs on one resource. Every failure of the API is a StatusError; no answer is a ConnectionError. */
export interface ResourceClient<T> {
  get(namespace: string | undefined, name: string): Promise<DeepReadonly<T>>;
  list(options?: ListOptions): Promise<ObjectList<T>>;
  watch(
    options: WatchOptions,
    onEvent: (event: WatchEvent<DeepReadonly<T>>) => void,
    onEnd: (error?: Error) => void,
  ): Promise<Disposable>;
  create(object: T): Promise<DeepReadonly<T>>;
  update(object: T): Promise<DeepReadonly<T>>;
  updateStatus(object: T): Promise<DeepReadonly<T>>;
  patch(
    namespace: string | undefined,
    name: string,
    type: PatchType,
    patch: object,
    options?: PatchOptions,
  ): Promise<DeepReadonly<T>>;
  delete(namespace: string | undefined, name: string, options?: DeleteOptions): Promise<void>;
  /** Deletes all that match in one request. */
  deleteCollection(options?: ListOptions, deleteOptions?: DeleteOptions): Promise<void>;
  getSubresource(
    namespace: string | undefined,
    name: string,
    subresource: string,
  ): Promise<DeepReadonly<KubeObject>>;
  updateSubresource(
    namespace: string | undefined,
    name: string,
    subresource: string,
    object: object,
  ): Promise<DeepReadonly<KubeObject>>;
  /** POST to a subresource: `binding`, `eviction`, `token` … @returns the answered object. */
  createSubresource(
    namespace: string | undefined,
    name: string,
    subresource: string,
    object: object,
  ): Promise<KubeObject>;
}

/** The read side of an informer's cache. Objects are shared: never change them. */
export interface Lister<T> {
  get(key: ObjectKey): DeepReadonly<T> | undefined;
  /** Absent namespace: all. */
  list(namespace?: string, selector?: LabelSelector): readonly DeepReadonly<T>[];
  /** Objects whose index function `index` gave `value`. */
  byIndex(index: string, value: string): readonly DeepReadonly<T>[];
}

export interface InformerHandler<T> {
  onAdd?(object: DeepReadonly<T>): void;
  onUpdate?(previous: DeepReadonly<T>, object: DeepReadonly<T>): void;
  onDelete?(object: DeepReadonly<T>): void;
}

/**
 * A cache of one resource kept by list and watch, as client-go's SharedIndexInformer: each handler sees every
 * object at least once, changes of one object in order; between objects nothing is promised.
 */
export interface Informer<T> extends Lister<T> {
  addHandler(handler: InformerHandler<T>): Disposable;
  /** Adds an index before or after the start. */
  addIndex(name: string, valuesOf: (object: DeepReadonly<T>) => readonly string[]): void;
  readonly hasSynced: boolean;
  /** Resolves when the first list is in the cache and all handlers have seen it. */
  waitForSync(): Promise<void>;
}

export interface Result {
  /** Reconcile the key again after this many milliseconds on the cluster's clock. */
  readonly requeueAfterMs?: number;
  /** True for a look that repeats for ever: a cluster counts as settled although it waits. */
  readonly background?: boolean;
  /** Reconcile the key again with back-off, without this being an error. */
  readonly requeueRateLimited?: boolean;
}

/** Brings the world nearer to what the object says; reads listers, writes through the client. */
export type Reconcile = (key: ObjectKey) => Promise<Result>;

/** What an event is about. */
export interface ObjectReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly fieldPath?: string;
}

/** An object as events and references see it. */
export interface ObjectLike {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: DeepReadonly<ObjectMeta>;
}

/** Writes core/v1 Events as client-go's recorder does: equal ones are counted, floods are dropped. */
export interface EventRecorder {
  event(
    object: ObjectReference | ObjectLike,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void;
}
