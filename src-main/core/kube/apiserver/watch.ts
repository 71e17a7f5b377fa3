import { type Disposable, DisposableStore } from '#core/base';
import { encodeWatchFrame, hasProtobuf, protobufWatchContentType } from '../apis/index.ts';
import {
  type ApiResponse,
  expired,
  failure,
  type Status,
  statusOf,
  type WatchEvent,
  type WatchEventType,
  type WatchStream,
} from '../machinery/index.ts';
import { CompactedError, prefixEnd, type StoreEvent } from '../storage/index.ts';
import type { Call } from './call.ts';
import {
  isSelected,
  type ListOptions,
  listOptionsOf,
  parseResourceVersion,
} from './list-options.ts';
import { objectResponse, type OutputForm } from './negotiation.ts';
import { tooLarge, warningHeaders } from './read.ts';
import { StoredObject } from './stored-object.ts';
import { type IncludeObject, includeObjectOf, partialMetadata, tableOf } from './table.ts';

const minTimeoutSeconds = 1800;
const bookmarkEveryMs = 60_000;
const initialEventsEnd = 'k8s.io/initial-events-end';

/** The JSON of events, made once for all watchers that share the event. */
const lines = new WeakMap<WatchEvent, string>();
/** Events made of a stored object, by type and form. */
const shared = new WeakMap<StoredObject, Map<string, WatchEvent>>();
/** The last state of a deleted object, with the revision of its deletion. */
const deletedStates = new WeakMap<StoreEvent<StoredObject>, StoredObject>();

/** Where an event's object has its JSON already. */
const sources = new WeakMap<WatchEvent, StoredObject>();

function lineOf(event: WatchEvent): string {
  let line = lines.get(event);
  if (line === undefined) {
    line = `{"type":"${event.type}","object":${sources.get(event)?.json() ?? JSON.stringify(event.object)}}\n`;
    lines.set(event, line);
  }
  return line;
}

function frameOf({ type, object }: WatchEvent): Uint8Array {
  return encodeWatchFrame(type, object as Record<string, unknown>);
}

/** Answers a watch. */
export function handleWatch(call: Call): ApiResponse {
  const { served, info, form } = call;
  const options = listOptionsOf(served, info.query, true);
  const start = parseResourceVersion(options.resourceVersion);
  const include = includeObjectOf(info.query.get('includeObject'));
  const { store } = call.context.options;
  if (start > store.revision + 1_000_000) throw tooLarge(start, store.revision);
  if (form.media === 'yaml')
    return objectResponse(406, notStreamable(), { media: 'json', pretty: false });
  // Custom kinds have no binary form.
  const isBinary = form.media === 'protobuf' && hasProtobuf(served.groupVersion, served.info.kind);
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
      ...warningHeaders(call),
      'content-type': stream.contentType,
      'cache-control': 'no-cache, private',
    },
    body: { kind: 'watch', watch: stream },
  };
}

function notStreamable(): Status {
  return statusOf(
    failure(
      406,
      'NotAcceptable',
      'only the following media types are accepted: application/json;stream=watch',
      {},
    ),
  );
}

class Watch implements Disposable {
  readonly #call: Call;
  readonly #options: ListOptions;
  readonly #include: IncludeObject;
  readonly #onEvent: (event: WatchEvent) => void;
  readonly #onEnd: () => void;
  readonly #held = new DisposableStore();
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
    const seconds = options.timeoutSeconds ?? minTimeoutSeconds * (1 + random.next());
    this.#held.add(clock.setTimer(seconds * 1000, () => this.#end(), { background: true }));
    if (options.bookmarks) this.#scheduleBookmark();
    this.#begin(startRevision);
  }

  dispose(): void {
    this.#ended = true;
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
      if (this.#options.sendInitialEvents)
        this.#inOrder(() => this.#bookmark(from, { [initialEventsEnd]: 'true' }));
    }
    try {
      this.#held.add(context.hub.watch(prefix, from, { onEvent: (event) => this.#take(event) }));
    } catch (error) {
      if (!(error instanceof CompactedError)) throw error;
      const status = statusOf(
        expired(`too old resource version: ${startRevision} (${store.compactedRevision})`),
      );
      this.#send({ type: 'ERROR', object: status });
      this.#end();
    }
  }

  #scheduleBookmark(): void {
    const { clock, store } = this.#call.context.options;
    this.#held.add(
      clock.setTimer(
        bookmarkEveryMs,
        () => {
          if (this.#ended) return;
          this.#inOrder(() => this.#bookmark(store.revision, undefined));
          this.#scheduleBookmark();
        },
        { background: true },
      ),
    );
  }

  #bookmark(revision: number, annotations: Readonly<Record<string, string>> | undefined): void {
    const { served, form } = this.#call;
    const metadata = { resourceVersion: String(revision), ...(annotations ? { annotations } : {}) };
    const object = { kind: served.info.kind, apiVersion: served.groupVersion, metadata };
    if (form.as === 'Table')
      this.#send({
        type: 'BOOKMARK',
        object: {
          kind: 'Table',
          apiVersion: `meta.k8s.io/${form.version}`,
          metadata: { resourceVersion: String(revision) },
          columnDefinitions: null,
          rows: [{ cells: [], object: partialMetadata(object, form.version) }],
        },
      });
    else if (form.as !== undefined)
      this.#send({ type: 'BOOKMARK', object: partialMetadata(object, form.version) });
    else this.#send({ type: 'BOOKMARK', object });
  }

  /** Runs after whatever is still being worked out. */
  #inOrder(step: () => void | Promise<void>): void {
    if (this.#tail) {
      const tail = this.#tail.then(step).then(() => {
        if (this.#tail === tail) this.#tail = undefined;
      });
      this.#tail = tail;
      return;
    }
    const result = step();
    if (!result) return;
    const tail = result.then(() => {
      if (this.#tail === tail) this.#tail = undefined;
    });
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
        last = new StoredObject({
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
    const key = eventKey(type, form, this.#include, this.#first, this.#call.served.groupVersion);
    this.#first = false;
    let events = shared.get(stored);
    if (!events) shared.set(stored, (events = new Map<string, WatchEvent>()));
    let event = events.get(key);
    if (!event) {
      event = { type, object: this.#form(stored, form, key.endsWith('first')) };
      if (form.as === undefined) sources.set(event, stored);
      // Tables show ages: they are not kept.
      if (form.as !== 'Table') events.set(key, event);
    }
    this.#send(event);
  }

  #form(stored: StoredObject, form: OutputForm, withColumns: boolean): object {
    const { object } = stored;
    if (form.as === 'Table')
      return tableOf(
        this.#call.served,
        [object],
        { resourceVersion: object.metadata.resourceVersion ?? '' },
        form.version,
        this.#include,
        { nowMs: this.#call.context.options.clock.now() },
        withColumns,
      ).object;
    return form.as === undefined ? object : partialMetadata(object, form.version);
  }

  #send(event: WatchEvent): void {
    if (!this.#ended) this.#onEvent(event);
  }
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
