import { seededRandom, type Disposable, nameSuffix, uuid } from '#core/base';
import {
  type ApiRequest,
  type ApiResponse,
  internalError,
  isStatusError,
  unauthorized,
} from '../machinery/index.ts';
import { forbiddenByAuthorizer } from './authorization/index.ts';
import { identityRenewMs, renewIdentityLease, writeBootstrapObjects } from './bootstrap.ts';
import {
  type Call,
  methodNotAllowed,
  notServed,
  type ServerContext,
  writeOptions,
} from './call.ts';
import { Catalog } from './catalog.ts';
import { handleDelete, handleDeleteCollection } from './delete.ts';
import { documentResponse } from './document-response.ts';
import { Documents } from './documents.ts';
import { healthResponse } from './health.ts';
import {
  objectResponse,
  outputForm,
  statusResponse,
  textResponse,
  wantsPretty,
} from './negotiation.ts';
import type { ApiServer, ApiServerOptions } from './options.ts';
import { handlePatch } from './patch.ts';
import { handleComponentStatus } from './component-status.ts';
import { deprecationOf } from './deprecations.ts';
import { handleGet, handleList, warningHeaders } from './read.ts';
import { type RequestInfo, requestInfoOf } from './request-info.ts';
import { handleReview, isReview } from './reviews.ts';
import { bindPod, handleSubresource, viewTarget } from './subresources.ts';
import type { Attributes, UserInfo } from './types.ts';
import { handleWatch } from './watch.ts';
import { WatchHub } from './watch-hub.ts';
import { decodeObject, handleCreate, handleUpdate } from './write.ts';

const anonymous: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };
const streamed = new Set(['exec', 'attach', 'portforward']);

/** A kube-apiserver over a store; it holds no state but watches and a few caches. */
export function createApiServer(options: ApiServerOptions): ApiServer {
  return new Server(options);
}

