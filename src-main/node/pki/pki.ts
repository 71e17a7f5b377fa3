import { createHash, createPublicKey, generateKeyPair, sign, verify } from 'node:crypto';
import { promisify } from 'node:util';
import type { Pki } from '#core/kube';
import { CertificateReader } from './certificates.ts';
import { verifyChain } from './chains.ts';
import { issueCertificate } from './issuing.ts';
import { digests, joseAlgorithm, privateKeyOf, publicKeyOf } from './keys.ts';
import { loadX509 } from './x509.ts';

const generate = promisify(generateKeyPair);

/**
 * Signatures and certificates by Node's crypto. New keys are EC P-256; RSA keys, such as kubeadm makes, are
 * read and used as well.
 */
export async function createPki(): Promise<Pki> {
  const x509 = await loadX509();
  const reader = new CertificateReader(x509);
  return {
    verify: (algorithm, publicKey, signed, signature) => {
      const digest = digests[algorithm];
      const key = publicKeyOf(publicKey);
      // A token says itself how it is signed; a key of the other kind must not be talked into it.
      const family = key.asymmetricKeyType === 'rsa' ? 'RS' : joseAlgorithm(key);
      if (digest === undefined || !algorithm.startsWith(family)) return Promise.resolve(false);
      return Promise.resolve(verify(digest, signed, { key, dsaEncoding: 'ieee-p1363' }, signature));
    },
    sign: (privateKey, data) => {
      const key = privateKeyOf(privateKey);
      const algorithm = joseAlgorithm(key);
      const signature = sign(digests[algorithm], data, { key, dsaEncoding: 'ieee-p1363' });
      return Promise.resolve({ algorithm, signature: new Uint8Array(signature) });
    },
    keyMatches: (certificate, privateKey) => {
      const spki = { type: 'spki', format: 'pem' } as const;
      try {
        const own = createPublicKey(privateKey).export(spki);
        return Promise.resolve(createPublicKey(certificate).export(spki) === own);
      } catch {
        return Promise.resolve(false);
      }
    },
    readCertificate: (pem) => reader.read(pem).info,
    verifyCertificate: (certificate, caBundle, nowMs, usage, serverName) =>
      Promise.resolve(
        verifyChain(
          reader.readAll(certificate),
          reader.readAll(caBundle),
          nowMs,
          usage,
          serverName,
        ),
      ),
    readRequest: (pem) => reader.readRequest(pem),
    issue: (options) => issueCertificate(x509, options),
    generateKey: async () => {
      const { privateKey, publicKey } = await generate('ec', { namedCurve: 'P-256' });
      return {
        // The form that kubeadm and openssl write EC keys in.
        privateKey: privateKey.export({ type: 'sec1', format: 'pem' }).toString(),
        publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      };
    },
    sha256: (data) => Promise.resolve(new Uint8Array(createHash('sha256').update(data).digest())),
  };
}
