import { fromBase64, fromUtf8, utf8 } from '#core/base';
import { FileError } from '../../filesystem/types.ts';
import { httpRequest, readBody } from '../../network/index.ts';
import type { ProgramContext } from '../../process/types.ts';
import { clockText, dateText, print, resolverOf } from '../program-io.ts';
import { verifyEs256 } from './es256.ts';
import { flagValue } from './http-service.ts';

type Json = Readonly<Record<string, unknown>>;

const mapOf = (value: unknown): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const credentials = '/var/run/secrets/kubernetes.io/serviceaccount';

/** What stands in the way of a token; go-oidc's words. */
class OidcError extends Error {
  override readonly name = 'OidcError';
}

/**
 * `agnhost test-service-account-issuer-discovery`: checks a mounted token as a party that trusts the issuer would.
 * @see test/images/agnhost/openidmetadata
 */
export async function openIdMetadata(context: ProgramContext): Promise<number> {
  const { argv, clock, files, stderr } = context;
  const log = (text: string): Promise<void> =>
    print(
      stderr,
      `${dateText(clock.now()).replaceAll('-', '/')} ${clockText(clock.now())} ${text}\n`,
    );
  try {
    const token = files.readText(flagValue(argv, '--token-path') ?? '');
    await log('OK: Got token');
    await log('validating with in-cluster discovery');
    const inCluster = {
      authorization: `Bearer ${files.readText(`${credentials}/token`).trim()}`,
    };
    const roots = files.readText(`${credentials}/ca.crt`);
    const failure = await validate(context, token, log, inCluster, roots);
    if (failure === undefined) return 0;
    await log(`failed to validate with in-cluster discovery: ${failure}`);
    await log('falling back to validating with external discovery');
    const external = await validate(context, token, log, {}, '');
    if (external === undefined) return 0;
    await log(external);
  } catch (error) {
    if (!(error instanceof OidcError) && !(error instanceof FileError)) throw error;
    const text =
      error instanceof FileError
        ? `open ${flagValue(argv, '--token-path') ?? ''}: no such file or directory`
        : error.message;
    await log(text);
  }
  return 1;
}

/** @returns why the token does not hold; undefined when it does. @throws OidcError it is no token. */
async function validate(
  context: ProgramContext,
  token: string,
  log: (text: string) => Promise<void>,
  headers: Readonly<Record<string, string>>,
  roots: string,
): Promise<string | undefined> {
  const [head = '', body = '', signature = '', ...more] = token.trim().split('.');
  if (signature === '' || more.length > 0)
    throw new OidcError('square/go-jose: compact JWS format must have three parts');
  const claims = decoded(body);
  const issuer = textOf(claims['iss']);
  await log(`OK: got issuer ${issuer}`);
  await log(`Full, not-validated claims: \n${goClaims(claims)}`);
  try {
    const provider = await get(
      context,
      `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
      headers,
      roots,
    );
    if (provider['issuer'] !== issuer)
      return `oidc: issuer did not match the issuer returned by provider, expected ${JSON.stringify(issuer)} got ${JSON.stringify(textOf(provider['issuer']))}`;
    await log(`OK: Constructed OIDC provider for issuer ${issuer}`);
    const unsound = unsoundClaims(claims, flagValue(context.argv, '--audience') ?? '', context);
    if (unsound !== undefined) return unsound;
    const { alg, kid } = decoded(head);
    if (alg !== 'ES256')
      return `oidc: id token signed with unsupported algorithm, expected ["RS256" "ES256"] got ${JSON.stringify(textOf(alg))}`;
    const { keys } = await get(context, textOf(provider['jwks_uri']), headers, roots);
    const candidates = (Array.isArray(keys) ? keys : [])
      .map(mapOf)
      .filter((key) => key['kid'] === kid);
    const signed = utf8(`${head}.${body}`);
    const holds = candidates.some((key) =>
      verifyEs256(
        { x: bytesOf(textOf(key['x'])), y: bytesOf(textOf(key['y'])) },
        signed,
        bytesOf(signature),
      ),
    );
    if (!holds) return 'failed to verify signature: failed to verify id token signature';
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return error.message;
  }
  await log('OK: Validated signature on JWT');
  await log('OK: Got valid claims from token!');
  await log(`Full, validated claims: \n&${goClaims(claims)}`);
  return undefined;
}

function unsoundClaims(
  claims: Json,
  audience: string,
  { clock }: ProgramContext,
): string | undefined {
  const audiences = Array.isArray(claims['aud'])
    ? claims['aud'].map(textOf)
    : [textOf(claims['aud'])];
  if (audience === '')
    return 'oidc: invalid configuration, clientID must be provided or SkipClientIDCheck must be set';
  if (!audiences.includes(audience))
    return `oidc: expected audience ${JSON.stringify(audience)} got ${goList(audiences)}`;
  const expiryMs = Number(claims['exp'] ?? 0) * 1000;
  if (expiryMs < clock.now())
    return `oidc: token is expired (Token Expiry: ${dateText(expiryMs)} ${clockText(expiryMs)} +0000 UTC)`;
  return undefined;
}

/** @throws Error the request failed, with Go's text. */
async function get(
  context: ProgramContext,
  url: string,
  headers: Readonly<Record<string, string>>,
  roots: string,
): Promise<Json> {
  const { net, clock, signal } = context;
  const resolver = resolverOf(context);
  const answer = await httpRequest({
    net,
    clock,
    signal,
    url,
    headers: { 'user-agent': 'agnhost', accept: '*/*', ...headers },
    resolve: (host) => resolver.lookup(host),
    tls: { roots },
  }).catch((error: unknown) => {
    throw new Error(`Get ${JSON.stringify(url)}: ${error instanceof Error ? error.message : ''}`);
  });
  const text = fromUtf8(await readBody(answer));
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.reason}: ${text}`);
  return mapOf(JSON.parse(text));
}

const bytesOf = (text: string): Uint8Array =>
  fromBase64(text.replaceAll('-', '+').replaceAll('_', '/'));

/** @throws OidcError */
function decoded(part: string): Json {
  try {
    return mapOf(JSON.parse(fromUtf8(bytesOf(part))));
  } catch {
    throw new OidcError('oidc: malformed jwt');
  }
}

const goList = (texts: readonly string[]): string =>
  `[${texts.map((text) => JSON.stringify(text)).join(' ')}]`;

/** The claims as Go prints a struct (`%#v`); of dates the address alone. */
function goClaims(claims: Json): string {
  const quoted = (value: unknown): string => JSON.stringify(textOf(value));
  const audiences = Array.isArray(claims['aud']) ? claims['aud'] : [claims['aud']];
  const kubernetes = mapOf(claims['kubernetes.io']);
  const account = mapOf(kubernetes['serviceaccount']);
  const standard = [
    `Issuer:${quoted(claims['iss'])}`,
    `Subject:${quoted(claims['sub'])}`,
    `Audience:jwt.Audience{${audiences.map(quoted).join(', ')}}`,
    'Expiry:(*jwt.NumericDate)(0xc0000142a8)',
    'NotBefore:(*jwt.NumericDate)(0xc0000142d0)',
    'IssuedAt:(*jwt.NumericDate)(0xc0000142b8)',
    `ID:${quoted(claims['jti'])}`,
  ].join(', ');
  return `openidmetadata.claims{Claims:jwt.Claims{${standard}}, Kubernetes:openidmetadata.kubeClaims{Namespace:${quoted(kubernetes['namespace'])}, ServiceAccount:openidmetadata.kubeName{Name:${quoted(account['name'])}, UID:${quoted(account['uid'])}}}}`;
}
