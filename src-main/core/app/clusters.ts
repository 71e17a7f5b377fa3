import type { ClusterEventView, ClusterView, EventFrame, ObjectTableView } from '#contract';
import type { Clock, Emitter, JsonObject, Logger, Random } from '#core/base';
import { hex, jsonClone } from '#core/base';
import { badRequest, formatYaml, parseYamlDocuments, statusOf, YamlError } from '#core/kube';
import type { ClusterRegistry } from './cluster-registry.ts';
import type { ClusterSpec, ClusterState, Engine } from './engine-port.ts';
import { type DiscoveredKind, discoverKinds, requestJson, resourcePath } from './kube-api.ts';
import type { Handlers } from './serve.ts';
import { stationsOf } from './stations.ts';

export interface ClustersOptions {
  readonly engine: Engine;
  readonly registry: ClusterRegistry;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly kubernetesVersion: string;
  readonly events: Emitter<EventFrame>;
}

type ClusterHandlers = Pick<Handlers, Extract<keyof Handlers, `clusters.${string}`>>;

/** Objects of one page: what is parsed in one step stays well below 50 ms. */
const pageSize = 500;
/** Simulated time a cluster gets to come to rest. */
const settleLimitMs = 600_000;
const historyLimit = 1000;
const fieldManager = 'kijabi-editor';
const tableAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

/** Playgrounds as they are asked for by name, and the object browser of every cluster. */
export class Clusters {
  readonly #options: ClustersOptions;
  /** Being brought up or failed to: the engine does not list these. */
  readonly #pending = new Map<string, ClusterView>();
  /** Given to calls under way. */
  readonly #reserved = new Set<string>();

  constructor(options: ClustersOptions) {
    this.#options = options;
  }

