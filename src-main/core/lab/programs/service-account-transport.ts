import type { Clock } from '#core/base';
import { type ApiRequest, isReason, type KubeClient, type Transport } from '#core/kube';

const namespace = 'kube-system';
const hourMs = 3_600_000;

/**
 * Requests in the name of a service account of kube-system: makes the account when it is missing, asks for a token,
 * and renews it. This is how the controller manager gives each controller its own rights.
 *
 * @see k8s.io/controller-manager/pkg/clientbuilder/client_builder_dynamic.go
 */
export function serviceAccountTransport(
  transport: Transport,
  client: KubeClient,
  account: string,
  clock: Clock,
): Transport {
  let token: { readonly value: string; readonly renewMs: number } | undefined;
  let pending: Promise<string> | undefined;

  const request = async (): Promise<string> => {
    const accounts = client.resource('serviceaccounts');
    const ask = () =>
      accounts.createSubresource(namespace, account, 'token', {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        metadata: { name: account, namespace },
        spec: { audiences: [], expirationSeconds: hourMs / 1000 },
      });
    const answer = await ask().catch(async (error: unknown) => {
      if (!isReason(error, 'NotFound')) throw error;
      try {
        await accounts.create({
          apiVersion: 'v1',
          kind: 'ServiceAccount',
          metadata: { name: account, namespace },
        });
      } catch (failed) {
        // Another manager, or an earlier try, was first.
        if (!isReason(failed, 'AlreadyExists')) throw failed;
      }
      return ask();
    });
    const { token: value = '' } = (answer['status'] ?? {}) as { token?: string };
    token = { value, renewMs: clock.now() + 0.8 * hourMs };
    return value;
  };
  const current = (): Promise<string> => {
    if (token && clock.now() < token.renewMs) return Promise.resolve(token.value);
    pending ??= request().finally(() => (pending = undefined));
    return pending;
  };

  const send = async ({ peerCertificate: _, ...rest }: ApiRequest) => {
    const value = await current();
    const response = await transport.send({
      ...rest,
      headers: { ...rest.headers, authorization: `Bearer ${value}` },
    });
    return { value, response };
  };

  return {
    send: async (outgoing) => {
      const { value, response } = await send(outgoing);
      if (response.status !== 401) return response;
      // The account may have been made anew, as after a restore of etcd: its old tokens are worth nothing.
      if (token?.value === value) token = undefined;
      return (await send(outgoing)).response;
    },
  };
}
