import { type KeyObject, randomBytes } from 'node:crypto';
import type { Extension, JsonGeneralName } from '@peculiar/x509';
import type { IssueOptions } from '#core/kube';
import { cryptoKeyOf, privateKeyOf, publicKeyOf, signingAlgorithm } from './keys.ts';
import type { X509 } from './x509.ts';

const keyUsageBits = {
  'digital signature': 1,
  'key encipherment': 4,
  'cert sign': 32,
  'crl sign': 64,
} as const;

const extendedKeyUsageIds = {
  'server auth': '1.3.6.1.5.5.7.3.1',
  'client auth': '1.3.6.1.5.5.7.3.2',
} as const;

/** Signs a certificate with the extensions and the order of names that kubeadm's have. @returns PEM. */
export async function issueCertificate(x509: X509, options: IssueOptions): Promise<string> {
  const { issuer, commonName, organizations = [] } = options;
  const subjectKey = publicKeyOf(options.subjectKey);
  const signingKey = privateKeyOf(issuer?.privateKey ?? options.subjectKey);
  const issuing = issuer ? new x509.X509Certificate(issuer.certificate) : undefined;
  const subject = new x509.Name([
    ...(organizations.length > 0 ? [{ O: inSetOrder(organizations) }] : []),
    { CN: [commonName] },
  ]);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: subject.toJSON(),
    issuer: (issuing?.subjectName ?? subject).toJSON(),
    notBefore: new Date(options.notBeforeMs),
    notAfter: new Date(options.notAfterMs),
    publicKey: cryptoKeyOf(subjectKey),
    signingKey: cryptoKeyOf(signingKey),
    signingAlgorithm: signingAlgorithm(signingKey),
    extensions: await extensionsOf(x509, options, subjectKey, issuing),
  });
  return `${certificate.toString('pem')}\n`;
}

/** All organizations are one set, whose members DER sorts by their bytes: the shorter first. */
function inSetOrder(organizations: readonly string[]): string[] {
  return [...organizations].sort((a, b) => Buffer.compare(lengthFirst(a), lengthFirst(b)));
}

function lengthFirst(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}

async function extensionsOf(
  x509: X509,
  options: IssueOptions,
  subjectKey: KeyObject,
  issuing: InstanceType<X509['X509Certificate']> | undefined,
): Promise<Extension[]> {
  const { isCa = false, keyUsages, extendedKeyUsages } = options;
  const extensions: Extension[] = [];
  const bits = keyUsages.reduce((sum, usage) => sum | keyUsageBits[usage], 0);
  if (bits !== 0) extensions.push(new x509.KeyUsagesExtension(bits, true));
  if (extendedKeyUsages.length > 0) {
    const ids = extendedKeyUsages.map((usage) => extendedKeyUsageIds[usage]);
    extensions.push(new x509.ExtendedKeyUsageExtension(ids));
  }
  extensions.push(new x509.BasicConstraintsExtension(isCa, undefined, true));
  if (isCa)
    extensions.push(await x509.SubjectKeyIdentifierExtension.create(cryptoKeyOf(subjectKey)));
  const authority = issuing?.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId;
  if (authority !== undefined) extensions.push(new x509.AuthorityKeyIdentifierExtension(authority));
  const names: JsonGeneralName[] = [
    ...(options.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(options.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  if (names.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(names));
  return extensions;
}

/** 64 random bits in hex, positive and without leading zeros. */
function newSerial(): string {
  const bytes = randomBytes(8);
  bytes.writeUInt8((bytes.readUInt8() & 0x3f) | 0x40);
  return bytes.toString('hex');
}
