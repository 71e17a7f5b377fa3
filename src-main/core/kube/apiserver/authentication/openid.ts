import type { Pki } from '../types.ts';
import { derOfPem, readPublicKey, toBase64Url } from './encoding.ts';

/** A public key's id in tokens: the digest of its DER. @see pkg/serviceaccount/jwt.go, keyIDFromPublicKey */
export async function keyIdOf(pki: Pki, publicKey: string): Promise<string> {
  return toBase64Url(await pki.sha256(derOfPem(publicKey)));
}

/** The answer of `/openid/v1/jwks`; its content type is `application/jwk-set+json`. */
export async function keySetDocument(
  pki: Pki,
  publicKeys: readonly string[],
): Promise<{ readonly keys: readonly Record<string, string>[] }> {
  const keys = await Promise.all(
    publicKeys.map(async (pem) => {
      const kid = await keyIdOf(pki, pem);
      const key = readPublicKey(derOfPem(pem));
      return key.kind === 'RSA'
        ? {
            use: 'sig',
            kty: 'RSA',
            kid,
            alg: 'RS256',
            n: toBase64Url(key.n),
            e: toBase64Url(key.e),
          }
        : {
            use: 'sig',
            kty: 'EC',
            kid,
            crv: 'P-256',
            alg: 'ES256',
            x: toBase64Url(key.x),
            y: toBase64Url(key.y),
          };
    }),
  );
  return { keys };
}

/** The answer of `/.well-known/openid-configuration`. @see pkg/serviceaccount/openidmetadata.go */
export function discoveryDocument(
  issuer: string,
  jwksUri: string,
  publicKeys: readonly string[],
): object {
  const algorithms = publicKeys.map((pem) =>
    readPublicKey(derOfPem(pem)).kind === 'RSA' ? 'RS256' : 'ES256',
  );
  return {
    issuer,
    jwks_uri: jwksUri,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(algorithms)].sort(),
  };
}