class Server implements ApiServer {
  readonly #options: ApiServerOptions;
  readonly #context: ServerContext;
  readonly #documents: Documents;
  readonly #identity: string;
  /** Identity of this run, in the Lease. */
  readonly #holder: string;
  readonly #requests = new Map<string, number>();
  #renewal: Disposable | undefined;
  #disposed = false;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#context = {
      options,
      catalog: new Catalog(options),
      hub: new WatchHub(options.store, options.clock),
    };
    this.#documents = new Documents(options);
    // The same in every run on this machine; upstream hashes the name.
    const ofHost = seededRandom(`apiserver ${options.hostname ?? ''}`);
    this.#identity = `apiserver-${nameSuffix(ofHost, 26)}`;
    this.#holder = `${this.#identity}_${uuid(options.random)}`;
  }

  get state(): ApiServer['state'] {
    return this.#options.state;
  }

  ready(): readonly string[] {
    return this.#options.failingChecks?.() ?? [];
  }

  async bootstrap(): Promise<void> {
    await writeBootstrapObjects(this.#context);
    await this.#renew();
  }

  async #renew(): Promise<void> {
    try {
      await renewIdentityLease(this.#context, this.#identity, this.#holder);
    } catch (error) {
      this.#options.logger.log('warn', 'identity lease not renewed', { error: String(error) });
    }
    if (this.#disposed) return;
    this.#renewal = this.#options.clock.setTimer(identityRenewMs, () => void this.#renew(), {
      background: true,
    });
  }

  dispose(): void {
    this.#disposed = true;
    this.#renewal?.dispose();
    this.#context.hub.dispose();
  }

  async handle(request: ApiRequest): Promise<ApiResponse> {
    const info = requestInfoOf(request);
    const warnings: string[] = [];
    let response: ApiResponse;
    let user = anonymous;
    try {
      user = await this.#userOf(request, info);
      response = await this.#route(request, info, user, warnings);
    } catch (error) {
      response = this.#failed(error, request, info, warnings);
    }
    const verb = info.kind === 'resource' ? info.verb : info.verb.toUpperCase();
    const counted = `${verb} ${info.kind === 'resource' ? info.resource : ''} ${response.status}`;
    this.#requests.set(counted, (this.#requests.get(counted) ?? 0) + 1);
    this.#options.audit?.({
      user,
      verb,
      url: request.url,
      status: response.status,
    });
    return {
      ...response,
      headers: { ...response.headers, 'audit-id': uuid(this.#options.random) },
    };
  }

  #failed(
    error: unknown,
    request: ApiRequest,
    info: RequestInfo,
    warnings: readonly string[],
  ): ApiResponse {
    if (!isStatusError(error))
      this.#options.logger.log('error', 'request failed', {
        url: request.url,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    const { status } = isStatusError(error) ? error : internalError(error);
    const pretty = status.reason === 'NotAcceptable' || wantsPretty(request, info);
    return statusResponse(status, pretty, warningHeaders({ warnings } as unknown as Call));
  }

  async #userOf(request: ApiRequest, info: RequestInfo): Promise<UserInfo> {
    const { authenticator, impersonate } = this.#options;
    const user =
      (await authenticator.authenticate(request)) ??
      (this.#options.anonymous ? anonymous : undefined);
    if (!user) throw unauthorized();
    const names = Object.keys({ ...request.headers, ...request.repeated });
    if (impersonate && names.some((name) => name.startsWith('impersonate-')))
      return impersonate(request, attributesOf(info, user));
    return user;
  }

  async #authorize(attributes: Attributes): Promise<void> {
    const pending = this.#options.authorizer.authorize(attributes);
    const { decision, reason } = pending instanceof Promise ? await pending : pending;
    if (decision !== 'allow') throw forbiddenByAuthorizer(attributes, reason);
  }

  async #route(
    request: ApiRequest,
    info: RequestInfo,
    user: UserInfo,
    warnings: string[],
  ): Promise<ApiResponse> {
    await this.#authorize(attributesOf(info, user));
    const delegated = this.#options.aggregator?.delegate(request, user);
    if (delegated) return delegated;
    if (info.kind === 'other') return this.#other(request, info);
    const { catalog } = this.#context;
    if (!catalog.hasGroup(info.group)) return textResponse(404, '404 page not found\n');
    const served = catalog.get(info.group, info.version, info.resource);
    if (!served || info.tooLong) throw notServed();
    if (served.info.namespaced) {
      if (info.namespace === '' && (info.name !== '' || info.subresource !== '')) throw notServed();
      if (info.namespace === '' && info.verb !== 'list' && info.verb !== 'watch')
        throw methodNotAllowed();
    } else if (info.namespace !== '' && info.resource !== 'namespaces') throw notServed();
    if (streamed.has(info.subresource) && request.method === 'GET')
      await this.#authorize({
        ...(attributesOf(info, user) as Attributes & { kind: 'resource' }),
        verb: 'create',
      });
    const form = outputForm(request, info);
    const deprecation = deprecationOf(served.info);
    if (deprecation !== undefined) warnings.push(deprecation);
    const call: Call = {
      context: this.#context,
      request,
      info: served.info.namespaced ? info : { ...info, namespace: '' },
      user,
      served,
      form,
      warnings,
    };
    if (info.subresource !== '') return handleSubresource(call);
    return this.#resource(call);
  }

  #resource(call: Call): ApiResponse | Promise<ApiResponse> {
    const { info, served } = call;
    const { kind, group, verbs } = served.info;
    if (isReview(kind) && info.verb === 'create') return handleReview(call);
    if (kind === 'Binding' && group === '' && info.verb === 'create') {
      const write = writeOptions(call, 'CreateOptions');
      const binding = decodeObject(call, write);
      return bindPod(call, binding.metadata.name ?? '', binding, write);
    }
    if (info.verb === 'create' && info.name !== '') throw methodNotAllowed();
    if ((info.verb === 'update' || info.verb === 'patch') && info.name === '')
      throw methodNotAllowed();
    // Discovery hides the writes of a custom resource that goes away; its objects can be changed to the end.
    const isChange = info.verb === 'update' || info.verb === 'patch' || info.verb === 'create';
    const hidden = isChange && this.#options.customResources?.isTerminating(served.info) === true;
    if (!hidden && !(verbs as readonly string[]).includes(info.verb)) throw methodNotAllowed();
    if (kind === 'ComponentStatus' && group === '') return handleComponentStatus(call);
    switch (info.verb) {
      case 'get':
        return handleGet(call);
      case 'list':
        return handleList(call);
      case 'watch':
        return handleWatch(call);
      case 'create':
        return handleCreate(call);
      case 'update':
        return handleUpdate(call);
      case 'patch':
        return handlePatch(call, viewTarget(call, served, ''));
      case 'delete':
        return handleDelete(call);
      case 'deletecollection':
        return handleDeleteCollection(call);
      default:
        throw methodNotAllowed();
    }
  }

  async #other(
    request: ApiRequest,
    info: RequestInfo & { readonly kind: 'other' },
  ): Promise<ApiResponse> {
    const { path } = info;
    const extra = this.#options.extraPaths?.[path];
    if (extra) return extra(request);
    const health = healthResponse(path, info.query, this.ready());
    if (health) return health;
    switch (path) {
      case '/version':
      case '/version/':
        return objectResponse(200, this.#options.version, { media: 'json', pretty: true });
      case '/metrics':
        return textResponse(200, this.#metrics(), {
          'content-type': 'text/plain; version=0.0.4; charset=utf-8',
        });
    }
    return (
      documentResponse(request, info, this.#documents, this.#options, this.#context.catalog) ??
      textResponse(404, '404 page not found\n')
    );
  }

  #metrics(): string {
    const lines = [
      '# HELP apiserver_request_total [STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, component, and HTTP response code.',
      '# TYPE apiserver_request_total counter',
    ];
    for (const [key, count] of [...this.#requests].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const [verb = '', resource = '', code = ''] = key.split(' ');
      lines.push(
        `apiserver_request_total{code="${code}",component="apiserver",resource="${resource}",verb="${verb.toUpperCase()}"} ${count}`,
      );
    }
    lines.push(
      '# HELP apiserver_storage_objects [STABLE] Number of stored objects at the time of last check split by kind.',
      '# TYPE apiserver_storage_objects gauge',
    );
    const seen = new Set<string>();
    for (const row of this.#context.catalog.rows()) {
      const served = this.#context.catalog.get(row.group, row.version, row.resource);
      if (!served || seen.has(served.prefix) || !row.verbs.includes('list')) continue;
      seen.add(served.prefix);
      const { store } = this.#options;
      const count = store.count(served.prefix, `${served.prefix.slice(0, -1)}0`);
      const name = row.group === '' ? row.resource : `${row.resource}.${row.group}`;
      lines.push(`apiserver_storage_objects{resource="${name}"} ${count}`);
    }
    return `${lines.join('\n')}\n`;
  }
}

/** What authorizers are asked. */
function attributesOf(info: RequestInfo, user: UserInfo): Attributes {
  if (info.kind === 'other')
    return { kind: 'non-resource', user, verb: info.verb, path: info.path };
  const fieldSelector = info.query.get('fieldSelector');
  const labelSelector = info.query.get('labelSelector');
  let { name } = info;
  if (name === '' && fieldSelector !== null)
    name = /(?:^|,)metadata\.name==?([^,]+)/.exec(fieldSelector)?.[1] ?? '';
  return {
    kind: 'resource',
    user,
    verb: info.verb,
    group: info.group,
    version: info.version,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name,
    ...(fieldSelector === null ? {} : { fieldSelector }),
    ...(labelSelector === null ? {} : { labelSelector }),
  };
}
