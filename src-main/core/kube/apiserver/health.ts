import { byBytes, utf8 } from '#core/base';
import type { ApiResponse } from '../machinery/index.ts';
import { textResponse } from './negotiation.ts';

/** Checks of `/livez` and `/healthz`, in upstream's order. */
const hooks = [
  'start-apiserver-admission-initializer',
  'generic-apiserver-start-informers',
  'priority-and-fairness-config-consumer',
  'priority-and-fairness-filter',
  'storage-object-count-tracker-hook',
  'start-apiextensions-informers',
  'start-apiextensions-controllers',
  'crd-informer-synced',
  'start-system-namespaces-controller',
  'peer-endpoint-reconciler-controller',
  'start-cluster-authentication-info-controller',
  'start-kube-apiserver-identity-lease-controller',
  'start-kube-apiserver-identity-lease-garbage-collector',
  'storage-readiness',
  'start-legacy-token-tracking-controller',
  'start-service-ip-repair-controllers',
  'rbac/bootstrap-roles',
  'scheduling/bootstrap-system-priority-classes',
  'priority-and-fairness-config-producer',
  'bootstrap-controller',
  'start-kubernetes-service-cidr-controller',
  'aggregator-reload-proxy-client-cert',
  'start-kube-aggregator-informers',
  'apiservice-status-local-available-controller',
  'apiservice-status-remote-available-controller',
  'apiservice-registration-controller',
  'apiservice-discovery-controller',
  'kube-apiserver-autoregistration',
].map((name) => `poststarthook/${name}`);
const tail = [
  'autoregister-completion',
  'poststarthook/apiservice-openapi-controller',
  'poststarthook/apiservice-openapiv3-controller',
];

const checks: Readonly<Record<string, readonly string[]>> = {
  healthz: ['ping', 'log', 'loopback-serving-certificate', 'etcd', ...hooks, ...tail],
  livez: ['ping', 'log', 'loopback-serving-certificate', 'etcd', ...hooks, ...tail],
  readyz: ['ping', 'log', 'etcd', 'etcd-readiness', 'informer-sync', ...hooks, ...tail, 'shutdown'],
};

/** Every path of a check. */
export function healthPaths(): string[] {
  return Object.entries(checks).flatMap(([root, names]) => [
    `/${root}`,
    ...names.map((name) => `/${root}/${name}`),
  ]);
}

/** Answers `/healthz`, `/livez`, `/readyz` and one check of them; undefined for other paths. */
export function healthResponse(
  path: string,
  query: URLSearchParams,
  failing: readonly string[],
): ApiResponse | undefined {
  const [root = '', ...rest] = path.slice(1).split('/');
  const all = Object.hasOwn(checks, root) ? checks[root] : undefined;
  if (!all) return undefined;
  const single = rest.join('/');
  if (rest.length > 0) {
    if (!all.includes(single)) return undefined;
    return failing.includes(single)
      ? textResponse(500, 'internal server error: check failed: reason withheld\n')
      : {
          status: 200,
          headers: {
            'content-type': 'text/plain; charset=utf-8',
            'cache-control': 'no-cache, private',
          },
          body: { kind: 'bytes', bytes: utf8('ok') },
        };
  }
  const excluded = query.getAll('exclude');
  if (failing.length === 0 && excluded.length === 0 && !query.has('verbose'))
    return textResponse(200, 'ok');
  const lines: string[] = [];
  const bad: string[] = [];
  for (const name of all) {
    if (excluded.includes(name)) lines.push(`[+]${name} excluded: ok`);
    else if (failing.includes(name)) {
      lines.push(`[-]${name} failed: reason withheld`);
      bad.push(name);
    } else lines.push(`[+]${name} ok`);
  }
  const unknown = excluded.filter((name) => !all.includes(name)).sort();
  if (unknown.length > 0)
    lines.push(
      `warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(', ')}`,
    );
  if (bad.length > 0) return textResponse(500, `${lines.join('\n')}\n${root} check failed\n`);
  return query.has('verbose')
    ? textResponse(200, `${lines.join('\n')}\n${root} check passed\n`)
    : textResponse(200, 'ok');
}

/**
 * The checks as `/metrics/slis` tells them: each as it is now, whoever has asked for it. How often they were asked for
 * is not counted.
 */
export function healthMetrics(failing: readonly string[]): string {
  const lines = Object.entries(checks)
    .flatMap(([root, names]) => names.map((name) => ({ root, name })))
    .sort((a, b) => (a.name === b.name ? byBytes(a.root, b.root) : byBytes(a.name, b.name)))
    .map(
      ({ root, name }) =>
        `kubernetes_healthcheck{name="${name}",type="${root}"} ${failing.includes(name) ? 0 : 1}`,
    );
  return [
    '# HELP kubernetes_healthcheck [STABLE] This metric records the result of a single healthcheck.',
    '# TYPE kubernetes_healthcheck gauge',
    ...lines,
    '',
  ].join('\n');
}
