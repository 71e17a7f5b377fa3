import { type Clock, jsonClone, type Random, seededRandom } from '#core/base';

/** A request and an answer of the transport, as far as the fake needs them. */
interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly object?: object;
}

interface Meta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  finalizers?: string[];
  ownerReferences?: { uid: string }[];
  labels?: Record<string, string>;
}

export interface FakeObject {
  apiVersion: string;
  kind: string;
  metadata: Meta;
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  [field: string]: unknown;
}

interface Watcher {
  readonly collection: string;
  readonly namespace: string | undefined;
  readonly deliver: (event: { type: string; object: object }) => void;
  readonly end: () => void;
}

interface Change {
  readonly version: number;
  readonly collection: string;
  readonly type: string;
  readonly object: FakeObject;
}

const kinds: readonly [resource: string, kind: string, group: string, namespaced: boolean][] = [
  ['namespaces', 'Namespace', '', false],
  ['nodes', 'Node', '', false],
  ['pods', 'Pod', '', true],
  ['events', 'Event', '', true],
  ['services', 'Service', '', true],
  ['endpoints', 'Endpoints', '', true],
  ['configmaps', 'ConfigMap', '', true],
  ['secrets', 'Secret', '', true],
  ['serviceaccounts', 'ServiceAccount', '', true],
  ['replicationcontrollers', 'ReplicationController', '', true],
  ['resourcequotas', 'ResourceQuota', '', true],
  ['persistentvolumes', 'PersistentVolume', '', false],
  ['persistentvolumeclaims', 'PersistentVolumeClaim', '', true],
  ['deployments', 'Deployment', 'apps', true],
  ['replicasets', 'ReplicaSet', 'apps', true],
  ['statefulsets', 'StatefulSet', 'apps', true],
  ['daemonsets', 'DaemonSet', 'apps', true],
  ['controllerrevisions', 'ControllerRevision', 'apps', true],
  ['jobs', 'Job', 'batch', true],
  ['cronjobs', 'CronJob', 'batch', true],
  ['endpointslices', 'EndpointSlice', 'discovery.k8s.io', true],
  ['leases', 'Lease', 'coordination.k8s.io', true],
  ['poddisruptionbudgets', 'PodDisruptionBudget', 'policy', true],
  ['horizontalpodautoscalers', 'HorizontalPodAutoscaler', 'autoscaling', true],
  ['clusterroles', 'ClusterRole', 'rbac.authorization.k8s.io', false],
  ['storageclasses', 'StorageClass', 'storage.k8s.io', false],
  ['volumeattachments', 'VolumeAttachment', 'storage.k8s.io', false],
  ['certificatesigningrequests', 'CertificateSigningRequest', 'certificates.k8s.io', false],
];

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/**
 * An API server of maps for tests of controllers: metadata, versions, generations, watches, finalizers,
 * ownership by propagation policy; no defaults, validation, admission or authorization.
 */
export class FakeApi {
  readonly requests: string[] = [];
  /** Refuses a write: return a Status to answer instead. */
  refuse: (method: string, path: string, object: FakeObject | undefined) => object | undefined =
    () => undefined;
  readonly #objects = new Map<string, Map<string, FakeObject>>();
  readonly #watchers = new Set<Watcher>();
  readonly #history: Change[] = [];
  readonly #clock: Clock;
  readonly #random: Random;
  #version = 1;

  constructor(clock: Clock, random: Random = seededRandom('fake-api')) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Objects of `pods` or `deployments.apps`, in order of creation. */
  list<T = FakeObject>(resource: string, namespace?: string): T[] {
    return [...this.#collection(resource).values()].filter(
      (object) => namespace === undefined || object.metadata.namespace === namespace,
    ) as T[];
  }

  get<T = FakeObject>(resource: string, name: string, namespace?: string): T | undefined {
    return this.#collection(resource).get(keyOf(namespace, name)) as T | undefined;
  }

