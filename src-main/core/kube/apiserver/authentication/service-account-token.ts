import { type Clock, type DeepReadonly, fromBase64, fromUtf8, quotedList, utf8 } from '#core/base';
import { type KubeObject, notFound } from '../../machinery/index.ts';
import { at, isMap, type JsonMap, textAt, textOf, textsOf } from '../fields/index.ts';
import { serviceAccountGroups } from '../service-accounts.ts';
import type { Pki, ServerState, UserInfo } from '../types.ts';
import { fromBase64Url } from './encoding.ts';
import { keyIdOf } from './openid.ts';

/** Which tokens of service accounts a server takes. */
export interface ServiceAccountTokenOptions {
  readonly state: ServerState;
  readonly pki: Pki;
  readonly clock: Clock;
  /** `--service-account-issuer`, the first one signs. */
  readonly issuers: readonly string[];
  /** PEM public keys of `--service-account-key-file`. */
  readonly publicKeys: readonly string[];
  /** `--api-audiences`; by default the issuers. */
  readonly audiences: readonly string[];
  /** Notes on a secret the day on which its token was last used. */
  readonly labelLastUsed?: (
    secret: DeepReadonly<KubeObject>,
    label: string,
    date: string,
  ) => Promise<void>;
}

/** What a good token says. */
export interface TokenIdentity {
  readonly user: UserInfo;
  /** Those of the asked audiences the token is for. */
  readonly audiences: readonly string[];
}

/** A token was recognised and refused; the message is upstream's and never reaches a client but in a TokenReview. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
}

const leewaySeconds = 60;
const cachedTokens = 2000;
const legacyIssuer = 'kubernetes/serviceaccount';

/** @returns undefined: not a token of these issuers. @throws TokenError */
export type TokenAuthenticator = (
  token: string,
  audiences?: readonly string[],
) => Promise<TokenIdentity | undefined>;

/**
 * Checks signatures (kept per token), then on every use what may have changed since: time, and whether the
 * account and the object a token is bound to are still the same.
 * @see pkg/serviceaccount/jwt.go, claims.go and legacy.go
 */
export function createServiceAccountTokenAuthenticator(
  options: ServiceAccountTokenOptions,
): TokenAuthenticator {
  const keysById = Promise.all(
    options.publicKeys.map(async (key) => ({ id: await keyIdOf(options.pki, key), key })),
  );
  // A key that cannot be read is reported by whoever uses it, not as an unhandled rejection.
  keysById.catch(() => undefined);
  const verified = new Map<string, JsonMap>();

  const verify = async (token: string, parts: readonly string[]): Promise<void> => {
    const header = decodePart(parts[0] ?? '');
    const algorithm = textOf(header?.['alg']);
    const kid = textOf(header?.['kid']);
    if (algorithm !== 'RS256' && algorithm !== 'ES256')
      throw new TokenError(
        `square/go-jose: unexpected signature algorithm "${algorithm}"; expected ["RS256" "ES256" "ES384" "ES512"]`,
      );
    const signature = fromBase64Url(parts[2] ?? '');
    const signed = utf8(`${parts[0]}.${parts[1]}`);
    for (const { id, key } of await keysById)
      if (
        (kid === '' || kid === id) &&
        (await options.pki.verify(algorithm, key, signed, signature))
      )
        return;
    throw new TokenError('no keys found');
  };

  return async (token, wanted) => {
    const parts = token.split('.');
    if (parts.length !== 3) return undefined;
    let claims = verified.get(token);
    if (!claims) {
      claims = decodePart(parts[1] ?? '');
      const issuer = textOf(claims?.['iss']);
      if (!claims || !(issuer === legacyIssuer || options.issuers.includes(issuer)))
        return undefined;
      try {
        await verify(token, parts);
      } catch (error) {
        if (error instanceof TokenError) throw error;
        throw new TokenError(error instanceof Error ? error.message : String(error));
      }
      if (verified.size >= cachedTokens) verified.clear();
      verified.set(token, claims);
    }
    const audiences = checkAudiences(claims, wanted ?? options.audiences, options.audiences);
    const user =
      textOf(claims['iss']) === legacyIssuer
        ? await legacyUser(options, token, claims)
        : boundUser(options, claims);
    return { user, audiences };
  };
}

