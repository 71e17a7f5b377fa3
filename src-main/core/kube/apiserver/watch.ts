import { type Disposable, DisposableStore } from '#core/base';
import { encodeWatchFrame, protobufWatchContentType } from '../apis/index.ts';
import {
  type ApiResponse,
  expired,
  type KubeObject,
  statusOf,
  type WatchEvent,
  type WatchEventType,
  type WatchStream,
} from '../machinery/index.ts';
import { CompactedError, prefixEnd, type StoreEvent } from '../storage/index.ts';
import type { Call } from './call.ts';
import type { Served } from './catalog.ts';
import {
  exactVersion,
  isSelected,
  type ListOptions,
  listOptionsOf,
  triggerOf,
} from './list-options.ts';
import { jsonText } from './json-text.ts';
import { notStreamable, type OutputForm } from './negotiation.ts';
import { warningHeaders } from './read.ts';
import { type StoredObject, storedForm } from './stored-object.ts';
import { type IncludeObject, includeObjectOf, partialMetadata, tableOf } from './table.ts';

const minTimeoutSeconds = 1800;
const bookmarkEveryMs = 60_000;
const bookmarkBeforeEndMs = 2000;
/** A year: who asks for more has no use for it. */
const longestMs = 365 * 86_400_000;
const initialEventsEnd = 'k8s.io/initial-events-end';

/** An event of a stored object, one for all watchers that want it in the same form: its JSON is made once. */
class SharedEvent implements WatchEvent {
  readonly type: WatchEventType;
  readonly object: object;
  /** Where the object has its JSON already. */
  readonly #source: StoredObject | undefined;
  #line: string | undefined;

  constructor(type: WatchEventType, object: object, source?: StoredObject) {
    this.type = type;
    this.object = object;
    this.#source = source;
  }

  line(): string {
    return (this.#line ??= lineText(this.type, this.#source?.json() ?? jsonText(this.object)));
  }
}

/** Events made lately, by object and form: all watchers are told of one within a few steps. */
const recent = new Map<StoredObject, Map<string, SharedEvent>>();
const mostRecent = 256;

function recentEvents(stored: StoredObject): Map<string, SharedEvent> {
  let events = recent.get(stored);
  if (!events) {
    for (const oldest of recent.keys()) {
      if (recent.size < mostRecent) break;
      recent.delete(oldest);
    }
    recent.set(stored, (events = new Map<string, SharedEvent>()));
  }
  return events;
}

/** The last state of a deleted object, with the revision of its deletion. */
const deletedStates = new WeakMap<StoreEvent<StoredObject>, StoredObject>();

const lineText = (type: WatchEventType, json: string): string =>
  `{"type":"${type}","object":${json}}\n`;

function lineOf(event: WatchEvent): string {
  return event instanceof SharedEvent ? event.line() : lineText(event.type, jsonText(event.object));
}

function frameOf({ type, object }: WatchEvent): Uint8Array {
  return encodeWatchFrame(type, object as Record<string, unknown>);
}

/** Answers a watch. */
export function handleWatch(call: Call): ApiResponse {
  const { served, info, form } = call;
  const options = listOptionsOf(served, info, true);
  const start = Number(exactVersion(options.resourceVersion));
  const include = includeObjectOf(info.query.get('includeObject'));
  const { store } = call.context.options;
  if (form.media === 'yaml') throw notStreamable();
  const isBinary = form.media === 'protobuf';
  const stream: WatchStream = {
    contentType: isBinary ? protobufWatchContentType : 'application/json',
    start: (onEvent, onEnd) => new Watch(call, options, start, include, onEvent, onEnd),
    encode: isBinary ? frameOf : lineOf,
    durable: (event) => {
      const version = (event.object as { metadata?: { resourceVersion?: string } }).metadata
        ?.resourceVersion;
      return version === undefined ? Promise.resolve() : store.durable(Number(version));
    },
  };
  return {
    status: 200,
    headers: {
      ...warningHeaders(call.warnings),
      'content-type': stream.contentType,
      'cache-control': 'no-cache, private',
    },
    body: { kind: 'watch', watch: stream },
  };
}

class Watch implements Disposable {
  readonly #call: Call;
  readonly #options: ListOptions;
  readonly #include: IncludeObject;
  readonly #onEvent: (event: WatchEvent) => void;
  readonly #onEnd: () => void;
  readonly #held = new DisposableStore();
  readonly #deadlineMs: number;
  #nextBookmark: Disposable | undefined;
  #ended = false;
  #first = true;
  /** Set while views of custom resources are worked out, so that events stay in order. */
  #tail: Promise<void> | undefined;