  readonly handlers: ClusterHandlers = {
    'clusters.list': () => this.list(),
    'clusters.create': async ({ name, topology }, context) => {
      const spec: ClusterSpec = {
        clusterId: await this.#idOf(name),
        name: name.trim(),
        topology,
        purpose: 'playground',
        seed: hex(this.#options.random, 16),
        persistent: true,
      };
      context.progress({ step: 'cluster.starting' });
      try {
        const view = await this.#start(spec);
        this.#options.registry.put(spec);
        return view;
      } finally {
        this.#reserved.delete(spec.clusterId);
      }
    },
    'clusters.remove': async ({ clusterId }) => {
      this.#options.registry.remove(clusterId);
      if (this.#pending.get(clusterId)?.state === 'failed') {
        this.#pending.delete(clusterId);
        this.#tellRemoved(clusterId);
      } else await this.#options.engine.remove(clusterId);
      return {};
    },
    'clusters.setSpeed': async ({ clusterId, speed }) => {
      if (speed < 0 || speed > 1000) throw badRequest('speed must be between 0 and 1000');
      return clusterView(await this.#options.engine.setSpeed(clusterId, speed));
    },
    'clusters.advance': async ({ clusterId, milliseconds }) => {
      if (milliseconds < 0) throw badRequest('time runs forward only: milliseconds is negative');
      return clusterView(await this.#options.engine.advance(clusterId, milliseconds));
    },
    'clusters.settle': async ({ clusterId }) => {
      const { settled } = await this.#options.engine.settle(clusterId, settleLimitMs);
      return { ...clusterView(await this.#options.engine.get(clusterId)), settled };
    },
    'clusters.run': ({ clusterId, host, command, stdin }) =>
      this.#options.engine.run(clusterId, host, command, stdin === undefined ? {} : { stdin }),
    'clusters.kinds': async ({ clusterId }) =>
      (await discoverKinds(this.#options.engine, clusterId))
        .filter(({ verbs }) => verbs.includes('list'))
        .map(({ verbs: _, ...kind }) => kind),
    'clusters.objects': ({ clusterId, namespace, ...resource }, { signal }) =>
      this.#table(clusterId, resourcePath(resource, namespace), signal),
    'clusters.object': async ({ clusterId, namespace, name, ...resource }) => {
      const { body } = await requestJson<JsonObject>(this.#options.engine, clusterId, {
        method: 'GET',
        url: resourcePath(resource, namespace, name),
      });
      return { yaml: formatYaml(withoutManagedFields(body)) };
    },
    'clusters.apply': ({ clusterId, yaml }) => this.#apply(clusterId, yaml),
    'clusters.events': ({ clusterId, namespace }) => this.#events(clusterId, namespace),
    'clusters.stations': async ({ clusterId, revision }) =>
      stationsOf(await this.#options.engine.history(clusterId, revision, historyLimit)),
  };

  async list(): Promise<readonly ClusterView[]> {
    const running = await this.#options.engine.list();
    const ids = new Set(running.map(({ clusterId }) => clusterId));
    return [
      ...running.map(clusterView),
      ...[...this.#pending.values()].filter(({ clusterId }) => !ids.has(clusterId)),
    ];
  }

  /** Brings up again what was running when the program ended; a failure is shown, not thrown. */
  async resume(): Promise<void> {
    for (const spec of this.#options.registry.list())
      await this.#start(spec, true).catch((error: unknown) => {
        this.#options.logger.log('error', `cluster ${spec.clusterId} does not come up`, {
          error: error instanceof Error ? error.message : String(error),
        });
      });
  }

  async #start(spec: ClusterSpec, keepFailed = false): Promise<ClusterView> {
    const { engine, kubernetesVersion, clock } = this.#options;
    const { clusterId, name, topology, purpose } = spec;
    const starting: ClusterView = {
      clusterId,
      name,
      topology,
      purpose,
      kubernetesVersion,
      state: 'starting',
      machines: [],
      speed: 1,
      nowMs: clock.now(),
      kubeconfig: '',
      server: '',
    };
    this.#pending.set(clusterId, starting);
    this.#tell(starting);
    try {
      const view = clusterView(await engine.create(spec));
      this.#pending.delete(clusterId);
      return view;
    } catch (error) {
      if (keepFailed) {
        const failed: ClusterView = {
          ...starting,
          state: 'failed',
          problem: statusOf(error).message ?? 'unknown',
        };
        this.#pending.set(clusterId, failed);
        this.#tell(failed);
      } else {
        this.#pending.delete(clusterId);
        this.#tellRemoved(clusterId);
      }
      throw error;
    }
  }

  #tell(view: ClusterView): void {
    this.#options.events.fire({ kind: 'event', event: 'cluster.changed', payload: view });
  }

  #tellRemoved(clusterId: string): void {
    this.#options.events.fire({ kind: 'event', event: 'cluster.removed', payload: { clusterId } });
  }

  /** A name as an id that is free: `My lab` → `my-lab`, `my-lab-2`. */
  async #idOf(name: string): Promise<string> {
    if (name.trim() === '') throw badRequest('clusters.create: the name is empty');
    const base =
      name
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-')
        .replace(/^-+|-+$/g, '')
        .slice(0, 40)
        .replace(/-+$/, '') || 'cluster';
    const taken = new Set([
      ...(await this.#options.engine.list()).map(({ clusterId }) => clusterId),
      ...this.#pending.keys(),
      ...this.#options.registry.list().map(({ clusterId }) => clusterId),
    ]);
    for (let count = 1; ; count++) {
      const id = count === 1 ? base : `${base}-${count}`;
      if (taken.has(id) || this.#reserved.has(id)) continue;
      this.#reserved.add(id);
      return id;
    }
  }

  async #table(clusterId: string, path: string, signal: AbortSignal): Promise<ObjectTableView> {
    let columns: ObjectTableView['columns'] = [];
    const rows: ObjectTableView['rows'][number][] = [];
    let revision = 0;
    let next = '';
    do {
      signal.throwIfAborted();
      const { body } = await requestJson<Table>(this.#options.engine, clusterId, {
        method: 'GET',
        url: `${path}?limit=${pageSize}${next === '' ? '' : `&continue=${next}`}`,
        headers: { accept: tableAccept },
      });
      columns = body.columnDefinitions.map(({ name, priority }) => ({ name, priority }));
      for (const { cells, object } of body.rows ?? [])
        rows.push({
          namespace: object?.metadata?.namespace ?? '',
          name: object?.metadata?.name ?? '',
          uid: object?.metadata?.uid ?? '',
          cells: cells.map(cellText),
        });
      revision = Number(body.metadata?.resourceVersion ?? 0);
      next = body.metadata?.continue ?? '';
    } while (next !== '');
    return { columns, rows, revision };
  }

  async #apply(clusterId: string, yaml: string): Promise<{ applied: readonly string[] }> {
    const documents = readDocuments(yaml);
    let kinds = await discoverKinds(this.#options.engine, clusterId);
    const applied: string[] = [];
    for (const { apiVersion, kind, metadata, ...rest } of documents) {
      const matches = (row: DiscoveredKind): boolean =>
        groupVersion(row) === apiVersion && row.kind === kind;
      let row = kinds.find(matches);
      if (!row) {
        // The document before may have been the definition of this kind.
        kinds = await discoverKinds(this.#options.engine, clusterId);
        row = kinds.find(matches);
      }
      if (!row) throw badRequest(`no matches for kind "${kind}" in version "${apiVersion}"`);
      const namespace = row.namespaced ? (metadata.namespace ?? 'default') : null;
      const path = resourcePath(row, namespace, metadata.name);
      await requestJson(this.#options.engine, clusterId, {
        method: 'PATCH',
        url: `${path}?fieldManager=${fieldManager}&force=true&fieldValidation=Strict`,
        headers: { 'content-type': 'application/apply-patch+yaml' },
        body: JSON.stringify({ apiVersion, kind, metadata, ...rest }),
      });
      applied.push(
        `${row.kind.toLowerCase()}${row.group === '' ? '' : `.${row.group}`}/${metadata.name} serverside-applied`,
      );
    }
    return { applied };
  }

  async #events(clusterId: string, namespace: string | null): Promise<readonly ClusterEventView[]> {
    const path = resourcePath({ group: '', version: 'v1', resource: 'events' }, namespace);
    const events: ClusterEventView[] = [];
    let next = '';
    do {
      const { body } = await requestJson<EventList>(this.#options.engine, clusterId, {
        method: 'GET',
        url: `${path}?limit=${pageSize}${next === '' ? '' : `&continue=${next}`}`,
      });
      for (const event of body.items ?? []) events.push(eventView(event));
      next = body.metadata?.continue ?? '';
    } while (next !== '');
    return events.sort((a, b) => a.timeMs - b.timeMs);
  }
}

