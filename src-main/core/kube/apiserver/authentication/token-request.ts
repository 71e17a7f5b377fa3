import { type Clock, jsonClone, quoted, type Random, utf8, uuid } from '#core/base';
import {
  badRequest,
  conflict,
  formatTime,
  internalError,
  invalid,
  type KubeObject,
  notFound,
  parseGroupVersion,
} from '../../machinery/index.ts';
import { at, isMap, numberOf, textAt, textsOf } from '../fields/index.ts';
import type { Pki, ServerState } from '../types.ts';
import { toBase64Url } from './encoding.ts';
import { keyIdOf } from './openid.ts';

/** What signs tokens of service accounts. */
export interface TokenIssuer {
  readonly state: ServerState;
  readonly pki: Pki;
  readonly clock: Clock;
  readonly random: Random;
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** PEM pair of `--service-account-signing-key-file`. */
  readonly privateKey: string;
  readonly publicKey: string;
  /** `--service-account-max-token-expiration`, seconds. */
  readonly maxExpirationSeconds?: number;
  /** `--service-account-extend-token-expiration`; default true. */
  readonly extendExpiration?: boolean;
}

/** Seconds the kubelet asks for: such tokens live a year and warn after this time. */
const projectedTokenSeconds = 3607;
const extendedTokenSeconds = 365 * 24 * 3600;
const kind = { group: 'authentication.k8s.io', kind: 'TokenRequest' };

/**
 * Answers a POST to `serviceaccounts/<name>/token`.
 *
 * @param tokenRequest the decoded TokenRequest; not changed.
 * @param validate admission's last word, on the request with all it leaves out.
 * @returns the request with metadata and status filled in.
 * @throws StatusError 404, 400, 409 or 422 as upstream.
 * @see pkg/registry/core/serviceaccount/storage/token.go and pkg/serviceaccount/claims.go
 */
export async function issueServiceAccountToken(
  issuer: TokenIssuer,
  namespace: string,
  name: string,
  tokenRequest: Readonly<KubeObject>,
  warn: (text: string) => void = () => undefined,
  validate: (complete: KubeObject) => Promise<void> = () => Promise.resolve(),
): Promise<KubeObject> {
  const { state, clock } = issuer;
  const answer = jsonClone(tokenRequest) as KubeObject;
  answer.metadata = { ...(isMap(answer.metadata) ? answer.metadata : {}) };
  for (const [field, own, label] of [
    ['name', name, 'name'],
    ['namespace', namespace, 'namespace'],
  ] as const) {
    const given = answer.metadata[field];
    if (given && given !== own)
      throw invalid(kind, name, [
        {
          reason: 'FieldValueInvalid',
          field: `metadata.${field}`,
          message: `Invalid value: ${quoted(given)}: must match the service account ${label} if specified`,
        },
      ]);
  }
  const account = state.get('', 'serviceaccounts', namespace, name);
  if (!account) throw notFound({ group: '', resource: 'serviceaccounts' }, name);
  const uid = account.metadata.uid ?? '';
  if (answer.metadata.uid && answer.metadata.uid !== uid)
    throw conflict(
      { group: kind.group, resource: kind.kind },
      name,
      `the UID in the token request (${answer.metadata.uid}) does not match the UID of the service account (${uid})`,
    );

  const spec: Record<string, unknown> = { ...(isMap(answer['spec']) ? answer['spec'] : {}) };
  const asked = textsOf(spec['audiences']);
  const audiences = asked.length === 0 ? issuer.audiences : asked;
  let seconds = numberOf(spec['expirationSeconds']) ?? 3600;
  const nowMs = clock.now();
  const problem =
    seconds < 600
      ? 'may not specify a duration less than 10 minutes'
      : seconds > 2 ** 32
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined;
  if (problem !== undefined)
    throw invalid(kind, '', [
      {
        reason: 'FieldValueInvalid',
        field: 'spec.expirationSeconds',
        message: `Invalid value: ${seconds}: ${problem}`,
      },
    ]);

  const bound = boundObject(state, namespace, name, spec['boundObjectRef']);
  const max = issuer.maxExpirationSeconds ?? 0;
  if (max > 0 && seconds > max) {
    warn(`requested expiration of ${seconds} seconds shortened to ${max} seconds`);
    seconds = max;
  }
  const extended =
    (issuer.extendExpiration ?? true) &&
    bound['pod'] !== undefined &&
    seconds === projectedTokenSeconds &&
    audiences.every((audience) => issuer.audiences.includes(audience));
  const issuedSeconds = Math.floor(nowMs / 1000);
  const claims = {
    aud: audiences,
    exp: issuedSeconds + (extended ? extendedTokenSeconds : seconds),
    iat: issuedSeconds,
    iss: issuer.issuer,
    jti: uuid(issuer.random),
    'kubernetes.io': {
      namespace,
      ...bound,
      serviceaccount: { name, uid },
      ...(extended ? { warnafter: issuedSeconds + seconds } : {}),
    },
    nbf: issuedSeconds,
    sub: `system:serviceaccount:${namespace}:${name}`,
  };
  answer.metadata = {
    ...answer.metadata,
    name,
    namespace,
    uid,
    creationTimestamp: formatTime(nowMs),
  };
  answer['spec'] = {
    audiences,
    expirationSeconds: seconds,
    boundObjectRef: spec['boundObjectRef'] ?? null,
  };
  answer['status'] = { token: '', expirationTimestamp: null };
  await validate(answer);
  answer['status'] = {
    token: await sign(issuer, claims),
    expirationTimestamp: formatTime(nowMs + seconds * 1000),
  };
  return answer;
}

