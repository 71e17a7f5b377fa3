import { createHash, X509Certificate as NodeCertificate } from 'node:crypto';
import type { X509Certificate } from '@peculiar/x509';
import type { CertificateInfo, CertificateRequestInfo } from '#core/kube';
import type { X509 } from './x509.ts';

/** Names of the usages as certificates.k8s.io/v1 has them, by bit. */
const keyUsageNames: readonly (readonly [bit: number, name: string])[] = [
  [1, 'digital signature'],
  [2, 'content commitment'],
  [4, 'key encipherment'],
  [8, 'data encipherment'],
  [16, 'key agreement'],
  [32, 'cert sign'],
  [64, 'crl sign'],
  [128, 'encipher only'],
  [256, 'decipher only'],
];

const extendedKeyUsageNames: Readonly<Record<string, string>> = {
  '2.5.29.37.0': 'any',
  '1.3.6.1.5.5.7.3.1': 'server auth',
  '1.3.6.1.5.5.7.3.2': 'client auth',
  '1.3.6.1.5.5.7.3.3': 'code signing',
  '1.3.6.1.5.5.7.3.4': 'email protection',
  '1.3.6.1.5.5.7.3.8': 'timestamping',
  '1.3.6.1.5.5.7.3.9': 'ocsp signing',
};

/** A certificate with what checking it needs. */
export interface ParsedCertificate {
  readonly info: CertificateInfo;
  /** For signatures. */
  readonly node: NodeCertificate;
  /** DER of the names, in hex: two names are one when their bytes are. */
  readonly subject: string;
  readonly issuer: string;
  readonly hasBasicConstraints: boolean;
}

/** Reads certificates; remembers the last few hundred, because each request of a client shows the same one. */
export class CertificateReader {
  readonly #x509: X509;
  readonly #parsed = new Map<string, readonly ParsedCertificate[]>();

  constructor(x509: X509) {
    this.#x509 = x509;
  }

  /** All certificates of a PEM bundle. @throws Error malformed. */
  readAll(pem: string): readonly ParsedCertificate[] {
    const known = this.#parsed.get(pem);
    if (known) return known;
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
    const certificates = blocks.map((block) => this.#parse(block));
    if (this.#parsed.size >= 256) this.#parsed.clear();
    this.#parsed.set(pem, certificates);
    return certificates;
  }

  /** The first certificate of a PEM text. @throws Error malformed, or none there. */
  read(pem: string): ParsedCertificate {
    const first = this.readAll(pem)[0];
    if (!first) throw new Error('data does not contain any valid RSA or ECDSA certificates');
    return first;
  }

  /** @throws Error malformed, or its signature is not by its key. */
  async readRequest(pem: string): Promise<CertificateRequestInfo> {
    const x509 = this.#x509;
    if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(pem))
      throw new Error('PEM block type must be CERTIFICATE REQUEST');
    const request = new x509.Pkcs10CertificateRequest(pem);
    if (!(await request.verify()))
      throw new Error('x509: certificate request signature is invalid');
    const names = request.extensions.find(
      (extension) => extension instanceof x509.SubjectAlternativeNameExtension,
    );
    const all = names?.names.toJSON() ?? [];
    const ofType = (type: string): string[] =>
      all.filter((name) => name.type === type).map(({ value }) => value);
    return {
      commonName: request.subjectName.getField('CN')[0] ?? '',
      organizations: request.subjectName.getField('O'),
      dnsNames: ofType('dns'),
      ipAddresses: ofType('ip'),
      emailAddresses: ofType('email'),
      uris: ofType('url'),
      publicKey: `${request.publicKey.toString('pem')}\n`,
    };
  }

  #parse(pem: string): ParsedCertificate {
    const certificate = new this.#x509.X509Certificate(pem);
    const constraints = certificate.getExtension(this.#x509.BasicConstraintsExtension);
    const hexOf = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString('hex');
    return {
      info: this.#infoOf(certificate, constraints?.ca ?? false),
      node: new NodeCertificate(pem),
      subject: hexOf(certificate.subjectName.toArrayBuffer()),
      issuer: hexOf(certificate.issuerName.toArrayBuffer()),
      hasBasicConstraints: constraints !== null,
    };
  }

  #infoOf(certificate: X509Certificate, isCa: boolean): CertificateInfo {
    const x509 = this.#x509;
    const names =
      certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
    const usages = certificate.getExtension(x509.KeyUsagesExtension)?.usages ?? 0;
    const extended = certificate.getExtension(x509.ExtendedKeyUsageExtension)?.usages ?? [];
    return {
      commonName: certificate.subjectName.getField('CN')[0] ?? '',
      organizations: certificate.subjectName.getField('O'),
      issuerCommonName: certificate.issuerName.getField('CN')[0] ?? '',
      notBeforeMs: certificate.notBefore.getTime(),
      notAfterMs: certificate.notAfter.getTime(),
      serial: certificate.serialNumber,
      dnsNames: names.filter(({ type }) => type === 'dns').map(({ value }) => value),
      ipAddresses: names.filter(({ type }) => type === 'ip').map(({ value }) => value),
      isCa,
      keyUsages: keyUsageNames.filter(([bit]) => (usages & bit) !== 0).map(([, name]) => name),
      extendedKeyUsages: extended.map((id) => extendedKeyUsageNames[String(id)] ?? String(id)),
      fingerprint: createHash('sha256').update(Buffer.from(certificate.rawData)).digest('hex'),
    };
  }
}