  create<T = FakeObject>(resource: string, object: object): T {
    const draft = jsonClone(object) as FakeObject;
    const row = kinds.find(([name, , group]) => resource === dotted(name, group));
    if (row) {
      draft.apiVersion ??= row[2] === '' ? 'v1' : `${row[2]}/v1`;
      draft.kind ??= row[1];
    }
    return this.#create(resource, draft) as T;
  }

  /** Changes an object as a kubelet or a user would. */
  change(
    resource: string,
    name: string,
    namespace: string | undefined,
    edit: (draft: FakeObject) => void,
  ): void {
    const old = this.get(resource, name, namespace);
    if (!old) throw new Error(`no ${resource} ${name}`);
    const draft = jsonClone(old);
    edit(draft);
    this.#write(resource, draft, old);
  }

  delete(
    resource: string,
    name: string,
    namespace?: string,
    options: { propagationPolicy?: string } = {},
  ): void {
    const object = this.get(resource, name, namespace);
    if (object) this.#delete(resource, object, options);
  }

  /** Ends all watches, as a restart does. */
  dropWatches(): void {
    for (const watcher of [...this.#watchers]) watcher.end();
    this.#watchers.clear();
  }

  readonly transport = {
    send: async (request: Request) => {
      const [path = '', query = ''] = request.url.split('?');
      this.requests.push(`${request.method} ${request.url}`);
      return this.#answer(request, path, new URLSearchParams(query));
    },
  };

  #answer(request: Request, path: string, query: URLSearchParams): never {
    return this.#route(request, path, query) as never;
  }

  #route(request: Request, path: string, query: URLSearchParams): object {
    const discovery = discoveryOf(path);
    if (discovery) return ok(discovery);
    const match =
      /^\/(?:api|apis\/([^/]+))\/[^/]+(?:\/namespaces\/([^/]+)(?=\/[^/]))?\/([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
        path,
      );
    const group = match?.[1] ?? '';
    let [, , namespace, resource = '', name, subresource] = match ?? [];
    if (namespace !== undefined && (resource === 'finalize' || resource === 'status')) {
      [subresource, name, resource, namespace] = [resource, namespace, 'namespaces', undefined];
    }
    const collection = dotted(resource, group);
    const refused =
      request.method === 'GET'
        ? undefined
        : this.refuse(request.method, path, request.object as FakeObject | undefined);
    if (refused) return status(refused as { code: number });
    if (request.method === 'POST' && name === undefined) {
      const object = jsonClone(request.object) as FakeObject;
      if (namespace !== undefined) object.metadata.namespace = namespace;
      if (
        namespace !== undefined &&
        this.get('namespaces', namespace)?.metadata.deletionTimestamp &&
        collection !== 'events'
      )
        return failure(
          403,
          'Forbidden',
          `${resource} "${object.metadata.name ?? ''}" is forbidden: unable to create new content in namespace ${namespace} because it is being terminated`,
          {
            causes: [{ reason: 'NamespaceTerminating' }],
          },
        );
      if (object.metadata.name && this.get(collection, object.metadata.name, namespace))
        return failure(
          409,
          'AlreadyExists',
          `${collection} "${object.metadata.name}" already exists`,
        );
      return ok(this.#create(collection, object));
    }
    if (name === undefined) {
      if (request.method === 'DELETE') {
        for (const object of this.list(collection, namespace))
          this.#delete(collection, object, request.object ?? {});
        return ok({ kind: 'Status', status: 'Success' });
      }
      if (query.get('watch'))
        return this.#watch(collection, namespace, Number(query.get('resourceVersion')));
      return ok({
        kind: 'List',
        metadata: { resourceVersion: String(this.#version) },
        items: this.list(collection, namespace),
      });
    }
    const old = this.get(collection, name, namespace);
    if (!old) return failure(404, 'NotFound', `${collection} "${name}" not found`);
    if (request.method === 'GET') return ok(old);
    if (request.method === 'DELETE') {
      const options = (request.object ?? {}) as {
        propagationPolicy?: string;
        preconditions?: { uid?: string };
      };
      if (options.preconditions?.uid && options.preconditions.uid !== old.metadata.uid)
        return failure(409, 'Conflict', 'the UID in the precondition does not match');
      this.#delete(collection, old, options);
      return ok({ kind: 'Status', status: 'Success' });
    }
    const draft =
      request.method === 'PUT'
        ? (jsonClone(request.object) as FakeObject)
        : (merge(jsonClone(old), request.object, '') as FakeObject);
    const given = draft.metadata.resourceVersion;
    if (given && given !== old.metadata.resourceVersion)
      return failure(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${collection} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
      );
    if (subresource === 'status') draft.spec = old.spec as never;
    else if (old.status !== undefined && request.method === 'PUT') draft.status = old.status;
    draft.metadata.uid = old.metadata.uid as string;
    return ok(this.#write(collection, draft, old));
  }

  #watch(collection: string, namespace: string | undefined, since: number): object {
    return {
      status: 200,
      headers: {},
      body: {
        kind: 'watch',
        watch: {
          contentType: 'application/json',
          encode: (event: object) => JSON.stringify(event),
          start: (onEvent: (event: object) => void, onEnd: () => void) => {
            const matches = (object: FakeObject): boolean =>
              namespace === undefined || object.metadata.namespace === namespace;
            for (const change of this.#history)
              if (
                change.version > since &&
                change.collection === collection &&
                matches(change.object)
              )
                onEvent({ type: change.type, object: change.object });
            const watcher: Watcher = { collection, namespace, deliver: onEvent, end: onEnd };
            this.#watchers.add(watcher);
            return { dispose: () => void this.#watchers.delete(watcher) };
          },
        },
      },
    };
  }

  #collection(resource: string): Map<string, FakeObject> {
    let collection = this.#objects.get(resource);
    if (!collection) {
      collection = new Map<string, FakeObject>();
      this.#objects.set(resource, collection);
    }
    return collection;
  }

  #create(collection: string, draft: FakeObject): FakeObject {
    const { metadata } = draft;
    const suffix = (): string =>
      this.#random
        .integer(2 ** 30)
        .toString(36)
        .padStart(6, '0')
        .slice(-5);
    metadata.name ??= `${metadata.generateName ?? ''}${suffix()}`;
    metadata.uid ??= `uid-${this.#version}-${suffix()}`;
    metadata.creationTimestamp ??= now(this.#clock);
    if (draft.spec !== undefined) metadata.generation = 1;
    if (collection === 'namespaces') draft.spec = { finalizers: ['kubernetes'] };
    return this.#commit(collection, 'ADDED', draft);
  }

  #write(collection: string, draft: FakeObject, old: FakeObject): FakeObject {
    if (JSON.stringify(draft.spec) !== JSON.stringify(old.spec))
      draft.metadata.generation = (old.metadata.generation ?? 0) + 1;
    const isDone =
      draft.metadata.deletionTimestamp !== undefined &&
      (draft.metadata.finalizers ?? []).length === 0 &&
      (collection !== 'namespaces' ||
        ((draft.spec?.['finalizers'] ?? []) as string[]).length === 0);
    return isDone ? this.#remove(collection, draft) : this.#commit(collection, 'MODIFIED', draft);
  }

  #delete(collection: string, object: FakeObject, options: { propagationPolicy?: string }): void {
    const draft = jsonClone(object);
    const extra =
      options.propagationPolicy === 'Foreground'
        ? ['foregroundDeletion']
        : options.propagationPolicy === 'Orphan'
          ? ['orphan']
          : [];
    const finalizers = [...new Set([...(draft.metadata.finalizers ?? []), ...extra])];
    if (finalizers.length === 0 && collection !== 'namespaces') {
      this.#remove(collection, draft);
      return;
    }
    draft.metadata.finalizers = finalizers;
    draft.metadata.deletionTimestamp ??= now(this.#clock);
    this.#commit(collection, 'MODIFIED', draft);
  }

  #remove(collection: string, draft: FakeObject): FakeObject {
    this.#collection(collection).delete(keyOf(draft.metadata.namespace, draft.metadata.name ?? ''));
    return this.#publish(collection, 'DELETED', draft);
  }

  #commit(collection: string, type: string, draft: FakeObject): FakeObject {
    const object = this.#publish(collection, type, draft);
    this.#collection(collection).set(
      keyOf(draft.metadata.namespace, draft.metadata.name ?? ''),
      object,
    );
    return object;
  }

  #publish(collection: string, type: string, draft: FakeObject): FakeObject {
    this.#version += 1;
    draft.metadata.resourceVersion = String(this.#version);
    this.#history.push({ version: this.#version, collection, type, object: draft });
    queueMicrotask(() => {
      for (const watcher of [...this.#watchers])
        if (
          watcher.collection === collection &&
          (watcher.namespace === undefined || watcher.namespace === draft.metadata.namespace)
        )
          watcher.deliver({ type, object: draft });
    });
    return draft;
  }
}

function keyOf(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

function dotted(resource: string, group: string): string {
  return group === '' ? resource : `${resource}.${group}`;
}

function now(clock: Clock): string {
  return `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
}

function ok(object: object): object {
  return { status: 200, headers: {}, body: { kind: 'object', object, encode: () => [] } };
}

function status(object: { code: number }): object {
  return { status: object.code, headers: {}, body: { kind: 'object', object, encode: () => [] } };
}

function failure(code: number, reason: string, message: string, details?: object): object {
  return status({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    reason,
    message,
    details,
    code,
  } as { code: number });
}

/** Merge patch, with the list merges of strategic patches that controllers use. */
function merge(target: unknown, patch: unknown, field: string): unknown {
  if (Array.isArray(patch)) {
    const mergeKey = { ownerReferences: 'uid', conditions: 'type' }[field];
    if (field === 'finalizers')
      return [...new Set([...((target ?? []) as string[]), ...(patch as string[])])];
    if (mergeKey === undefined) return patch;
    const items = [...((target ?? []) as Record<string, unknown>[])];
    for (const item of patch as Record<string, unknown>[]) {
      const at = items.findIndex((other) => other[mergeKey] === item[mergeKey]);
      if (item['$patch'] === 'delete') {
        if (at >= 0) items.splice(at, 1);
      } else if (at >= 0) items[at] = { ...items[at], ...item };
      else items.push(item);
    }
    return items;
  }
  if (typeof patch !== 'object' || patch === null) return patch;
  const merged: Record<string, unknown> = { ...(target as Record<string, unknown> | undefined) };
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$deleteFromPrimitiveList/')) {
      const list = key.slice(key.indexOf('/') + 1);
      merged[list] = ((merged[list] ?? []) as string[]).filter(
        (item) => !(value as string[]).includes(item),
      );
    } else if (key.startsWith('$')) continue;
    else if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value, key);
  }
  return merged;
}

function discoveryOf(path: string): object | undefined {
  if (path !== '/api' && path !== '/apis') return undefined;
  const groups = new Map<string, object[]>();
  for (const [resource, kind, group, namespaced] of kinds) {
    if ((group === '') !== (path === '/api')) continue;
    const list = groups.get(group) ?? [];
    list.push({
      resource,
      responseKind: { kind },
      scope: namespaced ? 'Namespaced' : 'Cluster',
      verbs,
    });
    groups.set(group, list);
  }
  return {
    kind: 'APIGroupDiscoveryList',
    items: [...groups].map(([name, resources]) => ({
      metadata: { name },
      versions: [{ version: name === 'autoscaling' ? 'v2' : 'v1', resources }],
    })),
  };
}