interface Reference {
  readonly name: string;
  readonly uid?: string;
}

/** The `pod`, `node` or `secret` claim of a bound token, in the order of claims. */
function boundObject(
  state: ServerState,
  namespace: string,
  account: string,
  reference: unknown,
): Readonly<Record<string, Reference>> {
  if (!isMap(reference)) return {};
  const { group, version } = parseGroupVersion(textAt(reference, 'apiVersion'));
  const referenceKind = textAt(reference, 'kind');
  const name = textAt(reference, 'name');
  const resource = { Pod: 'pods', Node: 'nodes', Secret: 'secrets' }[referenceKind];
  if (group !== '' || resource === undefined)
    throw badRequest(
      `cannot bind token to object of type ${group}/${version}, Kind=${referenceKind}`,
    );
  const object = state.get('', resource, resource === 'nodes' ? '' : namespace, name);
  if (!object) throw notFound({ group: '', resource }, name);
  const claims: Record<string, Reference> = {};
  if (resource === 'pods') {
    if (textAt(object, 'spec', 'serviceAccountName') !== account)
      throw badRequest(
        `cannot bind token for serviceaccount ${quoted(account)} to pod running with different serviceaccount name.`,
      );
    const nodeName = textAt(object, 'spec', 'nodeName');
    if (nodeName !== '') {
      const nodeUid = textAt(at(state.get('', 'nodes', '', nodeName), 'metadata'), 'uid');
      claims['node'] = { name: nodeName, ...(nodeUid === '' ? {} : { uid: nodeUid }) };
    }
  }
  const uid = object.metadata.uid ?? '';
  const wanted = textAt(reference, 'uid');
  if (wanted !== '' && wanted !== uid)
    throw conflict(
      { group, resource: referenceKind },
      name,
      `the UID in the bound object reference (${wanted}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  claims[referenceKind.toLowerCase()] = { name, uid };
  return claims;
}

const keyIds = new WeakMap<TokenIssuer, Promise<string>>();

/** The id of an issuer's key, worked out once. */
function issuerKeyId(issuer: TokenIssuer): Promise<string> {
  let kid = keyIds.get(issuer);
  if (!kid) keyIds.set(issuer, (kid = keyIdOf(issuer.pki, issuer.publicKey)));
  return kid;
}

async function sign(issuer: TokenIssuer, claims: object): Promise<string> {
  const encode = (value: object): string => toBase64Url(utf8(JSON.stringify(value)));
  const kid = await issuerKeyId(issuer);
  const isEc = /EC PRIVATE KEY/.test(issuer.privateKey);
  let head = encode({ alg: isEc ? 'ES256' : 'RS256', kid });
  const body = encode(claims);
  try {
    let signed = await issuer.pki.sign(issuer.privateKey, utf8(`${head}.${body}`));
    if (!isEc && signed.algorithm !== 'RS256') {
      // A PKCS #8 key shows its algorithm by the signature alone.
      head = encode({ alg: signed.algorithm, kid });
      signed = await issuer.pki.sign(issuer.privateKey, utf8(`${head}.${body}`));
    }
    return `${head}.${body}.${toBase64Url(signed.signature)}`;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw internalError(new Error(`failed to generate token: ${text}`));
  }
}
