import { type Disposable, fromUtf8, type Random, seededRandom, utf8 } from '#core/base';
import type { ApiRequest, ApiResponse } from '#core/kube';
import { keyOf, type Seen, WatchLog } from './model.ts';
import { mangled, mutated } from './mutate.ts';
import { fixtures, fuzzedKinds, type FuzzedKind } from './objects.ts';
import { drive, type FuzzedServer, settle, startFuzzedServer } from './server.ts';
import {
  accepts,
  binaryTypes,
  contentTypes,
  patchTypes,
  pathParts,
  queryNames,
  queryValues,
} from './words.ts';

/** What a run came to. */
export interface FuzzReport {
  readonly requests: number;
  readonly seconds: number;
  /** Writes the server acknowledged, each read again at its revision. */
  readonly acknowledged: number;
  readonly events: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** What must not be: each as one line, at most a hundred. */
  readonly findings: readonly string[];
}

interface Answer {
  readonly status: number;
  readonly object: Record<string, unknown> | undefined;
  readonly bytes: Uint8Array | undefined;
}

const atOnce = 4;
const mostFindings = 100;

/** Errors of 500 that upstream gives as well. */
const known500 = [
  'resourceVersion should not be set on objects to be created',
  'resourceVersion: Invalid value',
  'invalid key:',
  'content is not a list',
  'failed to create typed patch object',
  'strconv.ParseUint: parsing',
  'unknown patch type: ',
  'does not contain declared merge key',
  'the spec replicas field',
  'failed to create RequestInfo',
];

/**
 * Sends random requests of several clients to an API server in this process. A model holds what it promises: an acknowledged
 * write is there at its revision with its content, watches tell each change once and in order, and nothing fails within.
 *
 * The same seed gives the same requests.
 */
export async function fuzz(seed: string, requests: number): Promise<FuzzReport> {
  const run = new Run(seed, await startFuzzedServer(seed));
  const onError = (error: unknown): void => run.report(`uncaught: ${stackOf(error)}`);
  process.on('uncaughtException', onError).on('unhandledRejection', onError);
  try {
    return await run.start(requests);
  } finally {
    process.off('uncaughtException', onError).off('unhandledRejection', onError);
    run.stop();
  }
}

const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

class Run {
  readonly #server: FuzzedServer;
  readonly #random: Random;
  readonly #findings: string[] = [];
  readonly #byStatus: Record<string, number> = {};
  /** Acknowledged revisions of each watched collection, with the text of the object. */
  readonly #writes = new Map<string, Map<number, string>>();
  readonly #watches = new Map<string, WatchLog>();
  readonly #held: Disposable[] = [];
  #acknowledged = 0;
  #sent = 0;
  #newest = 0;

  constructor(seed: string, server: FuzzedServer) {
    this.#server = server;
    this.#random = seededRandom(seed);
  }

