import { type Clock, fromBase64, fromUtf8, utf8 } from '#core/base';
import { type ApiRequest, type ApiResponse, responseText } from '../../machinery/index.ts';
import { at, textAt } from '../fields/index.ts';
import { type HttpsTarget, resolveService, type SendHttps, withinTime } from '../outbound/index.ts';
import type { ServerState, UserInfo } from '../types.ts';
import { isAvailable, serviceOf } from './api-services.ts';

/** How long an aggregated server may take for its discovery. */
const discoveryTimeoutMs = 5000;

/** What a request for discovery came to. */
export type DiscoveryAnswer =
  | { readonly url: string; readonly status: number; readonly text: string }
  /** No URL: the service has no address. */
  | { readonly url: string | undefined; readonly error: string };

/** The way to the servers behind APIServices. */
export interface RemoteServices {
  /** Asks as the aggregator itself, with all rights. */
  discover(apiService: unknown, path: string): Promise<DiscoveryAnswer>;
  /** Hands a client's request on, with its user in front-proxy headers. */
  proxy(apiService: unknown, request: ApiRequest, user: UserInfo): Promise<ApiResponse>;
}

/** @see k8s.io/kube-aggregator/pkg/apiserver/handler_proxy.go */
export function createRemoteServices(
  state: ServerState,
  clock: Clock,
  send: SendHttps,
): RemoteServices {
  const targetOf = (apiService: unknown): HttpsTarget => {
    const { namespace, name, port } = serviceOf(apiService);
    const bundle = textAt(apiService, 'spec', 'caBundle');
    const insecure = at(apiService, 'spec', 'insecureSkipTLSVerify') === true;
    return {
      ...resolveService(state, namespace, name, port),
      serverName: `${name}.${namespace}.svc`,
      roots: insecure ? undefined : fromUtf8(fromBase64(bundle)),
      asFrontProxy: true,
    };
  };
  return {
    async discover(apiService, path) {
      let target: HttpsTarget;
      try {
        target = targetOf(apiService);
      } catch (error) {
        return { url: undefined, error: textOfError(error) };
      }
      const url = `https://${target.host}:${target.port}${path}`;
      const identity = { username: 'system:kube-aggregator', groups: ['system:masters'] };
      const get = async (signal: AbortSignal): Promise<DiscoveryAnswer> => {
        const answer = await send(target, {
          method: 'GET',
          url: path,
          signal,
          ...identified({ accept: 'application/json' }, identity),
        });
        return { url, status: answer.status, text: await responseText(answer) };
      };
      const late = 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
      try {
        return await withinTime(clock, discoveryTimeoutMs, late, get);
      } catch (error) {
        return { url, error: textOfError(error) };
      }
    },
    async proxy(apiService, request, user) {
      if (!isAvailable(apiService)) return unavailable('service unavailable');
      const headers: Record<string, string> = {};
      for (const [name, value] of Object.entries(request.headers))
        // The user is told by these headers alone; credentials stay here.
        if (!name.startsWith('x-remote-') && name !== 'authorization') headers[name] = value;
      let target: HttpsTarget;
      try {
        target = targetOf(apiService);
      } catch {
        return unavailable('service unavailable');
      }
      const { repeated: _repeated, peerCertificate: _own, object, ...rest } = request;
      try {
        return await send(target, {
          ...rest,
          ...(object ? { body: utf8(JSON.stringify(object)) } : {}),
          ...identified(headers, user),
        });
      } catch (error) {
        return unavailable(`error trying to reach service: ${textOfError(error)}`);
      }
    },
  };
}

const textOfError = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** @see k8s.io/client-go/transport/round_trippers.go, SetAuthProxyHeaders */
function identified(
  headers: Readonly<Record<string, string>>,
  user: UserInfo,
): Pick<ApiRequest, 'headers' | 'repeated'> {
  const named: Record<string, string> = { ...headers, 'x-remote-user': user.username };
  if (user.groups.length > 0) named['x-remote-group'] = user.groups.join(',');
  if (user.uid) named['x-remote-uid'] = user.uid;
  for (const [key, values] of Object.entries(user.extra ?? {}))
    named[`x-remote-extra-${encodeURIComponent(key).toLowerCase()}`] = values.join(',');
  return { headers: named, repeated: { 'x-remote-group': user.groups } };
}

const unavailable = (why: string): ApiResponse => ({
  status: 503,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' },
  body: { kind: 'bytes', bytes: utf8(`${why}\n`) },
});
