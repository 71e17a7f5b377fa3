import { seededRandom, type Disposable, nameSuffix, utf8, uuid } from '#core/base';
import {
  type ApiRequest,
  type ApiResponse,
  badRequest,
  failure,
  internalError,
  isStatusError,
  unauthorized,
} from '../machinery/index.ts';
import { forbiddenByAuthorizer } from './authorization/index.ts';
import {
  identityRenewMs,
  renewIdentityLease,
  writeBootstrapObjects,
  removeUnasked,
} from './bootstrap.ts';
import {
  type Call,
  methodNotAllowed,
  methodNotSupported,
  notServed,
  type ServerContext,
  writeOptions,
} from './call.ts';
import { Catalog, type Served } from './catalog.ts';
import { handleDelete, handleDeleteCollection } from './delete.ts';
import { documentResponse } from './document-response.ts';
import { Documents } from './documents.ts';
import { healthMetrics, healthResponse } from './health.ts';
import {
  checkRoute,
  errorResponse,
  listMedia,
  objectMedia,
  objectResponse,
  outputForm,
  textResponse,
} from './negotiation.ts';
import { nominalSeats } from './flow-control.ts';
import type { ApiServer, ApiServerOptions } from './options.ts';
import { handlePatch } from './patch.ts';
import { handleComponentStatus } from './component-status.ts';
import { deprecationOf } from './deprecations.ts';
import { handleGet, handleList, warningHeaders } from './read.ts';
import { type RequestInfo, requestInfoOf, type Unreadable } from './request-info.ts';
import { handleReview, isReview } from './reviews.ts';
import { deadlineOf, RequestTimedOut, timedOutResponse } from './request-timeout.ts';
import { bindPod, handleSubresource, viewTarget } from './subresources.ts';
import type { Attributes, UserInfo } from './types.ts';
import { handleWatch } from './watch.ts';
import { WatchHub } from './watch-hub.ts';
import { decodeObject, handleCreate, handleUpdate } from './write.ts';

