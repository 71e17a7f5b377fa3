import type { Clock } from '#core/base';
import { type ApiRequest, unauthorized } from '../../machinery/index.ts';
import type { Authenticator, Pki, ServerState, UserInfo } from '../types.ts';
import { headerValues, unescapeKey } from './headers.ts';
import {
  createBootstrapTokenAuthenticator,
  createServiceAccountTokenAuthenticator,
  type ServiceAccountTokenOptions,
  type TokenAuthenticator,
  TokenError,
  type TokenIdentity,
} from './service-account-token.ts';

/** How a server finds out who asks; fields follow kube-apiserver's flags. */
export interface AuthenticationOptions {
  readonly state: ServerState;
  readonly pki: Pki;
  readonly clock: Clock;
  /** PEM bundle of `--client-ca-file`. */
  readonly clientCa?: string;
  /** `--requestheader-*`. */
  readonly requestHeader?: {
    readonly ca: string;
    /** Common names that may speak for others; empty: all. */
    readonly allowedNames: readonly string[];
    readonly usernameHeaders: readonly string[];
    readonly groupHeaders: readonly string[];
    readonly extraHeaderPrefixes: readonly string[];
  };
  readonly serviceAccounts?: {
    readonly issuers: readonly string[];
    readonly publicKeys: readonly string[];
    readonly audiences: readonly string[];
    readonly labelLastUsed?: NonNullable<ServiceAccountTokenOptions['labelLastUsed']>;
  };
  /** `--enable-bootstrap-token-auth`. */
  readonly bootstrapTokens?: boolean;
  /** `--token-auth-file`: users by token. */
  readonly staticTokens?: ReadonlyMap<string, UserInfo>;
  /** `--anonymous-auth`; default true. */
  readonly anonymous?: boolean;
}

export const anonymousUser: UserInfo = {
  username: 'system:anonymous',
  groups: ['system:unauthenticated'],
};

/** The Authenticator of a server, and what TokenReview asks. */
export interface RequestAuthenticator extends Authenticator {
  /** The user (anonymous too, unless switched off). @throws StatusError 401 */
  authenticate(request: ApiRequest): Promise<UserInfo | undefined>;
  /** The `status` of a TokenReview. */
  reviewToken(token: string, audiences: readonly string[]): Promise<Record<string, unknown>>;
}

const cachedCertificates = 1000;

/**
 * Front proxy, client certificate, bearer token, anonymous, in this order: the first that knows the user wins;
 * bad credentials are 401 unless another kind is good.
 * @see pkg/kubeapiserver/authenticator/config.go and apiserver's authentication/request/union
 */
