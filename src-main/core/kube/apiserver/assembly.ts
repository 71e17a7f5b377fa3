import {
  type Clock,
  defer,
  DisposableStore,
  hex,
  type Logger,
  type Random,
  utf8,
} from '#core/base';
import { builtinResources, builtinSchemas, type Descriptions, strategyFor } from '../apis/index.ts';
import { type ApiRequest, isReason, type KubeObject, type Transport } from '../machinery/index.ts';
import type { Store } from '../storage/index.ts';
import { createAdmissionChain } from './admission/index.ts';
import { createAggregator, reconcileLocalApiServices } from './aggregation/index.ts';
import {
  createAuthenticator,
  discoveryDocument,
  impersonatedUser,
  ImpersonationModes,
  issueServiceAccountToken,
  keySetDocument,
} from './authentication/index.ts';
import {
  alwaysAllowAuthorizer,
  alwaysDenyAuthorizer,
  createNodeAuthorizer,
  createRbacAuthorizer,
  mastersAuthorizer,
  reconcileBootstrapPolicy,
  subjectRulesStatus,
  unionAuthorizer,
} from './authorization/index.ts';
import { runCompactor } from './compactor.ts';
import { runCrdLifecycle } from './crd-lifecycle.ts';
import { createCrdRegistry } from './crds/index.ts';
import { runIpAddresses } from './ip-addresses.ts';
import { createLoopback } from './loopback.ts';
import { type FlowControl, runFlowControl } from './flow-control.ts';
import { checkRoute } from './negotiation.ts';
import { createWebhookClient, type SendHttps } from './outbound/index.ts';
import type { ApiServer, ComponentHealth, ProxyTarget, VersionInfo } from './options.ts';
import { createApiServer } from './server.ts';
import { createServerState } from './state.ts';
import { systemObjects } from './system-objects.ts';
import type { StoredObject } from './stored-object.ts';
import type { Authorizer, Pki, UserInfo } from './types.ts';

/** What kube-apiserver's flags and files come to, once read. */
export interface ApiServerConfig {
  readonly store: Store<StoredObject>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly pki: Pki;
  readonly version: VersionInfo;
  readonly descriptions: Descriptions | undefined;
  readonly advertiseAddress: string;
  /** Name of the machine. */
  readonly hostname: string;
  readonly port: number;
  readonly anonymous: boolean;
  /** `Node`, `RBAC`, `AlwaysAllow`, `AlwaysDeny`; others never allow. */
  readonly authorizationModes: readonly string[];
  /** PEM bundle of `--client-ca-file`. */
  readonly clientCa?: string;
  readonly requestHeader?: NonNullable<Parameters<typeof createAuthenticator>[0]['requestHeader']>;
  readonly serviceAccounts: {
    readonly issuers: readonly string[];
    readonly audiences: readonly string[];
    /** PEM. */
    readonly publicKeys: readonly string[];
    readonly signingKey: string;
  };
  readonly bootstrapTokens: boolean;
  readonly enabledPlugins: readonly string[];
  readonly disabledPlugins: readonly string[];
  readonly serviceClusterIpRange: string;
  readonly nodePortRange: { readonly from: number; readonly to: number };
  readonly connect?: (target: ProxyTarget) => Transport;
  /** `--etcd-compaction-interval`. */
  readonly compactionIntervalMs: number;
  /** Names of checks that fail at the moment, beyond the server's own. */
  readonly failingChecks?: () => readonly string[];
  /** Health of the components beside the server, for ComponentStatus. */
  readonly componentHealth?: () => Promise<readonly ComponentHealth[]>;
  /** Reaches webhooks and aggregated servers. Absent: nobody answers. */
  readonly sendHttps?: SendHttps;
}