  constructor(
    call: Call,
    options: ListOptions,
    startRevision: number,
    include: IncludeObject,
    onEvent: (event: WatchEvent) => void,
    onEnd: () => void,
  ) {
    this.#call = call;
    this.#options = options;
    this.#include = include;
    this.#onEvent = onEvent;
    this.#onEnd = onEnd;
    const { clock, random } = call.context.options;
    const seconds = options.timeoutSeconds || minTimeoutSeconds * (1 + random.next());
    const timeoutMs = Math.min(Math.max(seconds, 0) * 1000, longestMs);
    this.#deadlineMs = clock.now() + timeoutMs;
    this.#held.add(clock.setTimer(timeoutMs, () => this.#end(), { background: true }));
    if (options.bookmarks) this.#scheduleBookmark();
    this.#begin(startRevision);
  }

  dispose(): void {
    this.#ended = true;
    this.#nextBookmark?.dispose();
    this.#held.dispose();
  }

  #end(): void {
    if (this.#ended) return;
    this.dispose();
    this.#onEnd();
  }

  #begin(startRevision: number): void {
    const { context, served, info } = this.#call;
    const { store } = context.options;
    const namespace = served.info.namespaced ? info.namespace : '';
    const prefix = namespace === '' ? served.prefix : `${served.prefix}${namespace}/`;
    const initial = this.#options.sendInitialEvents ?? startRevision === 0;
    let from = startRevision;
    if (initial || startRevision === 0) {
      const range = store.range(prefix, prefixEnd(prefix));
      from = range.revision;
      if (initial) for (const { value } of range.kvs) this.#added(value);
      if (this.#options.sendInitialEvents && this.#options.bookmarks)
        this.#inOrder(() => this.#bookmark(from, { [initialEventsEnd]: 'true' }));
    }
    try {
      this.#held.add(
        context.hub.watch(prefix, from, {
          trigger: triggerOf(served, this.#options),
          onEvent: (event) => this.#take(event),
          onEnd: () => this.#end(),
        }),
      );
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      const status = statusOf(
        expired(`too old resource version: ${startRevision} (${store.compactedRevision})`),
      );
      this.#send({ type: 'ERROR', object: status });
      this.#end();
    }
  }

  /** Once a minute, and shortly before the end. @see storage/cacher/cache_watcher.go, nextBookmarkTime */
  #scheduleBookmark(): void {
    const { clock, store } = this.#call.context.options;
    const lastMs = this.#deadlineMs - bookmarkBeforeEndMs - clock.now();
    this.#nextBookmark = clock.setTimer(
      lastMs > 0 ? Math.min(bookmarkEveryMs, lastMs) : bookmarkEveryMs,
      () => {
        if (this.#ended) return;
        this.#inOrder(() => this.#bookmark(store.revision, undefined));
        this.#scheduleBookmark();
      },
      { background: true },
    );
  }

