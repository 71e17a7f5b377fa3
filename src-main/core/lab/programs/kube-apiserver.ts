import { type Clock, sleep } from '#core/base';
import {
  type ApiServerConfig,
  assembleApiServer,
  parseDuration,
  type Pki,
  knownAdmissionPlugins,
  type Store,
  type StoredObject,
  StoreUnavailableError,
  type SendHttps,
} from '#core/kube';
import { createResolver, parseCidr, type Program, splitUrl } from '#core/machines';
import type { KubernetesRelease } from '../release.ts';
import {
  CommandFailedError,
  type Component,
  componentProgram,
  listenOrFail,
  requireFile,
} from './component.ts';
import { componentHealth } from './component-health.ts';
import { type EtcdService, etcdServiceName } from './etcd.ts';
import { flagSpecs } from './flags.ts';
import { kubeApiserverFlags } from './generated/component-flags.ts';
import { nodeTransport } from './node-transport.ts';
import { outboundHttps } from './outbound-https.ts';

export interface ApiServerDeps {
  readonly pki: Pki;
  readonly release: KubernetesRelease;
  /** Reaches servers on the computer's own loopback, for webhooks that are named by URL. */
  readonly callComputer?: SendHttps | undefined;
  /** Descriptions of fields for `kubectl explain`; a build product. */
  readonly descriptions: ApiServerConfig['descriptions'];
}

/** How long a starting API server tries to reach etcd before it gives up. */
const etcdTimeoutMs = 20_000;

/**
 * kube-apiserver: reads its flags and files as the real one does, finds etcd over the network, and answers on its
 * secure port. When etcd is gone its checks fail and writes are refused until it is back.
 */
export function kubeApiserver(deps: ApiServerDeps): Program {
  return componentProgram({
    flags: flagSpecs(kubeApiserverFlags),
    run: async (component) => {
      const { context, klog, terminated, own } = component;
      const config = await readConfig(component, deps);
      const connection = await connectEtcd(component, deps.pki);
      const store = new EtcdConnection(
        connection,
        () => dialEtcd(component, deps.pki),
        context.clock,
      );
      const server = own(
        assembleApiServer({
          ...config,
          store: store.guarded(),
          failingChecks: () => (store.alive ? [] : ['etcd']),
          componentHealth: () => componentHealth(context, () => store.alive),
        }),
      );
      context.process.setMemory(250 * 1024 * 1024);
      context.process.setCpu(42);
      let listening = { dispose: (): void => undefined };
      await server.bootstrap();
      listening = own(
        listenOrFail(
          context.net,
          config.port,
          {
            kind: 'http',
            tls: { certificate: config.servingCertificate, clientCa: config.clientCa ?? '' },
            handle: (request) => server.handle(request),
          },
          component.flags.has('bind-address')
            ? { address: component.flags.text('bind-address') ?? '' }
            : {},
        ),
      );
      klog.line('I', 'secure_serving.go:214', `Serving securely on [::]:${config.port}`);
      await terminated;
      listening.dispose();
      klog.line('I', 'secure_serving.go:259', `Stopped listening on [::]:${config.port}`);
      return 0;
    },
  });
}

interface ReadConfig extends Omit<ApiServerConfig, 'store' | 'failingChecks' | 'componentHealth'> {
  readonly servingCertificate: string;
}