export function createAuthenticator(options: AuthenticationOptions): RequestAuthenticator {
  const { pki, clock, state } = options;
  const audiences = options.serviceAccounts?.audiences ?? [];
  const tokens: TokenAuthenticator[] = [];
  const { staticTokens } = options;
  if (staticTokens)
    tokens.push((token) => {
      const user = staticTokens.get(token);
      return Promise.resolve(user && { user, audiences: [] });
    });
  if (options.serviceAccounts)
    tokens.push(
      createServiceAccountTokenAuthenticator({ state, pki, clock, ...options.serviceAccounts }),
    );
  if (options.bootstrapTokens) tokens.push(createBootstrapTokenAuthenticator(state, clock));

  const certificates = new Map<string, { user: UserInfo; fromMs: number; untilMs: number }>();

  const byCertificate = async (pem: string, ca: string): Promise<UserInfo | undefined> => {
    const nowMs = clock.now();
    const known = certificates.get(pem);
    if (known && nowMs >= known.fromMs && nowMs <= known.untilMs) return known.user;
    certificates.delete(pem);
    const problem = await pki.verifyCertificate(pem, ca, nowMs, 'client');
    if (problem !== undefined) throw new TokenError(problem);
    const certificate = pki.readCertificate(pem);
    if (certificate.commonName === '') return undefined;
    const user = withAuthenticatedGroup({
      username: certificate.commonName,
      groups: certificate.organizations,
      extra: {
        'authentication.kubernetes.io/credential-id': [`X509SHA256=${certificate.fingerprint}`],
      },
    });
    if (certificates.size >= cachedCertificates) certificates.clear();
    certificates.set(pem, {
      user,
      fromMs: certificate.notBeforeMs,
      untilMs: certificate.notAfterMs,
    });
    return user;
  };

  const byPeerCertificate = ({ peerCertificate }: ApiRequest): Promise<UserInfo | undefined> =>
    options.clientCa !== undefined && peerCertificate !== undefined
      ? byCertificate(peerCertificate, options.clientCa)
      : Promise.resolve(undefined);

  const byFrontProxy = async (request: ApiRequest): Promise<UserInfo | undefined> => {
    const { requestHeader } = options;
    const pem = request.peerCertificate;
    if (!requestHeader || pem === undefined) return undefined;
    const first = (names: readonly string[]): string =>
      names.map((name) => request.headers[name.toLowerCase()] ?? '').find((v) => v !== '') ?? '';
    const username = first(requestHeader.usernameHeaders);
    // Without the header there is nothing to take over, so the costlier check of the peer can wait.
    if (username === '') return undefined;
    const problem = await pki.verifyCertificate(pem, requestHeader.ca, clock.now(), 'client');
    if (problem !== undefined) throw new TokenError(problem);
    const { commonName } = pki.readCertificate(pem);
    if (requestHeader.allowedNames.length > 0 && !requestHeader.allowedNames.includes(commonName))
      throw new TokenError(`x509: subject with cn=${commonName} is not in the allowed list`);
    const extra: Record<string, string[]> = {};
    for (const prefix of requestHeader.extraHeaderPrefixes.map((each) => each.toLowerCase()))
      for (const [name, value] of Object.entries(request.headers))
        if (name.startsWith(prefix))
          (extra[unescapeKey(name.slice(prefix.length))] ??= []).push(...headerValues(value));
    return {
      username,
      groups: requestHeader.groupHeaders.flatMap((name) =>
        headerValues(request.headers[name.toLowerCase()]),
      ),
      ...(Object.keys(extra).length > 0 ? { extra } : {}),
    };
  };

  const byToken = async (
    token: string,
    wanted?: readonly string[],
  ): Promise<{ identity?: TokenIdentity; errors: string[] }> => {
    const errors: string[] = [];
    for (const authenticator of tokens) {
      try {
        const identity = await authenticator(token, wanted);
        if (identity) return { identity, errors: [] };
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
        errors.push(error.message);
      }
    }
    return { errors };
  };

  const byBearerToken = async (request: ApiRequest): Promise<UserInfo | undefined> => {
    const token = bearerToken(request.headers['authorization']);
    if (token === undefined) return undefined;
    const { identity } = await byToken(token);
    if (!identity) throw new TokenError('invalid bearer token');
    return identity.user;
  };
  const attempts = [byFrontProxy, byPeerCertificate, byBearerToken];

  const byCredentials = async (request: ApiRequest): Promise<UserInfo | undefined> => {
    let failed = false;
    for (const attempt of attempts) {
      try {
        const user = await attempt(request);
        if (user) return user;
      } catch (error) {
        if (!(error instanceof TokenError)) throw error;
        failed = true;
      }
    }
    if (failed) throw unauthorized();
    return undefined;
  };

  return {
    async authenticate(request) {
      const user = await byCredentials(request);
      if (user) return withAuthenticatedGroup(user);
      if (options.anonymous ?? true) return anonymousUser;
      throw unauthorized();
    },
    async reviewToken(token, wanted) {
      const asked = wanted.length === 0 ? audiences : wanted;
      const { identity, errors } = await byToken(token, asked);
      if (!identity) {
        const all = ['invalid bearer token', ...errors];
        return { user: {}, error: all.length === 1 ? all[0] : `[${all.join(', ')}]` };
      }
      const { username, uid, groups, extra } = withAuthenticatedGroup(identity.user);
      return {
        authenticated: true,
        user: { username, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) },
        audiences: identity.audiences.length > 0 ? identity.audiences : asked,
      };
    },
  };
}

/** The token of an `Authorization: Bearer` header; other schemes are no credentials. */
function bearerToken(header: string | undefined): string | undefined {
  const parts = (header ?? '').trim().split(' ');
  if (parts.length < 2 || parts[0]?.toLowerCase() !== 'bearer') return undefined;
  return parts[1] === '' ? undefined : parts[1];
}

/** @see k8s.io/apiserver/pkg/authentication/group/authenticated_group_adder.go */
function withAuthenticatedGroup(user: UserInfo): UserInfo {
  if (user.username === 'system:anonymous') return user;
  const { groups } = user;
  if (groups.includes('system:authenticated') || groups.includes('system:unauthenticated'))
    return user;
  return { ...user, groups: [...user.groups, 'system:authenticated'] };
}
