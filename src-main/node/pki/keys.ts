import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** A key of Web Crypto, in a form that is the same to programs with and without the DOM's types. */
interface WebKey {
  readonly algorithm: { readonly name: string };
  readonly extractable: boolean;
  readonly type: 'private' | 'public' | 'secret';
  readonly usages: ('sign' | 'verify')[];
}

const parsed = new Map<string, KeyObject>();
/** Keys of a handful of clusters; each request with a token asks for one. */
const parsedLimit = 256;

/** Reads a PEM public key (SPKI, PKCS#1), certificate or private key. @throws Error none of these. */
export function publicKeyOf(pem: string): KeyObject {
  return cached(`public ${pem}`, () => createPublicKey(pem));
}

/** Reads a PEM private key: PKCS#8, SEC 1 or PKCS#1. @throws Error none of these. */
export function privateKeyOf(pem: string): KeyObject {
  return cached(`private ${pem}`, () => createPrivateKey(pem));
}

function cached(name: string, read: () => KeyObject): KeyObject {
  const known = parsed.get(name);
  if (known) return known;
  const key = read();
  if (parsed.size >= parsedLimit) parsed.clear();
  parsed.set(name, key);
  return key;
}

type JoseAlgorithm = 'RS256' | 'ES256' | 'ES384' | 'ES512';

const algorithms = new WeakMap<KeyObject, JoseAlgorithm>();

/** JOSE's name of what the key signs with. @throws Error neither RSA nor one of the NIST curves. */
export function joseAlgorithm(key: KeyObject): JoseAlgorithm {
  let algorithm = algorithms.get(key);
  if (!algorithm) {
    // Node works the details of a key out on every question.
    algorithm =
      key.asymmetricKeyType === 'rsa'
        ? 'RS256'
        : curveAlgorithms[key.asymmetricKeyDetails?.namedCurve ?? ''];
    if (!algorithm) throw new Error(`unknown key type ${key.asymmetricKeyType ?? ''}`);
    algorithms.set(key, algorithm);
  }
  return algorithm;
}

const curveAlgorithms: Readonly<Record<string, JoseAlgorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};

/** The digest that goes with each of JOSE's algorithms that Kubernetes knows. */
export const digests: Readonly<Record<string, string>> = {
  RS256: 'sha256',
  RS384: 'sha384',
  RS512: 'sha512',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
};

const webAlgorithms = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384' },
  ES512: { name: 'ECDSA', namedCurve: 'P-521' },
} as const;

const cryptoKeys = new WeakMap<KeyObject, WebKey>();

/** The key in the form that certificates are signed with. */
export function cryptoKeyOf(key: KeyObject): WebKey {
  const known = cryptoKeys.get(key);
  if (known) return known;
  const usage = key.type === 'private' ? 'sign' : 'verify';
  const made = key.toCryptoKey(webAlgorithms[joseAlgorithm(key)], true, [usage]) as WebKey;
  cryptoKeys.set(key, made);
  return made;
}

/** How a certificate is signed by this key, as Go chooses it: the digest follows the curve. */
export function signingAlgorithm(key: KeyObject): { name: string; hash: string } {
  const algorithm = joseAlgorithm(key);
  return { name: webAlgorithms[algorithm].name, hash: `SHA-${digests[algorithm]?.slice(3)}` };
}