/** Flags and files, checked in the order in which the real program stumbles over them. */
async function readConfig(
  { context, flags, klog }: Component,
  deps: ApiServerDeps,
): Promise<ReadConfig> {
  const { clock, random, logger } = context;
  const fail = (why: string): never => {
    throw new CommandFailedError(why);
  };
  const address = flags.text('advertise-address') ?? context.net.address;
  klog.line('I', 'options.go:263', `external host was not specified, using ${address}`);
  if (!flags.has('etcd-servers')) fail('--etcd-servers must be specified');
  const modes = flags.has('authorization-mode')
    ? flags.list('authorization-mode')
    : ['AlwaysAllow'];
  for (const mode of modes)
    if (!['Node', 'RBAC', 'ABAC', 'Webhook', 'AlwaysAllow', 'AlwaysDeny'].includes(mode))
      fail(`authorization-mode "${mode}" is not a valid mode`);
  const serviceRange = flags.text('service-cluster-ip-range') ?? '10.0.0.0/24';
  if (!parseCidr(serviceRange)) fail('service-cluster-ip-range[0] is not a valid cidr');
  const enabledPlugins = flags.list('enable-admission-plugins');
  const disabledPlugins = flags.list('disable-admission-plugins');
  for (const [flag, names] of [
    ['enable-admission-plugins', enabledPlugins],
    ['disable-admission-plugins', disabledPlugins],
  ] as const)
    for (const name of names)
      if (!knownAdmissionPlugins.includes(name)) fail(`${flag} plugin "${name}" is unknown`);
  const issuer = flags.text('service-account-issuer');
  if (issuer === undefined)
    fail(
      '[service-account-issuer is a required flag, --service-account-signing-key-file, --service-account-issuer, and --api-audiences should be specified together]',
    );
  const signingKey = requireFile(
    context,
    flags.text('service-account-signing-key-file') ?? '',
    'failed to parse service-account-issuer-key-file: ',
  );
  const certFile = flags.text('tls-cert-file') ?? '/var/run/kubernetes/apiserver.crt';
  const servingCertificate = requireFile(context, certFile);
  const servingKey = requireFile(context, flags.text('tls-private-key-file') ?? '');
  if (!(await deps.pki.keyMatches(servingCertificate, servingKey)))
    fail('tls: private key does not match public key');
  const optional = (flag: string): string | undefined => {
    const path = flags.text(flag);
    return path === undefined ? undefined : requireFile(context, path);
  };
  const clientCa = optional('client-ca-file');
  const requestHeaderCa = optional('requestheader-client-ca-file');
  for (const flag of ['etcd-cafile', 'etcd-certfile', 'etcd-keyfile']) {
    const path = flags.text(flag);
    if (path !== undefined) requireFile(context, path, 'error creating storage factory: ');
  }
  const publicKeys = flags
    .list('service-account-key-file')
    .map((path) => requireFile(context, path));
  const frontProxyCertificate = optional('proxy-client-cert-file');
  const kubeletCertificate = flags.text('kubelet-client-certificate');
  if (kubeletCertificate !== undefined)
    requireFile(context, kubeletCertificate, 'problem initializing API group "": ');
  const issuers = issuer?.split(',') ?? [];
  const audiences = flags.has('api-audiences') ? flags.list('api-audiences') : issuers;
  const [from = 30_000, to = 32_767] = (flags.text('service-node-port-range') ?? '30000-32767')
    .split('-')
    .map(Number);
  return {
    clock,
    random,
    logger,
    pki: deps.pki,
    version: deps.release.version,
    descriptions: deps.descriptions,
    advertiseAddress: address,
    hostname: context.net.name,
    port: Number(flags.text('secure-port') ?? 6443),
    servingCertificate,
    anonymous: flags.bool('anonymous-auth', true),
    authorizationModes: modes,
    ...(clientCa === undefined ? {} : { clientCa }),
    ...(requestHeaderCa === undefined
      ? {}
      : {
          requestHeader: {
            ca: requestHeaderCa,
            allowedNames: flags.list('requestheader-allowed-names'),
            usernameHeaders: flags.list('requestheader-username-headers'),
            groupHeaders: flags.list('requestheader-group-headers'),
            extraHeaderPrefixes: flags.list('requestheader-extra-headers-prefix'),
          },
        }),
    serviceAccounts: { issuers, audiences, publicKeys, signingKey },
    bootstrapTokens: flags.bool('enable-bootstrap-token-auth', false),
    enabledPlugins,
    disabledPlugins,
    serviceClusterIpRange: serviceRange,
    nodePortRange: { from, to },
    compactionIntervalMs: parseDuration(flags.text('etcd-compaction-interval') ?? '5m') ?? 0,
    connect: (target) =>
      nodeTransport(
        context,
        target,
        kubeletCertificate === undefined ? undefined : context.files.readText(kubeletCertificate),
      ),
    sendHttps: outboundHttps(context, frontProxyCertificate, deps.callComputer),
  };
}

