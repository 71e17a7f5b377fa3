import { sleep } from '#core/base';
import {
  type ApiRequest,
  type ApiResponse,
  parseDuration,
  type Pki,
  StatusError,
} from '#core/kube';
import { createResolver, type Program } from '#core/machines';
import {
  CommandFailedError,
  type Component,
  componentProgram,
  listenOrFail,
  requireFile,
} from '../component.ts';
import type { FlagSpec } from '../flags.ts';
import { pathOf, plainAnswer } from '../http-answer.ts';
import { inClusterConfig, readKubeconfig } from '../kubeconfig.ts';
import { metricsApi } from './metrics-api.ts';
import { MetricsStore } from './metrics-store.ts';
import { scrape } from './scraper.ts';

/** The newest release, which manifests name. */
export const metricsServerVersion = 'v0.8.1';

const text = (name: string): FlagSpec => ({ name, kind: 'string' });
const flags: readonly FlagSpec[] = [
  ...['cert-dir', 'secure-port', 'bind-address', 'metric-resolution', 'kubeconfig', 'v'].map(text),
  ...['tls-cert-file', 'tls-private-key-file', 'requestheader-client-ca-file'].map(text),
  ...['kubelet-port', 'kubelet-certificate-authority', 'kubelet-request-timeout'].map(text),
  ...['kubelet-client-certificate', 'kubelet-client-key'].map(text),
  { name: 'kubelet-preferred-address-types', kind: 'list' },
  { name: 'kubelet-use-node-status-port', kind: 'bool' },
  { name: 'kubelet-insecure-tls', kind: 'bool' },
];
const dayMs = 86_400_000;

/** metrics-server: asks the kubelets what is used, and serves metrics.k8s.io behind the API server. */
export function metricsServer(deps: { readonly pki: Pki }): Program {
  return componentProgram({
    flags,
    run: async (component) => {
      const { context, flags: given, klog, terminated, own, client } = component;
      const { files, env, clock, signal } = context;
      const resolutionMs = duration(given.text('metric-resolution') ?? '1m0s');
      if (resolutionMs < 10_000)
        throw new CommandFailedError(
          'metric-resolution should be a time duration at least 10s, but value ' +
            `${given.text('metric-resolution') ?? ''} provided`,
        );
      const config = given.has('kubeconfig')
        ? readKubeconfig(files, given.text('kubeconfig') ?? '')
        : inClusterConfig(files, env);
      const certificate = await servingCertificate(component, deps.pki);
      const api = client(config, `metrics-server/${metricsServerVersion}`);
      const clientCa = await frontProxyCa(component, api.client);
      const nodes = api.informers.for('nodes');
      const pods = api.informers.for('pods');
      api.informers.start();
      const store = new MetricsStore(resolutionMs);
      const answer = metricsApi({
        store,
        nodes: () => nodes.list(),
        pods: () => pods.list(),
        nowMs: () => clock.now(),
      });
      const handle = async (request: ApiRequest): Promise<ApiResponse> => {
        const path = pathOf(request.url);
        if (['/livez', '/healthz'].includes(path)) return plainAnswer(200, 'ok');
        if (path === '/readyz') return store.ready ? plainAnswer(200, 'ok') : notReady();
        const { peerCertificate } = request;
        const trusted =
          peerCertificate !== undefined &&
          (await deps.pki.verifyCertificate(peerCertificate, clientCa, clock.now(), 'client')) ===
            undefined;
        if (!trusted) return anonymousRefusal(request, path);
        return answer(request) ?? plainAnswer(404, '404 page not found\n');
      };
      const notReady = (): ApiResponse => {
        klog.info('server.go:192', 'Failed probe', {
          probe: 'metric-storage-ready',
          err: 'no metrics to serve',
        });
        return plainAnswer(
          500,
          '[+]ping ok\n[+]log ok\n[+]poststarthook/max-in-flight-filter ok\n[-]metric-storage-ready failed: reason withheld\n[+]metric-informer-sync ok\n[+]metadata-informer-sync ok\n[+]shutdown ok\nreadyz check failed\n',
        );
      };
      const port = Number(given.text('secure-port') ?? 443);
      await Promise.race([api.informers.waitForSync(), terminated]);
      if (signal.aborted) return 137;
      own(
        listenOrFail(context.net, port, { kind: 'http', tls: { certificate, clientCa }, handle }),
      );
      klog.line('I', 'secure_serving.go:213', `Serving securely on [::]:${port}`);
      context.process.setMemory(20 * 1024 * 1024);
      context.process.setCpu(4);
      const insecure = given.bool('kubelet-insecure-tls', false);
      const ownCa = given.text('kubelet-certificate-authority');
      const roots = ownCa === undefined ? (config.ca ?? '') : requireFile(context, ownCa);
      const { resolver, token } = clientParts(component, config);
      const addressTypes = given.list('kubelet-preferred-address-types');
      const round = async (): Promise<void> => {
        store.store(
          await scrape(nodes.list(), {
            net: context.net,
            clock,
            signal,
            resolve: (host) => resolver.lookup(host),
            addressTypes: addressTypes.length > 0 ? addressTypes : defaultAddressTypes,
            useNodeStatusPort: given.bool('kubelet-use-node-status-port', false),
            port: Number(given.text('kubelet-port') ?? 10_250),
            roots: insecure ? undefined : roots,
            token,
            timeoutMs: duration(given.text('kubelet-request-timeout') ?? '10s'),
            onFailure: (node, err) =>
              klog.error('scraper.go:149', 'Failed to scrape node', { err, node }),
          }),
        );
      };
      void (async () => {
        while (!signal.aborted) {
          const dueMs = clock.now() + resolutionMs;
          await round();
          await sleep(clock, Math.max(0, dueMs - clock.now()), signal, { background: true });
        }
      })().catch(() => undefined);
      await terminated;
      return 0;
    },
  });
}

