import type { DeepReadonly } from '#core/base';
import type { ServiceAccountTokenProjection } from '../apis/index.ts';
import type { KubeletContext } from './context.ts';
import { specOf, uidOf, type PodView } from './pods.ts';

interface Token {
  readonly text: string;
  readonly renewMs: number;
}

/**
 * Tokens of service accounts bound to pods, asked for by TokenRequest and renewed after four fifths of their life,
 * or after a day.
 *
 * @see pkg/kubelet/token/token_manager.go
 */
export class TokenManager {
  readonly #context: KubeletContext;
  readonly #byPod = new Map<string, Map<string, Token>>();

  constructor(context: KubeletContext) {
    this.#context = context;
  }

  /** @throws StatusError, ConnectionError when there is no valid token at hand. */
  async get(
    pod: PodView,
    { audience, expirationSeconds = 3600 }: DeepReadonly<ServiceAccountTokenProjection>,
  ): Promise<string> {
    const { clock, api } = this.#context;
    const uid = uidOf(pod);
    const key = `${audience ?? ''}/${expirationSeconds}`;
    const tokens = this.#byPod.get(uid) ?? new Map<string, Token>();
    this.#byPod.set(uid, tokens);
    const present = tokens.get(key);
    if (present && clock.now() < present.renewMs) return present.text;
    if (!api) throw new Error('cannot use TokenManager when kubelet is in standalone mode');
    const { name = '', namespace } = pod.metadata;
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: {
        audiences: audience ? [audience] : [],
        expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    };
    const answer = (await api.client
      .resource('serviceaccounts')
      .createSubresource(
        namespace,
        specOf(pod).serviceAccountName || 'default',
        'token',
        request,
      )) as { status?: { token?: string; expirationTimestamp?: string } };
    const text = answer.status?.token ?? '';
    const now = clock.now();
    const lifeMs = Math.max(0, Date.parse(answer.status?.expirationTimestamp ?? '') - now);
    tokens.set(key, { text, renewMs: now + Math.min((lifeMs || 3_600_000) * 0.8, 86_400_000) });
    return text;
  }

  nextRenewalMs(uid: string): number | undefined {
    const tokens = [...(this.#byPod.get(uid)?.values() ?? [])];
    return tokens.length === 0 ? undefined : Math.min(...tokens.map(({ renewMs }) => renewMs));
  }

  forget(uid: string): void {
    this.#byPod.delete(uid);
  }
}