  #bookmark(revision: number, annotations: Readonly<Record<string, string>> | undefined): void {
    const { served, form, context } = this.#call;
    const metadata = { resourceVersion: String(revision), ...(annotations ? { annotations } : {}) };
    const object = emptyOf(served, metadata);
    if (form.as === 'Table') {
      const { clock } = context.options;
      const meta = { resourceVersion: String(revision) };
      const times = { nowMs: clock.now() };
      // The marks are in the row's metadata, which is told whatever the client wants of objects.
      const include = this.#include === 'None' && !annotations ? 'None' : 'Metadata';
      const first = this.#first;
      this.#first = false;
      this.#send({
        type: 'BOOKMARK',
        object: tableOf(served, [object], meta, form.version, include, times, first).object,
      });
    } else if (form.as !== undefined)
      this.#send({ type: 'BOOKMARK', object: partialMetadata(served, object, form.version) });
    else this.#send({ type: 'BOOKMARK', object });
  }

  /** Runs after whatever is still being worked out. */
  #inOrder(step: () => void | Promise<void>): void {
    const result = this.#tail ? this.#tail.then(step) : step();
    if (!result) return;
    const tail = result.then(
      () => {
        if (this.#tail === tail) this.#tail = undefined;
      },
      // An object that cannot be shown in the asked version: what comes after it cannot be told either.
      (error: unknown) => {
        this.#send({ type: 'ERROR', object: statusOf(error) });
        this.#end();
      },
    );
    this.#tail = tail;
  }

  #view(stored: StoredObject): StoredObject | Promise<StoredObject> {
    return this.#call.context.catalog.view(stored, this.#call.served);
  }

  #added(stored: StoredObject): void {
    this.#inOrder(() => {
      const view = this.#view(stored);
      const deliver = (object: StoredObject): void => {
        if (isSelected(this.#call.served, this.#options, object.object))
          this.#deliver('ADDED', object);
      };
      if (view instanceof Promise) return view.then(deliver);
      deliver(view);
    });
  }

  #take(event: StoreEvent<StoredObject>): void {
    if (this.#tail || this.#call.served.custom) {
      this.#inOrder(() => this.#takeViews(event));
      return;
    }
    // Nothing to wait for: the way of all events of built-in kinds.
    void this.#takeViews(event);
  }

  #takeViews(event: StoreEvent<StoredObject>): void | Promise<void> {
    const now = event.kv && this.#view(event.kv.value);
    const before = event.previous && this.#view(event.previous.value);
    if (now instanceof Promise || before instanceof Promise)
      return Promise.all([now, before]).then(([a, b]) => this.#transition(event, a, b));
    this.#transition(event, now, before);
  }

  #transition(
    event: StoreEvent<StoredObject>,
    now: StoredObject | undefined,
    before: StoredObject | undefined,
  ): void {
    const { served } = this.#call;
    const isIn = now !== undefined && isSelected(served, this.#options, now.object);
    const wasIn = before !== undefined && isSelected(served, this.#options, before.object);
    if (isIn && now) this.#deliver(wasIn ? 'MODIFIED' : 'ADDED', now);
    else if (wasIn && before) {
      let last = before === event.previous?.value ? deletedStates.get(event) : undefined;
      if (!last) {
        const { object } = before;
        last = storedForm(served, {
          ...object,
          metadata: { ...object.metadata, resourceVersion: String(event.revision) },
        });
        if (before === event.previous?.value) deletedStates.set(event, last);
      }
      this.#deliver('DELETED', last);
    }
  }

  #deliver(type: WatchEventType, stored: StoredObject): void {
    const { form } = this.#call;
    // One object is no list: upstream has nothing to send.
    if (form.as === 'PartialObjectMetadataList') return;
    const key = eventKey(type, form, this.#include, this.#first, this.#call.served.groupVersion);
    this.#first = false;
    const events = recentEvents(stored);
    let event = events.get(key);
    if (!event) {
      const object = this.#form(stored, form, key.endsWith('first'));
      event = new SharedEvent(type, object, form.as === undefined ? stored : undefined);
      // Tables show ages: they are not kept.
      if (form.as !== 'Table') events.set(key, event);
    }
    this.#send(event);
  }

  #form(stored: StoredObject, form: OutputForm, withColumns: boolean): object {
    const { object } = stored;
    const { served } = this.#call;
    if (form.as === 'Table')
      return tableOf(
        served,
        [object],
        { resourceVersion: object.metadata.resourceVersion ?? '' },
        form.version,
        this.#include,
        { nowMs: this.#call.context.options.clock.now() },
        withColumns,
      ).object;
    return form.as === undefined ? object : partialMetadata(served, object, form.version);
  }

  #send(event: WatchEvent): void {
    if (!this.#ended) this.#onEvent(event);
  }
}

/** A bookmark's object: its kind with metadata and nothing else. */
function emptyOf(served: Served, metadata: KubeObject['metadata']): KubeObject {
  const { kind } = served.info;
  const apiVersion = served.groupVersion;
  return served.custom ? { apiVersion, kind, metadata } : { kind, apiVersion, metadata };
}

function eventKey(
  type: WatchEventType,
  form: OutputForm,
  include: IncludeObject,
  first: boolean,
  groupVersion: string,
): string {
  if (form.as === undefined) return `${type} ${groupVersion}`;
  return `${type} ${groupVersion} ${form.as} ${form.version} ${include} ${first ? 'first' : 'rest'}`;
}