const anonymous: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };
const streamed = new Set(['exec', 'attach', 'portforward']);
const metricsHeaders = { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' };

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

  remove(...[info, metadata]: Parameters<ApiServer['remove']>): Promise<void> {
    return removeUnasked(this.#context, info, metadata);
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
    if (!('kind' in info)) return unreadable(info);
    const warnings: string[] = [];
    let response: ApiResponse;
    let user = anonymous;
    let flowHeaders: Readonly<Record<string, string>> | undefined;
    try {
      const deadlineMs = deadlineOf(info, this.#options.clock.now());
      user = await this.#userOf(request, info);
      flowHeaders = this.#options.flowHeaders?.(user, info);
      response = await this.#route(request, info, user, warnings, deadlineMs);
    } catch (error) {
      response = this.#failed(error, request, info, warnings);
    }
    const verb = info.kind === 'resource' ? info.verb : info.verb.toUpperCase();
    // What nobody serves has no name of its own: clients could make up any number of them.
    const resource =
      info.kind === 'resource' &&
      this.#context.catalog.get(info.group, info.version, info.resource) !== undefined
        ? info.resource
        : '';
    const counted = `${verb} ${resource} ${response.status}`;
    this.#requests.set(counted, (this.#requests.get(counted) ?? 0) + 1);
    this.#options.audit?.({
      user,
      verb,
      url: request.url,
      status: response.status,
    });
    return {
      ...response,
      headers: { ...response.headers, ...flowHeaders, 'audit-id': uuid(this.#options.random) },
    };
  }

  #failed(
    error: unknown,
    request: ApiRequest,
    info: RequestInfo,
    warnings: readonly string[],
  ): ApiResponse {
    if (error instanceof RequestTimedOut) return timedOutResponse();
    if (!isStatusError(error))
      this.#options.logger.log('error', 'request failed', {
        url: request.url,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    const { status } = isStatusError(error) ? error : internalError(error);
    return errorResponse(request, info, status, {
      ...warningHeaders(warnings),
      ...(refusals.has(error as object) ? { 'x-content-type-options': 'nosniff' } : {}),
    });
  }

  async #userOf(request: ApiRequest, info: RequestInfo): Promise<UserInfo> {
    const { authenticator, impersonate } = this.#options;
    const user =
      (await authenticator.authenticate(request)) ??
      (this.#options.anonymous ? anonymous : undefined);
    if (!user) throw unauthorized();
    if (!impersonate || !(impersonates(request.headers) || impersonates(request.repeated)))
      return user;
    try {
      return await impersonate(request, attributesOf(info, user));
    } catch (error) {
      throw asRefusal(error);
    }
  }

  async #authorize(attributes: Attributes): Promise<void> {
    const pending = this.#options.authorizer.authorize(attributes);
    const { decision, reason } = pending instanceof Promise ? await pending : pending;
    if (decision !== 'allow') throw asRefusal(forbiddenByAuthorizer(attributes, reason));
  }

  async #route(
    request: ApiRequest,
    info: RequestInfo,
    user: UserInfo,
    warnings: string[],
    deadlineMs: number | undefined,
  ): Promise<ApiResponse> {
    await this.#authorize(attributesOf(info, user));
    const delegated = this.#options.aggregator?.delegate(request, user);
    if (delegated) return delegated;
    if (info.kind === 'other' || info.path.startsWith('//'))
      return this.#other(request, { ...info, kind: 'other' });
    const { catalog } = this.#context;
    if (!catalog.hasGroup(info.group)) return textResponse(404, '404 page not found\n');
    const served = catalog.get(info.group, info.version, info.resource);
    if (!served && catalog.isCustomGroup(info.group))
      return textResponse(404, '404 page not found\n');
    if (!served || info.tooLong) throw notServed();
    // Routes of built-in resources have no empty parts.
    if (!served.custom && info.path.includes('//', 1)) throw notServed();
    if (served.info.namespaced) {
      if (info.namespace === '' && (info.name !== '' || info.subresource !== '')) throw notServed();
      if (info.namespace === '' && info.verb !== 'list' && info.verb !== 'watch')
        throw methodNotAllowed();
    } else if (info.namespace !== '' && (info.resource !== 'namespaces' || info.name === ''))
      throw notServed();
    if (info.namespace === '.' || info.namespace === '..')
      throw failure(500, '', `invalid key: "/${info.resource}/${info.namespace}"`);
    if (streamed.has(info.subresource) && request.method === 'GET')
      await this.#authorize({
        ...(attributesOf(info, user) as Attributes & { kind: 'resource' }),
        verb: 'create',
      });
    checkPathSegment(info.name);
    const deprecation = served.custom
      ? this.#options.customResources?.deprecationOf(served.info)
      : deprecationOf(served.info);
    const warn = (): void => {
      if (deprecation !== undefined) warnings.push(deprecation);
    };
    // A watch that is not to be had is the handler's to refuse.
    if (info.verb === 'watch') warn();
    if (info.subresource === '') {
      const isTerminating = this.#options.customResources?.isTerminating(served.info) === true;
      checkMethod(served, info, request.method, isTerminating);
    }
    if (!served.custom) {
      const isList = info.name === '' && request.method === 'GET';
      checkRoute(request, isList && served.info.verbs.includes('watch') ? listMedia : objectMedia);
    }
    const form = outputForm(request, info, served.custom);
    if (info.verb !== 'watch') warn();
    const call: Call = {
      context: this.#context,
      request,
      info: served.info.namespaced ? info : { ...info, namespace: '' },
      user,
      served,
      form,
      warnings,
      deadlineMs,
    };
    if (info.subresource !== '') return handleSubresource(call);
    return this.#resource(call);
  }

  #resource(call: Call): ApiResponse | Promise<ApiResponse> {
    const { info, served } = call;
    const { kind, group } = served.info;
    if (isReview(kind) && info.verb === 'create') return handleReview(call);
    if (kind === 'Binding' && group === '' && info.verb === 'create') {
      const write = writeOptions(call, 'CreateOptions');
      const binding = decodeObject(call, write);
      return bindPod(call, binding.metadata.name ?? '', binding, write);
    }
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
    if (path.startsWith('//')) return textResponse(404, '404 page not found\n');
    if (path.startsWith('/version/') && path !== '/version/') throw notServed();
    const extra = this.#options.extraPaths?.[path];
    if (extra) {
      if (request.method !== 'GET') throw methodNotAllowed();
      return extra(request);
    }
    const health = healthResponse(path, info.query, this.ready());
    if (health) return health;
    switch (path) {
      case '/version':
      case '/version/':
        if (request.method !== 'GET') throw methodNotAllowed();
        checkRoute(request, ['application/json']);
        return objectResponse(200, this.#options.version, { media: 'json', pretty: true });
      case '/metrics':
        return textResponse(200, this.#metrics(), metricsHeaders);
      case '/metrics/slis':
        return textResponse(200, healthMetrics(this.ready()), metricsHeaders);
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
    lines.push(
      '# HELP apiserver_flowcontrol_nominal_limit_seats [BETA] Nominal number of execution seats configured for each priority level',
      '# TYPE apiserver_flowcontrol_nominal_limit_seats gauge',
    );
    for (const [level, seats] of nominalSeats(this.#options.state))
      lines.push(`apiserver_flowcontrol_nominal_limit_seats{priority_level="${level}"} ${seats}`);
    return `${lines.join('\n')}\n`;
  }
}

/** What is answered before anything is known of the request. */
function unreadable({ status, text }: Unreadable): ApiResponse {
  return {
    status,
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      ...(status === 500 ? { 'x-content-type-options': 'nosniff' } : {}),
    },
    body: { kind: 'bytes', bytes: utf8(text) },
  };
}

/** Errors of the filters before the handlers, which say that nobody may guess their type. */
const refusals = new WeakSet<object>();

function asRefusal(error: unknown): unknown {
  if (typeof error === 'object' && error !== null) refusals.add(error);
  return error;
}

/** @throws StatusError 400 for a name that could lead elsewhere. @see api/validation/path, IsValidPathSegmentName */
function checkPathSegment(name: string): void {
  if (name === '.' || name === '..')
    throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: may not be '${name}'`);
  if (name.includes('/') || name.includes('%'))
    throw badRequest(
      `Name parameter invalid: ${JSON.stringify(name)}: may not contain '${name.includes('/') ? '/' : '%'}'`,
    );
}

/**
 * @param isTerminating discovery hides the writes of a custom resource that goes away; its objects can be changed to
 *   the end.
 * @throws StatusError 405 for a verb the resource does not have.
 */
function checkMethod(
  { info: { verbs, group, resource }, custom }: Served,
  info: RequestInfo & { readonly kind: 'resource' },
  method: ApiRequest['method'],
  isTerminating: boolean,
): void {
  const { verb, name } = info;
  // What can only be created has no path for one object.
  if (!custom && name !== '' && verbs.length === 1 && verbs[0] === 'create') throw notServed();
  if (custom && verb === '') throw methodNotSupported({ group, resource }, verb);
  // Routes of built-in resources have no HEAD.
  if (!custom && method === 'HEAD') throw methodNotAllowed();
  if (verb === 'create' && name !== '' && !custom) throw methodNotAllowed();
  if (custom && verb === 'update' && name === '') throw badRequest('name must be provided');
  if ((verb === 'update' || verb === 'patch') && name === '') throw methodNotAllowed();
  const isChange = verb === 'update' || verb === 'patch' || verb === 'create';
  if (isTerminating && isChange) return;
  if ((verbs as readonly string[]).includes(verb)) return;
  throw verb === 'watch' && (verbs as readonly string[]).includes('list')
    ? methodNotSupported({ group, resource }, verb)
    : methodNotAllowed();
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

function impersonates(headers: object | undefined): boolean {
  for (const name in headers) if (name.startsWith('impersonate-')) return true;
  return false;
}