async function connectEtcd(component: Component, pki: Pki): Promise<EtcdService> {
  const { context, klog, flags } = component;
  const startMs = context.clock.now();
  for (let attempt = 1; ; attempt++) {
    const result = await dialEtcd(component, pki);
    if (typeof result !== 'string') return result;
    const address = /\/\/([^/,]+)/.exec(flags.text('etcd-servers') ?? '')?.[1] ?? '';
    klog.line(
      'W',
      'logging.go:55',
      `[core] [Channel #${attempt} SubChannel #${attempt + 1}] grpc: addrConn.createTransport failed to connect to {Addr: "${address}", ServerName: "${address}", }. Err: connection error: desc = "${result}"`,
    );
    if (context.clock.now() - startMs >= etcdTimeoutMs)
      throw new CommandFailedError('error creating storage factory: context deadline exceeded');
    await Promise.race([
      sleep(context.clock, Math.min(1000 * attempt, 5000), context.signal),
      component.terminated,
    ]);
    if (context.signal.aborted) throw new CommandFailedError('context canceled');
  }
}

/** @returns the service, or gRPC's words for what went wrong. */
async function dialEtcd({ context, flags }: Component, pki: Pki): Promise<EtcdService | string> {
  const { net, files, clock } = context;
  const [server = ''] = flags.list('etcd-servers');
  const { host, port, secure } = splitUrl(server);
  try {
    const resolver = createResolver({
      files,
      net,
      clock,
      random: context.random,
      signal: context.signal,
    });
    const [address = host] = await resolver.lookup(host);
    const { listener } = await net.dial(address, port, 'tcp', {
      timeoutMs: 5000,
      signal: context.signal,
    });
    if (listener.kind !== 'object' || listener.service !== etcdServiceName)
      return 'error reading server preface: EOF';
    if (secure !== (listener.tls !== undefined)) return 'error reading server preface: EOF';
    if (listener.tls) {
      const ca = flags.text('etcd-cafile');
      const problem = await pki.verifyCertificate(
        listener.tls.certificate,
        ca === undefined ? '' : files.readText(ca),
        clock.now(),
        'server',
      );
      if (problem !== undefined)
        return `transport: authentication handshake failed: tls: failed to verify certificate: ${problem}`;
      const own = flags.text('etcd-certfile');
      if (listener.tls.clientCa !== undefined) {
        if (own === undefined)
          return 'error reading server preface: remote error: tls: certificate required';
        const refused = await pki.verifyCertificate(
          files.readText(own),
          listener.tls.clientCa,
          clock.now(),
          'client',
        );
        if (refused !== undefined)
          return 'error reading server preface: remote error: tls: bad certificate';
      }
    }
    return listener.object as EtcdService;
  } catch (error) {
    return `transport: Error while dialing: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** The API server's end of its connection: looks for etcd again when the process there has ended. */
class EtcdConnection {
  #service: EtcdService;
  #dialing = false;
  #lastDialMs = 0;
  readonly #dial: () => Promise<EtcdService | string>;
  readonly #clock: Clock;

  constructor(service: EtcdService, dial: () => Promise<EtcdService | string>, clock: Clock) {
    this.#service = service;
    this.#dial = dial;
    this.#clock = clock;
  }

  get alive(): boolean {
    if (!this.#service.alive) this.#reconnect();
    return this.#service.alive;
  }

  /** The store, refusing every call while nobody serves it. */
  guarded(): Store<StoredObject> {
    return new Proxy(this.#service.store, {
      get: (store, property) => {
        if (!this.alive && property !== 'watch' && property !== 'revision')
          throw new StoreUnavailableError('etcdserver: request timed out');
        const value: unknown = Reflect.get(store, property, store);
        return typeof value === 'function' ? (value.bind(store) as unknown) : value;
      },
    });
  }

  #reconnect(): void {
    if (this.#dialing || this.#clock.now() - this.#lastDialMs < 500) return;
    this.#dialing = true;
    this.#lastDialMs = this.#clock.now();
    void this.#dial().then((found) => {
      this.#dialing = false;
      // A restored data directory is another history: only a new process may go on with it.
      if (typeof found !== 'string' && found.store === this.#service.store) this.#service = found;
    });
  }
}
