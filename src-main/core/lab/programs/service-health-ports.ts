import { type Disposable, utf8 } from '#core/base';
import type { ApiResponse, ServiceHealthCheck } from '#core/kube';
import { ListenError, type NetNamespace } from '#core/machines';

interface Served {
  check: ServiceHealthCheck;
  readonly listening: Disposable;
}

/**
 * A node's `healthCheckNodePort`s: by them a load balancer knows whether the node has endpoints of its own.
 *
 * @see k8s.io/kubernetes/pkg/proxy/healthcheck/service_health.go
 */
export class ServiceHealthPorts implements Disposable {
  readonly #net: NetNamespace;
  readonly #onTaken: (check: ServiceHealthCheck, message: string) => void;
  readonly #served = new Map<string, Served>();

  /** @param onTaken a port that somebody else listens on; it is tried again with the next change. */
  constructor(net: NetNamespace, onTaken: (check: ServiceHealthCheck, message: string) => void) {
    this.#net = net;
    this.#onTaken = onTaken;
  }

  sync(checks: readonly ServiceHealthCheck[]): void {
    const wanted = new Map(checks.map((check) => [`${check.namespace}/${check.name}`, check]));
    for (const [key, { check, listening }] of this.#served)
      if (wanted.get(key)?.port !== check.port) {
        listening.dispose();
        this.#served.delete(key);
      }
    for (const [key, check] of wanted) {
      const present = this.#served.get(key);
      if (present) present.check = check;
      else this.#open(key, check);
    }
  }

  dispose(): void {
    for (const { listening } of this.#served.values()) listening.dispose();
    this.#served.clear();
  }

  #open(key: string, check: ServiceHealthCheck): void {
    try {
      const listening = this.#net.listen(check.port, {
        kind: 'http',
        handle: () => Promise.resolve(answer(this.#served.get(key)?.check ?? check)),
      });
      this.#served.set(key, { check, listening });
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
      this.#onTaken(check, error.message);
    }
  }
}

function answer({ namespace, name, localEndpoints }: ServiceHealthCheck): ApiResponse {
  const body = `{\n\t"service": {\n\t\t"namespace": ${JSON.stringify(namespace)},\n\t\t"name": ${JSON.stringify(name)}\n\t},\n\t"localEndpoints": ${localEndpoints},\n\t"serviceProxyHealthy": true\n}`;
  return {
    status: localEndpoints > 0 ? 200 : 503,
    headers: {
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'x-load-balancing-endpoint-weight': String(localEndpoints),
    },
    body: { kind: 'bytes', bytes: utf8(body) },
  };
}
