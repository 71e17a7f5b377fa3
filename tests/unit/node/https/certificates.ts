import type { IssueOptions } from '#core/kube';
import { createPki } from '#node/pki';

export interface Credentials {
  readonly ca: string;
  readonly server: { readonly certificate: string; readonly privateKey: string };
  readonly client: { readonly certificate: string; readonly privateKey: string };
}

/** A new authority, a serving certificate for 127.0.0.1 and a client certificate for alice. */
export async function makeCredentials(): Promise<Credentials> {
  const pki = await createPki();
  const keys = await pki.generateKey();
  const issue = async (more: Partial<IssueOptions> & Pick<IssueOptions, 'commonName'>) => {
    const { privateKey, publicKey } = await pki.generateKey();
    const certificate = await pki.issue({
      issuer: { certificate: ca, privateKey: keys.privateKey },
      subjectKey: publicKey,
      keyUsages: ['digital signature', 'key encipherment'],
      extendedKeyUsages: ['client auth'],
      notBeforeMs: Date.now() - 60_000,
      notAfterMs: Date.now() + 3_600_000,
      ...more,
    });
    return { certificate, privateKey };
  };
  const ca = await pki.issue({
    commonName: 'kubernetes',
    subjectKey: keys.privateKey,
    isCa: true,
    keyUsages: ['digital signature', 'cert sign'],
    extendedKeyUsages: [],
    notBeforeMs: Date.now() - 60_000,
    notAfterMs: Date.now() + 3_600_000,
  });
  return {
    ca,
    server: await issue({
      commonName: 'kube-apiserver',
      extendedKeyUsages: ['server auth'],
      ipAddresses: ['127.0.0.1'],
    }),
    client: await issue({ commonName: 'alice', organizations: ['dev'] }),
  };
}
