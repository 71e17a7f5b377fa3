import type { Clock } from '#core/base';
import type { ApiRequest, ApiResponse, KubeClient } from '#core/kube';
import { pathOf, plainAnswer } from './http-answer.ts';

/** How long the API server's word on a token or a right holds: the kubelet's defaults. */
const reviewedMs = { token: 120_000, allowed: 300_000, denied: 30_000 } as const;

const verbs: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Paths with a subresource of their own, and those that `nodes/proxy` opens as well. */
const subresources: readonly (readonly [path: string, names: readonly string[]])[] = [
  ['/pods', ['pods', 'proxy']],
  ['/runningpods', ['pods', 'proxy']],
  ['/healthz', ['healthz', 'proxy']],
  ['/configz', ['configz', 'proxy']],
  ['/stats', ['stats']],
  ['/metrics', ['metrics']],
  ['/logs', ['log']],
  ['/checkpoint', ['checkpoint']],
];

interface TokenUser {
  readonly username?: string;
  readonly groups?: readonly string[];
}

/**
 * Lets bearers of tokens in, as the kubelet's webhook authentication and authorization do: the API server says whose
 * a token is, and what its user may.
 * @returns a check of one request; undefined when it may go on, else the refusal.
 * @see pkg/kubelet/server/auth.go and k8s.io/kubernetes/pkg/kubelet/server/server.go, InstallAuthFilter
 */
export function tokenAccess(
  client: KubeClient,
  nodeName: string,
  clock: Clock,
): (request: ApiRequest) => Promise<ApiResponse | undefined> {
  const known = new Map<string, { readonly value: unknown; readonly untilMs: number }>();
  const remembered = async <T>(
    key: string,
    ask: () => Promise<T>,
    forMs: (answer: T) => number,
  ): Promise<T> => {
    const found = known.get(key);
    if (found && found.untilMs > clock.now()) return found.value as T;
    const value = await ask();
    if (known.size >= 1000) known.clear();
    known.set(key, { value, untilMs: clock.now() + forMs(value) });
    return value;
  };
  const review = async (group: string, kind: string, spec: object): Promise<object> => {
    const answer = await client.requestObject<{ readonly status?: object }>({
      method: 'POST',
      url: `/apis/${group}/v1/${kind.toLowerCase()}s`,
      object: { apiVersion: `${group}/v1`, kind, metadata: {}, spec },
    });
    return answer.status ?? {};
  };
  const userOf = (token: string): Promise<TokenUser | undefined> =>
    remembered(
      `token ${token}`,
      async () => {
        const status = (await review('authentication.k8s.io', 'TokenReview', { token })) as {
          readonly authenticated?: boolean;
          readonly user?: TokenUser;
        };
        return status.authenticated ? (status.user ?? {}) : undefined;
      },
      () => reviewedMs.token,
    );
  const mayDo = (user: TokenUser, verb: string, subresource: string): Promise<boolean> =>
    remembered(
      `right ${JSON.stringify([user, verb, subresource])}`,
      async () => {
        const status = (await review('authorization.k8s.io', 'SubjectAccessReview', {
          user: user.username ?? '',
          groups: user.groups ?? [],
          resourceAttributes: {
            verb,
            version: 'v1',
            resource: 'nodes',
            subresource,
            name: nodeName,
          },
        })) as { readonly allowed?: boolean };
        return status.allowed === true;
      },
      (allowed) => (allowed ? reviewedMs.allowed : reviewedMs.denied),
    );

  return async ({ headers, method, url }) => {
    const token = /^Bearer +(\S+)$/i.exec(headers['authorization'] ?? '')?.[1];
    const user = token === undefined ? undefined : await userOf(token).catch(() => undefined);
    if (!user) return plainAnswer(401, 'Unauthorized');
    const path = pathOf(url);
    const names = subresources.find(
      ([prefix]) => path === prefix || path.startsWith(`${prefix}/`),
    )?.[1] ?? ['proxy'];
    const verb = verbs[method] ?? '';
    for (const name of names) if (await mayDo(user, verb, name)) return undefined;
    return plainAnswer(
      403,
      `Forbidden (user=${user.username ?? ''}, verb=${verb}, resource=nodes, subresource(s)=[${names.join(' ')}])\n`,
    );
  };
}