const defaultAddressTypes = ['Hostname', 'InternalDNS', 'InternalIP', 'ExternalDNS', 'ExternalIP'];

/** @throws CommandFailedError it is none. */
function duration(value: string): number {
  const ms = parseDuration(value);
  if (ms === undefined)
    throw new CommandFailedError(`time: invalid duration ${JSON.stringify(value)}`);
  return ms;
}

function clientParts({ context }: Component, config: ReturnType<typeof inClusterConfig>) {
  const { files, net, clock, random, signal } = context;
  return {
    resolver: createResolver({ files, net, clock, random, signal }),
    token: (): string =>
      config.token ??
      (config.tokenFile === undefined ? '' : files.readText(config.tokenFile).trim()),
  };
}

/** The certificate of `--tls-cert-file`, or one made now and signed by itself. */
async function servingCertificate(
  { context, flags: given, klog }: Component,
  pki: Pki,
): Promise<string> {
  const file = given.text('tls-cert-file');
  if (file !== undefined) return requireFile(context, file);
  const folder = given.text('cert-dir') ?? 'apiserver.local.config/certificates';
  const [path, keyPath] = [`${folder}/apiserver.crt`, `${folder}/apiserver.key`];
  const { privateKey } = await pki.generateKey();
  const nowMs = context.clock.now();
  const certificate = await pki.issue({
    commonName: `localhost@${Math.floor(nowMs / 1000)}`,
    subjectKey: privateKey,
    dnsNames: ['localhost', 'localhost'],
    ipAddresses: ['127.0.0.1'],
    keyUsages: ['digital signature', 'key encipherment'],
    extendedKeyUsages: ['server auth'],
    notBeforeMs: nowMs,
    notAfterMs: nowMs + 365 * dayMs,
  });
  try {
    context.files.writeFile(path, certificate, 0o644);
    context.files.writeFile(keyPath, privateKey, 0o600);
  } catch (error) {
    throw new CommandFailedError(
      `error creating self-signed certificates: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  klog.line('I', 'serving.go:380', `Generated self-signed cert (${path}, ${keyPath})`);
  return certificate;
}

/** The CA of those who may speak for others: from the ConfigMap that the API server keeps for this. */
async function frontProxyCa(
  { context, flags: given }: Component,
  client: ReturnType<Component['client']>['client'],
): Promise<string> {
  const file = given.text('requestheader-client-ca-file');
  if (file !== undefined) return requireFile(context, file);
  try {
    const found = await client
      .resource('configmaps')
      .get('kube-system', 'extension-apiserver-authentication');
    return found.data?.['requestheader-client-ca-file'] ?? '';
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    throw new CommandFailedError(
      `unable to load configmap based request-header-client-ca-file: ${error.message}`,
    );
  }
}

function anonymousRefusal({ method }: ApiRequest, path: string): ApiResponse {
  const verb = method === 'GET' ? 'get' : method.toLowerCase();
  const answer = plainAnswer(
    403,
    JSON.stringify({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `forbidden: User "system:anonymous" cannot ${verb} path "${path}"`,
      reason: 'Forbidden',
      details: {},
      code: 403,
    }),
  );
  return { ...answer, headers: { 'content-type': 'application/json' } };
}
