import { isIP } from 'node:net';
import type { CertificateInfo } from '#core/kube';
import type { ParsedCertificate } from './certificates.ts';

/** Certificates from the leaf to the trusted root at most; deeper ones are nobody's here. */
const depthLimit = 8;

/** Why a chain could not be built, in Go's words, and whether a better reason may still be found. */
type Verdict =
  | { readonly kind: 'ok' }
  | { readonly kind: 'invalid'; readonly text: string }
  | { readonly kind: 'unknown'; readonly hint?: string };

/**
 * Checks that the first of `chain` leads to one of `roots`, by way of the others where need be.
 *
 * @returns undefined, or the text of Go's error.
 * @see crypto/x509/verify.go, Certificate.Verify
 */
export function verifyChain(
  chain: readonly ParsedCertificate[],
  roots: readonly ParsedCertificate[],
  nowMs: number,
  usage: 'client' | 'server',
  serverName?: string,
): string | undefined {
  const [leaf, ...intermediates] = chain;
  if (!leaf) return 'x509: missing ASN.1 contents; use ParseCertificate';
  const unfit = invalidTime(leaf, nowMs);
  const otherName = serverName === undefined ? undefined : nameFault(leaf.info, serverName);
  if (!unfit && otherName !== undefined) return otherName;
  const verdict = unfit ?? climb(leaf, intermediates, roots, nowMs, depthLimit);
  if (verdict.kind === 'invalid') return verdict.text;
  if (verdict.kind === 'unknown')
    return `x509: certificate signed by unknown authority${verdict.hint ?? ''}`;
  const usages = leaf.info.extendedKeyUsages;
  const allowed = usages.length === 0 || usages.includes('any') || usages.includes(`${usage} auth`);
  return allowed ? undefined : 'x509: certificate specifies an incompatible key usage';
}

function climb(
  child: ParsedCertificate,
  intermediates: readonly ParsedCertificate[],
  roots: readonly ParsedCertificate[],
  nowMs: number,
  depth: number,
): Verdict {
  const isRoot = roots.some(({ info }) => info.fingerprint === child.info.fingerprint);
  if (isRoot) return { kind: 'ok' };
  let worst: Verdict = { kind: 'unknown' };
  let hint: string | undefined;
  for (const [candidates, trusted] of [
    [roots, true],
    [intermediates, false],
  ] as const)
    for (const parent of candidates) {
      if (parent.subject !== child.issuer) continue;
      const fault = signatureFault(child, parent);
      if (fault !== undefined) {
        hint ??= hintOf(fault, parent);
        continue;
      }
      const invalid = invalidTime(parent, nowMs);
      if (invalid) worst = invalid;
      else if (!trusted && !parent.info.isCa)
        worst = invalidOf('x509: certificate is not authorized to sign other certificates');
      else if (trusted) return { kind: 'ok' };
      else if (depth > 1) {
        const above = climb(parent, intermediates, roots, nowMs, depth - 1);
        if (above.kind === 'ok') return above;
        if (above.kind === 'invalid') worst = above;
      }
    }
  return worst.kind === 'unknown' && hint !== undefined ? { kind: 'unknown', hint } : worst;
}

/** Go names every name of a certificate up to this many. */
const namesTold = 100;

/**
 * Why a certificate is not for a server; undefined when it is.
 * @see crypto/x509/verify.go, VerifyHostname and HostnameError
 */
function nameFault(info: CertificateInfo, serverName: string): string | undefined {
  const { dnsNames, ipAddresses, commonName } = info;
  const isAddress = isIP(serverName) !== 0;
  const names = isAddress ? ipAddresses : dnsNames;
  if (isAddress ? names.includes(serverName) : names.some((name) => matches(name, serverName)))
    return undefined;
  const hasNames = dnsNames.length + ipAddresses.length > 0;
  if (!hasNames && matches(commonName, serverName))
    return 'x509: certificate relies on legacy Common Name field, use SANs instead';
  if (isAddress && names.length === 0)
    return `x509: cannot validate certificate for ${serverName} because it doesn't contain any IP SANs`;
  if (names.length >= namesTold)
    return `x509: certificate is valid for ${names.length} ${isAddress ? 'IP SANs' : 'names'}, but none matched ${serverName}`;
  return names.length === 0
    ? `x509: certificate is not valid for any names, but wanted to match ${serverName}`
    : `x509: certificate is valid for ${names.join(', ')}, not ${serverName}`;
}

/** A first label `*` stands for any one label. */
function matches(pattern: string, host: string): boolean {
  const wanted = pattern.toLowerCase().split('.');
  const given = host.toLowerCase().replace(/\.$/, '').split('.');
  return (
    wanted.length === given.length &&
    given.every(
      (label, i) => label !== '' && (label === wanted[i] || (i === 0 && wanted[0] === '*')),
    )
  );
}

const invalidOf = (text: string): Verdict => ({ kind: 'invalid', text });

function invalidTime({ info }: ParsedCertificate, nowMs: number): Verdict | undefined {
  const expired = 'x509: certificate has expired or is not yet valid: current time';
  if (nowMs < info.notBeforeMs)
    return invalidOf(`${expired} ${timeText(nowMs)} is before ${timeText(info.notBeforeMs)}`);
  if (nowMs > info.notAfterMs)
    return invalidOf(`${expired} ${timeText(nowMs)} is after ${timeText(info.notAfterMs)}`);
  return undefined;
}

/** Go's error of CheckSignatureFrom; undefined when the parent did sign the child. */
function signatureFault(child: ParsedCertificate, parent: ParsedCertificate): string | undefined {
  const { keyUsages, isCa } = parent.info;
  const maySign = keyUsages.length === 0 || keyUsages.includes('cert sign');
  if (!parent.hasBasicConstraints || !isCa || !maySign)
    return 'x509: invalid signature: parent certificate cannot sign this kind of certificate';
  const key = parent.node.publicKey;
  if (child.node.verify(key)) return undefined;
  return key.asymmetricKeyType === 'rsa'
    ? 'crypto/rsa: verification error'
    : 'x509: ECDSA verification failure';
}

function hintOf(fault: string, { info }: ParsedCertificate): string {
  const name = info.commonName || info.organizations[0] || `serial:${BigInt(`0x${info.serial}`)}`;
  return ` (possibly because of ${JSON.stringify(fault)} while trying to verify candidate authority certificate ${JSON.stringify(name)})`;
}

/** RFC 3339 in whole seconds. */
const timeText = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