/** What the renderer may know of a cluster. */
export function clusterView({ revision: _, ...state }: ClusterState): ClusterView {
  return state;
}

interface Table {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  readonly columnDefinitions: readonly { readonly name: string; readonly priority: number }[];
  readonly rows?: readonly {
    readonly cells: readonly unknown[];
    readonly object?: {
      readonly metadata?: {
        readonly namespace?: string;
        readonly name?: string;
        readonly uid?: string;
      };
    };
  }[];
}

interface EventList {
  readonly metadata?: { readonly continue?: string };
  readonly items?: readonly KubeEvent[];
}

interface KubeEvent {
  readonly metadata: { readonly namespace?: string; readonly creationTimestamp?: string };
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly note?: string;
  readonly count?: number;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  readonly eventTime?: string | null;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
  readonly source?: { readonly component?: string };
  readonly reportingComponent?: string;
}

/** The time and the count are where the event's maker put them: old and new events differ. */
function eventView(event: KubeEvent): ClusterEventView {
  const time =
    event.series?.lastObservedTime ??
    event.lastTimestamp ??
    event.eventTime ??
    event.firstTimestamp ??
    event.metadata.creationTimestamp;
  const { kind = '', name = '' } = event.involvedObject ?? {};
  return {
    timeMs: time === undefined ? 0 : Date.parse(time),
    type: event.type ?? '',
    reason: event.reason ?? '',
    object: `${kind.toLowerCase()}/${name}`,
    namespace: event.metadata.namespace ?? '',
    message: event.message ?? '',
    count: event.series?.count ?? event.count ?? 1,
    source: event.source?.component ?? event.reportingComponent ?? '',
  };
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '<none>';
  if (typeof cell === 'string') return cell;
  return typeof cell === 'number' || typeof cell === 'boolean'
    ? String(cell)
    : JSON.stringify(cell);
}

function withoutManagedFields(object: JsonObject): JsonObject {
  const copy = jsonClone(object) as JsonObject & { metadata?: { managedFields?: unknown } };
  delete copy.metadata?.managedFields;
  return copy;
}

interface Document {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/**
 * The objects of a YAML stream, lists taken apart. What the server alone may write is left out, so that a live
 * object can be edited and applied again.
 */
function readDocuments(yaml: string): readonly Document[] {
  let documents: readonly unknown[];
  try {
    documents = parseYamlDocuments(yaml);
  } catch (error) {
    if (error instanceof YamlError) throw badRequest(`error parsing YAML: ${error.message}`);
    throw error;
  }
  const objects = documents.flatMap((document) => {
    const { kind, items } = (document ?? {}) as { kind?: unknown; items?: unknown };
    return kind === 'List' && Array.isArray(items) ? (items as unknown[]) : [document];
  });
  if (objects.length === 0) throw badRequest('no objects passed to apply');
  return objects.map((value, index) => {
    const where = `document ${index + 1}`;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw badRequest(`${where}: an object is expected`);
    const { apiVersion, kind, metadata, status: _, ...rest } = value as Record<string, unknown>;
    if (typeof apiVersion !== 'string' || apiVersion === '')
      throw badRequest(`${where}: apiVersion not set`);
    if (typeof kind !== 'string' || kind === '') throw badRequest(`${where}: kind not set`);
    const {
      managedFields: _fields,
      resourceVersion: _version,
      creationTimestamp: _created,
      generation: _generation,
      ...meta
    } = (metadata ?? {}) as Record<string, unknown>;
    if (typeof meta['name'] !== 'string' || meta['name'] === '')
      throw badRequest(`${where}: metadata.name: Required value: name is required`);
    return { apiVersion, kind, metadata: meta as unknown as Document['metadata'], ...rest };
  });
}

const groupVersion = ({ group, version }: DiscoveredKind): string =>
  group === '' ? version : `${group}/${version}`;