function decodePart(part: string): JsonMap | undefined {
  try {
    const value: unknown = JSON.parse(fromUtf8(fromBase64Url(part)));
    return isMap(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function checkAudiences(
  claims: JsonMap,
  wanted: readonly string[],
  implicit: readonly string[],
): readonly string[] {
  const claim = claims['aud'];
  const own = typeof claim === 'string' ? [claim] : textsOf(claim);
  const tokenAudiences = own.length === 0 ? implicit : own;
  const both = wanted.filter((audience) => tokenAudiences.includes(audience));
  if (both.length === 0)
    throw new TokenError(
      `token audiences ${quotedList(tokenAudiences)} is invalid for the target audiences ${quotedList(wanted)}`,
    );
  return both;
}

function boundUser({ state, clock }: ServiceAccountTokenOptions, claims: JsonMap): UserInfo {
  const nowSeconds = clock.now() / 1000;
  const seconds = (name: string): number | undefined =>
    typeof claims[name] === 'number' ? claims[name] : undefined;
  const expires = seconds('exp');
  const notBefore = seconds('nbf');
  const issued = seconds('iat');
  if (notBefore !== undefined && nowSeconds + leewaySeconds < notBefore)
    throw new TokenError('service account token is not valid yet');
  if (expires !== undefined && nowSeconds - leewaySeconds > expires)
    throw new TokenError('service account token has expired');
  if (issued !== undefined && nowSeconds + leewaySeconds < issued)
    throw new TokenError('service account token is issued in the future');

  const own = claims['kubernetes.io'];
  const namespace = textAt(own, 'namespace');
  const name = textAt(own, 'serviceaccount', 'name');
  const uid = textAt(own, 'serviceaccount', 'uid');
  const invalidBeforeMs = clock.now() - leewaySeconds * 1000;
  const deleted = (object: unknown): boolean => {
    const time = textAt(object, 'metadata', 'deletionTimestamp');
    return time !== '' && Date.parse(time) < invalidBeforeMs;
  };
  const account = state.get('', 'serviceaccounts', namespace, name);
  if (!account)
    throw new TokenError(notFound({ group: '', resource: 'serviceaccounts' }, name).message);
  const accountUid = account.metadata.uid ?? '';
  if (accountUid !== uid)
    throw new TokenError(`service account UID (${accountUid}) does not match claim (${uid})`);
  if (deleted(account))
    throw new TokenError(`service account ${namespace}/${name} has been deleted`);

  const check = (
    resource: 'secrets' | 'pods' | 'nodes',
    label: string,
    kind: string,
  ): JsonMap | undefined => {
    const reference = at(own, kind);
    if (!isMap(reference)) return undefined;
    const object = state.get(
      '',
      resource,
      resource === 'nodes' ? '' : namespace,
      textOf(reference['name']),
    );
    if (!object) throw new TokenError('service account token has been invalidated');
    const claimed = textOf(reference['uid']);
    if (object.metadata.uid !== claimed)
      throw new TokenError(
        `${label} UID (${object.metadata.uid ?? ''}) does not match service account ${kind} ref claim (${claimed})`,
      );
    if (deleted(object)) throw new TokenError('service account token has been invalidated');
    return reference;
  };
  check('secrets', 'secret', 'secret');
  const pod = check('pods', 'pod', 'pod');
  // For a token bound to a pod the node is information alone.
  const node = pod ? at(own, 'node') : check('nodes', 'node', 'node');
  const jti = textOf(claims['jti']);
  const extra: Record<string, string[]> = {};
  const add = (key: string, value: string): void => {
    if (value !== '') extra[`authentication.kubernetes.io/${key}`] = [value];
  };
  add('credential-id', jti === '' ? '' : `JTI=${jti}`);
  add('node-name', textAt(node, 'name'));
  add('node-uid', textAt(node, 'uid'));
  add('pod-name', textAt(pod, 'name'));
  add('pod-uid', textAt(pod, 'uid'));
  return serviceAccountUser(namespace, name, uid, extra);
}

async function legacyUser(
  options: ServiceAccountTokenOptions,
  token: string,
  claims: JsonMap,
): Promise<UserInfo> {
  const { state } = options;
  const claim = (name: string): string => textOf(claims[`kubernetes.io/serviceaccount/${name}`]);
  const subject = textOf(claims['sub']);
  if (subject === '') throw new TokenError('sub claim is missing');
  const namespace = claim('namespace');
  if (namespace === '') throw new TokenError('namespace claim is missing');
  const secretName = claim('secret.name');
  if (secretName === '') throw new TokenError('secretName claim is missing');
  const name = claim('service-account.name');
  if (name === '') throw new TokenError('serviceAccountName claim is missing');
  const uid = claim('service-account.uid');
  if (uid === '') throw new TokenError('serviceAccountUID claim is missing');
  if (subject !== `system:serviceaccount:${namespace}:${name}`)
    throw new TokenError('sub claim is invalid');
  const secret = state.get('', 'secrets', namespace, secretName);
  if (!secret || secret.metadata.deletionTimestamp !== undefined)
    throw new TokenError('Token has been invalidated');
  if (decodeSecret(textAt(secret, 'data', 'token')) !== token)
    throw new TokenError("Token does not match server's copy");
  const account = state.get('', 'serviceaccounts', namespace, name);
  if (!account)
    throw new TokenError(notFound({ group: '', resource: 'serviceaccounts' }, name).message);
  if (account.metadata.deletionTimestamp !== undefined)
    throw new TokenError(`ServiceAccount ${namespace}/${name} has been deleted`);
  if (account.metadata.uid !== uid)
    throw new TokenError(
      `ServiceAccount UID (${account.metadata.uid ?? ''}) does not match claim (${uid})`,
    );
  await trackUse(options, secret);
  const label = 'kubernetes.io/legacy-token-invalid-since';
  if (secret.metadata.labels?.[label])
    throw new TokenError(
      `the token in secret ${namespace}/${secretName} for service account ${namespace}/${name} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${label}' label from the secret to temporarily allow use of this token`,
    );
  return serviceAccountUser(namespace, name, uid, {});
}

async function trackUse(
  { clock, labelLastUsed }: ServiceAccountTokenOptions,
  secret: DeepReadonly<KubeObject>,
): Promise<void> {
  const label = 'kubernetes.io/legacy-token-last-used';
  const dayMs = 86_400_000;
  const date = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  const [today, tomorrow] = [date(clock.now()), date(clock.now() + dayMs)];
  const last = secret.metadata.labels?.[label];
  if (last !== today && last !== tomorrow) await labelLastUsed?.(secret, label, today);
}

function decodeSecret(base64: string): string {
  try {
    return fromUtf8(fromBase64(base64));
  } catch {
    return '';
  }
}

function serviceAccountUser(
  namespace: string,
  name: string,
  uid: string,
  extra: Record<string, string[]>,
): UserInfo {
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    uid,
    groups: serviceAccountGroups(namespace),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

/** Bootstrap tokens of `kube-system`: `<id>.<secret>`. @see plugin/pkg/auth/authenticator/token/bootstrap */
export function createBootstrapTokenAuthenticator(
  state: ServerState,
  clock: Clock,
): TokenAuthenticator {
  return (token) => Promise.resolve(bootstrapUser(state, clock.now(), token));
}

function bootstrapUser(
  state: ServerState,
  nowMs: number,
  token: string,
): TokenIdentity | undefined {
  const match = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(token);
  if (!match) return undefined;
  const [, id = '', tokenSecret = ''] = match;
  const secret = state.get('', 'secrets', 'kube-system', `bootstrap-token-${id}`);
  if (!secret || secret.metadata.deletionTimestamp !== undefined) return undefined;
  if (textAt(secret, 'type') !== 'bootstrap.kubernetes.io/token') return undefined;
  const data = (key: string): string => decodeSecret(textAt(secret, 'data', key));
  if (data('token-secret') !== tokenSecret || data('token-id') !== id) return undefined;
  const expiration = data('expiration');
  if (expiration !== '' && !(Date.parse(expiration) > nowMs)) return undefined;
  if (data('usage-bootstrap-authentication') !== 'true') return undefined;
  const extra = data('auth-extra-groups');
  const groups = extra === '' ? [] : extra.split(',');
  if (groups.some((group) => !/^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/.test(group)))
    return undefined;
  const all = [...new Set(['system:bootstrappers', ...groups])].sort();
  return { user: { username: `system:bootstrap:${id}`, groups: all }, audiences: [] };
}