  report(finding: string): void {
    if (this.#findings.length < mostFindings) this.#findings.push(finding.slice(0, 1000));
  }

  stop(): void {
    for (const held of this.#held) held.dispose();
    this.#server.stop();
  }

  async start(requests: number): Promise<FuzzReport> {
    const started = performance.now();
    for (const [path, object] of fixtures) await this.#send(jsonRequest('POST', path, object));
    await drive(this.#server.clock, () => false, 300);
    for (const { path } of fuzzedKinds) {
      this.#writes.set(path, new Map());
      await this.#watch(path, `${path}?watch=1&resourceVersion=0`);
    }
    await this.#watch('', `${fuzzedKinds[0]?.path ?? ''}?watch=1&labelSelector=app%3Dx`);
    while (this.#sent < requests) {
      const batch = Array.from({ length: atOnce }, () => this.#one());
      let pending = batch.length;
      for (const each of batch) void each.finally(() => (pending -= 1));
      if (!(await drive(this.#server.clock, () => pending === 0)))
        this.report(`${pending} requests have no answer: ${this.#open.join(' | ')}`);
      if (this.#findings.length >= mostFindings) break;
    }
    await settle(this.#server.clock);
    await this.#compareWatches();
    for (const line of this.#server.logged) this.report(`logged: ${line}`);
    return {
      requests: this.#sent,
      seconds: (performance.now() - started) / 1000,
      acknowledged: this.#acknowledged,
      events: [...this.#watches.values()].reduce((sum, { events }) => sum + events.length, 0),
      byStatus: this.#byStatus,
      findings: this.#findings,
    };
  }

  #open: string[] = [];

  async #send(request: ApiRequest): Promise<Answer> {
    this.#sent += 1;
    const line = `${request.method} ${request.url}`;
    this.#open.push(line);
    try {
      const response = await this.#server.send(request);
      return this.#answerOf(request, response);
    } catch (error) {
      this.report(`${line} threw ${stackOf(error)}`);
      return { status: 0, object: undefined, bytes: undefined };
    } finally {
      this.#open.splice(this.#open.indexOf(line), 1);
    }
  }

  #answerOf(request: ApiRequest, response: ApiResponse): Answer {
    const { status, body } = response;
    this.#byStatus[status] = (this.#byStatus[status] ?? 0) + 1;
    let bytes: Uint8Array | undefined;
    if (body.kind === 'object') bytes = utf8([...body.encode()].join(''));
    else if (body.kind === 'bytes') ({ bytes } = body);
    else if (body.kind === 'watch')
      body.watch
        .start(
          (event) => void body.watch.encode(event),
          () => undefined,
        )
        .dispose();
    else if (body.kind === 'source') body.close();
    else if (body.kind === 'session') body.session.close();
    const type = response.headers['content-type'] ?? '';
    const text = bytes && type.startsWith('application/json') ? fromUtf8(bytes) : '';
    let object: Record<string, unknown> | undefined;
    try {
      object = text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>);
    } catch {
      this.report(
        `${request.method} ${request.url} answered what is no JSON: ${text.slice(0, 200)}`,
      );
    }
    const told = object?.['message'];
    const message = typeof told === 'string' ? told : bytes ? fromUtf8(bytes).slice(0, 300) : '';
    if (status === 500 && !known500.some((known) => message.includes(known)))
      this.report(`500 ${request.method} ${request.url} ${bodyText(request)}: ${message}`);
    return { status, object, bytes };
  }

  async #watch(name: string, url: string): Promise<void> {
    const response = await this.#server.send({ method: 'GET', url, headers: {} });
    if (response.body.kind !== 'watch') {
      this.report(`no watch of ${url}: ${response.status}`);
      return;
    }
    const log = new WatchLog(url, (finding) => this.report(finding));
    this.#watches.set(name, log);
    const { watch } = response.body;
    this.#held.push(
      watch.start(
        (event) => log.take(event.type, event.object as Seen),
        () => (log.ended = true),
      ),
    );
  }

  /** One random request, and what its answer promises. */
  async #one(): Promise<void> {
    const random = this.#random;
    const kind = fuzzedKinds[random.integer(fuzzedKinds.length)] as FuzzedKind;
    const name = `o${random.integer(6)}`;
    const one = `${kind.path}/${name}`;
    switch (random.integer(12)) {
      case 0:
      case 1:
        return this.#write(kind, jsonRequest('POST', kind.path, kind.object(name, random)));
      case 2:
        return this.#write(
          kind,
          jsonRequest(
            'POST',
            `${kind.path}${this.#options()}`,
            mutated(kind.object(name, random), random),
          ),
        );
      case 3:
      case 4: {
        const { object, status } = await this.#send(get(one));
        if (status !== 200 || !object) return;
        const next = random.integer(2) === 0 ? mutated(object, random) : relabelled(object, random);
        const sub = random.integer(6) === 0 ? '/status' : '';
        return this.#write(kind, jsonRequest('PUT', `${one}${sub}${this.#options()}`, next));
      }
      case 5:
      case 6:
        return this.#write(kind, this.#patch(kind, name));
      case 7:
        return this.#delete(kind, name);
      case 8: {
        // Bytes of the wire, changed at random, back to where they come from.
        const accept = binaryTypes[random.integer(binaryTypes.length)] as string;
        const { bytes, status } = await this.#send(get(one, accept));
        if (status !== 200 || !bytes) return;
        const body = mangled(bytes, random);
        const headers = { 'content-type': accept, accept };
        return this.#write(kind, { method: 'PUT', url: one, headers, body });
      }
      case 9:
        await this.#checkList(kind);
        return;
      default:
        await this.#send(this.#odd(kind, name));
    }
  }

  #options(): string {
    const random = this.#random;
    if (random.integer(4) > 0) return '';
    const options = [
      'dryRun=All',
      'fieldValidation=Strict',
      'fieldValidation=Ignore',
      'fieldManager=me',
      'dryRun=x',
      'fieldManager='.padEnd(200, 'x'),
      'pretty=1',
      '&&=%00',
    ];
    return `?${options[random.integer(options.length)] ?? ''}`;
  }

  #patch(kind: FuzzedKind, name: string): ApiRequest {
    const random = this.#random;
    const type = patchTypes[random.integer(patchTypes.length)] as string;
    const object = kind.object(name, random);
    const changed = random.integer(3) === 0 ? mutated(object, random) : object;
    const places = [
      '/metadata/labels/a',
      '/spec',
      '/metadata/name',
      '/data/key',
      '/spec/containers/0',
      '/-',
      '',
      '/metadata/labels/app',
      '/spec/replicas',
    ];
    const place = (): string => places[random.integer(places.length)] ?? '';
    const body = type.includes('json-patch')
      ? Array.from({ length: 1 + random.integer(3) }, () => ({
          op: ['add', 'remove', 'replace', 'test', 'move', 'copy', 'x'][random.integer(7)],
          path: place(),
          from: place(),
          value: mutated({ v: 'text' }, random),
        }))
      : changed;
    const query = type.includes('apply')
      ? `?fieldManager=m${random.integer(3)}${random.integer(2) ? '&force=true' : ''}`
      : this.#options();
    const sub = random.integer(10) === 0 ? (random.integer(2) ? '/status' : '/scale') : '';
    return jsonRequest('PATCH', `${kind.path}/${name}${sub}${query}`, body, {
      'content-type': type,
    });
  }

  async #delete(kind: FuzzedKind, name: string): Promise<void> {
    const random = this.#random;
    const options = [
      undefined,
      {},
      { gracePeriodSeconds: 0 },
      { propagationPolicy: 'Foreground' },
      { propagationPolicy: 'x' },
      { preconditions: { uid: 'x' } },
      { dryRun: ['All'] },
      { gracePeriodSeconds: -1 },
      { orphanDependents: true },
    ];
    const body = options[random.integer(options.length)];
    const isMany = random.integer(20) === 0;
    const url = isMany ? `${kind.path}?labelSelector=app%3Dy` : `${kind.path}/${name}`;
    await this.#send(
      body === undefined
        ? { method: 'DELETE', url, headers: {} }
        : jsonRequest('DELETE', url, body),
    );
    // What holds it back goes, so that names come free again.
    if (!isMany && random.integer(3) === 0)
      await this.#send(
        jsonRequest(
          'PATCH',
          url,
          { metadata: { finalizers: null } },
          { 'content-type': patchTypes[1] ?? '' },
        ),
      );
  }

  /** A write; when it is acknowledged, its object is there at its revision. */
  async #write(kind: FuzzedKind, request: ApiRequest): Promise<void> {
    const { status, object } = await this.#send(request);
    if ((status !== 200 && status !== 201) || request.url.includes('dryRun') || !object) return;
    const written = object as unknown as Seen;
    const { name = '', resourceVersion = '' } = written.metadata ?? {};
    if (object['kind'] === 'Status' || object['kind'] === 'Scale' || resourceVersion === '') return;
    this.#acknowledged += 1;
    this.#grows(Number(resourceVersion), request.url);
    const text = JSON.stringify(object);
    // A deletion that began sets marks and is told as the change it is.
    this.#writes.get(kind.path)?.set(Number(resourceVersion), text);
    const { object: list, status: listed } = await this.#send(
      get(
        `${kind.path}?resourceVersion=${resourceVersion}&resourceVersionMatch=Exact&fieldSelector=metadata.name%3D${encodeURIComponent(name)}`,
      ),
    );
    const [item] = (list?.['items'] ?? []) as Record<string, unknown>[];
    if (listed !== 200 || !item) {
      // Updates that take the last finalizer away remove the object at the next revision.
      if (!isGoing(object))
        this.report(
          `${request.method} ${request.url} was acknowledged at ${resourceVersion} and is not there: ${listed}`,
        );
      return;
    }
    if (sortedText(without(object)) !== sortedText(without(item)))
      this.report(
        `${request.method} ${request.url} at ${resourceVersion} answered ${text}, kept ${JSON.stringify(item)}`,
      );
  }

  #grows(revision: number, url: string): void {
    this.#newest = Math.max(this.#newest, revision);
    if (!Number.isSafeInteger(revision) || revision <= 0)
      this.report(`${url} has revision ${revision}`);
  }

  /** Pages joined are the list, and its revision is not behind what was acknowledged. */
  async #checkList({ path }: FuzzedKind): Promise<void> {
    const newest = this.#newest;
    const limit = 1 + this.#random.integer(3);
    let token = '';
    let revision: unknown;
    const keys: string[] = [];
    do {
      const { object, status } = await this.#send(
        get(`${path}?limit=${limit}${token === '' ? '' : `&continue=${token}`}`),
      );
      if (status !== 200 || !object) {
        this.report(`a page of ${path}: ${status}`);
        return;
      }
      const metadata = object['metadata'] as { resourceVersion: string; continue?: string };
      revision ??= metadata.resourceVersion;
      if (revision !== metadata.resourceVersion)
        this.report(
          `pages of ${path} have revisions ${String(revision)} and ${metadata.resourceVersion}`,
        );
      token = metadata.continue ?? '';
      keys.push(...(object['items'] as Seen[]).map(keyOf));
    } while (token !== '');
    if (Number(revision) < newest)
      this.report(`${path} listed at ${String(revision)}, behind ${newest}`);
    const { object } = await this.#send(
      get(`${path}?resourceVersion=${String(revision)}&resourceVersionMatch=Exact`),
    );
    const whole = ((object?.['items'] ?? []) as Seen[]).map(keyOf);
    if (JSON.stringify(whole) !== JSON.stringify(keys))
      this.report(
        `pages of ${path} at ${String(revision)} hold ${keys.join()}, not ${whole.join()}`,
      );
  }

  /** A request that need not make sense. */
  #odd(kind: FuzzedKind, name: string): ApiRequest {
    const random = this.#random;
    const pick = <T>(values: readonly T[]): T => values[random.integer(values.length)] as T;
    const method = pick([
      'GET',
      'GET',
      'GET',
      'HEAD',
      'POST',
      'PUT',
      'PATCH',
      'OPTIONS',
      'TRACE',
    ] as const);
    const path =
      random.integer(2) === 0
        ? `${kind.path}${pick(['', `/${name}`, `/${name}/status`, `/${name}/scale`, `/${name}/log`, `/${name}/exec?command=x`, '/', '//', '/..', '/%2e%2e', '/%00', '/%', `/${name}/token`, `/${name}/eviction`, `/${name}/binding`])}`
        : `/${Array.from({ length: 1 + random.integer(6) }, () => pick(pathParts)).join('/')}`;
    const query = Array.from(
      { length: random.integer(4) },
      () => `${pick(queryNames)}=${pick(queryValues)}`,
    ).join('&');
    const url = `${path}${path.includes('?') ? '&' : '?'}${query}`;
    const headers: Record<string, string> = {
      accept: pick(accepts),
      'content-type': pick(contentTypes),
    };
    if (random.integer(8) === 0)
      headers['impersonate-user'] = pick([
        'joe',
        'system:node:n1',
        '',
        'system:serviceaccount:fuzz:default',
      ]);
    if (random.integer(20) === 0)
      headers['authorization'] = pick([
        'Bearer x',
        'Bearer a.b.c',
        'Basic x',
        'Bearer eyJhbGciOiJub25lIn0.e30.',
      ]);
    if (method === 'GET' || method === 'HEAD') return { method, url, headers };
    const object = JSON.stringify(mutated(kind.object(name, random), random));
    const body = pick([
      object,
      '',
      '{',
      '[]',
      'null',
      '"x"',
      '{"a":1,"a":2}',
      '['.repeat(2000),
      'a: &a [*a]',
      'k8s\u0000x',
    ]);
    // What it may change is nothing the model keeps: the name is nobody's.
    return {
      method,
      url: `${url}&dryRun=All`,
      headers,
      body: random.integer(3) ? utf8(body) : mangled(utf8(body), random),
    };
  }

  /** Every acknowledged write was told once, and what watches tell adds up to what is there. */
  async #compareWatches(): Promise<void> {
    for (const [path, log] of this.#watches) {
      const { url, kindPath } = {
        url: log.path.replace('watch=1&', '').replace('resourceVersion=0', ''),
        kindPath: path,
      };
      const { object } = await this.#send(get(url));
      const items = (object?.['items'] ?? []) as Seen[];
      if (items.length !== log.state.size)
        this.report(
          `watch ${log.path} adds up to ${log.state.size} objects, there are ${items.length}`,
        );
      for (const item of items)
        if (
          sortedText(
            without(JSON.parse(log.state.get(keyOf(item)) ?? '{}') as Record<string, unknown>),
          ) !== sortedText(without(item as unknown as Record<string, unknown>))
        )
          this.report(`watch ${log.path} adds up to another ${keyOf(item)}`);
      const told = new Map<number, string>();
      for (const { revision, text } of log.events) told.set(revision, text);
      for (const [revision, text] of this.#writes.get(kindPath) ?? [])
        if (!told.has(revision) && !isGoing(JSON.parse(text) as Record<string, unknown>))
          this.report(
            `watch ${log.path} did not tell of revision ${revision}: ${text.slice(0, 300)}`,
          );
    }
  }
}

function get(url: string, accept = 'application/json'): ApiRequest {
  return { method: 'GET', url, headers: { accept } };
}

function jsonRequest(
  method: ApiRequest['method'],
  url: string,
  object: unknown,
  headers: Record<string, string> = {},
): ApiRequest {
  return {
    method,
    url,
    headers: { 'content-type': 'application/json', 'user-agent': 'fuzz/1', ...headers },
    body: utf8(JSON.stringify(object) ?? ''),
  };
}

function bodyText({ body }: ApiRequest): string {
  return body ? fromUtf8(body).slice(0, 300) : '';
}

function relabelled(object: Record<string, unknown>, random: Random): Record<string, unknown> {
  const metadata = object['metadata'] as { labels?: Record<string, string> };
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, app: ['x', 'y', 'z'][random.integer(3)] },
    },
  };
}

/** Items of built-in lists have no kind of their own. */
function without({
  kind: _,
  apiVersion: __,
  ...rest
}: Record<string, unknown>): Record<string, unknown> {
  return rest;
}

function isGoing(object: Record<string, unknown>): boolean {
  return (object['metadata'] as { deletionTimestamp?: string }).deletionTimestamp !== undefined;
}

function sortedText(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