/** A whole kube-apiserver: authentication, authorization, admission, custom resources and documents joined. */
export function assembleApiServer(config: ApiServerConfig): ApiServer {
  const { store, clock, random, logger, pki } = config;
  const owned = new DisposableStore();
  const state = createServerState(store, builtinResources);
  const loopbackToken = hex(random, 64);
  const [publicKey = ''] = config.serviceAccounts.publicKeys;
  const authenticator = createAuthenticator({
    state,
    pki,
    clock,
    ...(config.clientCa === undefined ? {} : { clientCa: config.clientCa }),
    ...(config.requestHeader ? { requestHeader: config.requestHeader } : {}),
    serviceAccounts: {
      ...config.serviceAccounts,
      labelLastUsed: async ({ metadata: { namespace, name, uid } }, label, date) => {
        const patch = { metadata: { uid, labels: { [label]: date } } };
        await loopback
          .request('PATCH', `/api/v1/namespaces/${namespace}/secrets/${name}`, patch)
          .catch((error: unknown) => {
            logger.log('warn', 'use of a token not noted', { error: String(error) });
          });
      },
    },
    bootstrapTokens: config.bootstrapTokens,
    staticTokens: new Map<string, UserInfo>([
      [loopbackToken, { username: 'system:apiserver', groups: ['system:masters'] }],
    ]),
    anonymous: config.anonymous,
  });
  const rbac = createRbacAuthorizer(state);
  const modes: Readonly<Record<string, Authorizer>> = {
    Node: createNodeAuthorizer(state),
    RBAC: rbac,
    AlwaysAllow: alwaysAllowAuthorizer,
    AlwaysDeny: alwaysDenyAuthorizer,
  };
  const authorizer = unionAuthorizer([
    mastersAuthorizer,
    ...config.authorizationModes.flatMap((mode) => modes[mode] ?? []),
  ]);
  const sendHttps: SendHttps =
    config.sendHttps ??
    (({ host, port }) =>
      Promise.reject(new Error(`dial tcp ${host}:${port}: connect: no route to host`)));
  const callWebhook = createWebhookClient(state, clock, sendHttps);
  const aggregator = owned.add(createAggregator({ state, clock, logger, send: sendHttps }));
  const customResources = createCrdRegistry({
    state,
    random,
    schemas: builtinSchemas,
    callWebhook,
  });
  const issuer = {
    state,
    pki,
    clock,
    random,
    issuer: config.serviceAccounts.issuers[0] ?? '',
    audiences: config.serviceAccounts.audiences,
    privateKey: config.serviceAccounts.signingKey,
    publicKey,
  };
  const impersonationModes = new ImpersonationModes();
  const openIdPath = '/.well-known/openid-configuration';
  const keysPath = '/openid/v1/jwks';
  const json = (request: ApiRequest, object: object, type = 'application/json') => {
    checkRoute(request, [type]);
    return {
      status: 200,
      headers: { 'content-type': type, 'cache-control': 'public, max-age=3600' },
      body: { kind: 'bytes' as const, bytes: utf8(JSON.stringify(object)) },
    };
  };

  const server: ApiServer = createApiServer({
    store,
    state,
    clock,
    random,
    logger,
    version: config.version,
    resources: builtinResources,
    schemas: builtinSchemas,
    strategyFor,
    customResources,
    ...(config.descriptions ? { descriptions: config.descriptions } : {}),
    aggregator,
    authenticator,
    authorizer,
    admission: createAdmissionChain({
      state,
      clock,
      random,
      pki,
      authorizer,
      ...(config.authorizationModes.includes('RBAC') ? { rbac } : {}),
      enabled: config.enabledPlugins,
      disabled: config.disabledPlugins,
      callWebhook,
      resourceOfKind: (group, version, kind) =>
        [...builtinResources.rows, ...customResources.resources()].find(
          (row) => row.group === group && row.version === version && row.kind === kind,
        ),
      updateStatus: async (group, resource, object) => {
        const row = builtinResources.preferred(group, resource);
        const root = group === '' ? '/api/v1' : `/apis/${group}/${row?.version ?? 'v1'}`;
        await loopback.request(
          'PUT',
          `${root}/namespaces/${object.metadata.namespace ?? ''}/${resource}/${object.metadata.name ?? ''}/status`,
          object,
        );
      },
    }),
    anonymous: config.anonymous,
    serviceClusterIpRange: config.serviceClusterIpRange,
    nodePortRange: config.nodePortRange,
    advertiseAddress: config.advertiseAddress,
    hostname: config.hostname,
    port: config.port,
    ...(config.connect ? { connect: config.connect } : {}),
    ...(config.componentHealth ? { componentHealth: config.componentHealth } : {}),
    createToken: (namespace, name, request, warn, validate) =>
      issueServiceAccountToken(issuer, namespace, name, request, warn, validate),
    reviewToken: (token, audiences) => authenticator.reviewToken(token, audiences),
    subjectRules: (user, namespace) => subjectRulesStatus(rbac, user, namespace),
    impersonate: ({ headers, repeated }, attributes) =>
      impersonatedUser(authorizer, headers, attributes, repeated, impersonationModes),
    extraPaths: {
      [openIdPath]: (request) =>
        json(
          request,
          discoveryDocument(
            issuer.issuer,
            `https://${config.advertiseAddress}:${config.port}${keysPath}`,
            config.serviceAccounts.publicKeys,
          ),
        ),
      [keysPath]: async (request) =>
        json(
          request,
          await keySetDocument(pki, config.serviceAccounts.publicKeys),
          'application/jwk-set+json',
        ),
    },
    failingChecks: () => config.failingChecks?.() ?? [],
    flowHeaders: (user, info) => flowControl?.headersFor(user, info) ?? {},
  });
  let flowControl: FlowControl | undefined;
  const loopback = createLoopback((request) => server.handle(request), loopbackToken);

  return {
    handle: (request) => server.handle(request),
    state,
    ready: () => server.ready(),
    remove: (info, metadata) => server.remove(info, metadata),
    bootstrap: async () => {
      await server.bootstrap();
      const write = (method: 'POST' | 'PUT', url: string, object: KubeObject): Promise<unknown> =>
        loopback.request(method, url, object).catch((error: unknown) => {
          if (!isReason(error, 'AlreadyExists') && !isReason(error, 'Conflict')) throw error;
        });
      for (const { operation, resource, object } of reconcileBootstrapPolicy(state)) {
        const { namespace, name = '' } = object.metadata;
        const scope = namespace ? `/namespaces/${namespace}` : '';
        const path = `/apis/rbac.authorization.k8s.io/v1${scope}/${resource}`;
        await (operation === 'create'
          ? write('POST', path, object)
          : write('PUT', `${path}/${name}`, object));
      }
      for (const { url, object } of systemObjects(config)) await write('POST', url, object);
      const register = async (): Promise<void> => {
        const served = [...builtinResources.rows, ...customResources.resources()];
        const writes = reconcileLocalApiServices(state, served, clock.now());
        const path = '/apis/apiregistration.k8s.io/v1/apiservices';
        for (const object of writes.create) await write('POST', path, object);
        for (const name of writes.delete)
          await loopback.request('DELETE', `${path}/${name}`).catch(() => undefined);
      };
      await register();
      aggregator.start(store, loopback);
      owned.add(
        customResources.onChange(() => void owned.add(defer(clock, () => void register()))),
      );
      const flow = runFlowControl({ store, state, loopback, clock, logger });
      flowControl = owned.add(flow);
      await flow.started;
      owned.add(runIpAddresses({ store, state, loopback, clock }));
      owned.add(runCompactor({ store, clock, logger, intervalMs: config.compactionIntervalMs }));
      owned.add(
        runCrdLifecycle({
          store,
          state,
          registry: customResources,
          loopback,
          remove: (info, metadata) => server.remove(info, metadata),
          clock,
          logger,
        }),
      );
    },
    dispose: () => {
      owned.dispose();
      server.dispose();
    },
  };
}
