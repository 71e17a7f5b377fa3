import { ConnectionError } from '#core/kube';
import { hostOf, portOf } from './server.ts';

const untrusted = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
]);

/** What went wrong on the way to a server, in the words that Go's clients have for it. */
export function connectionError(error: Error, url: URL): Error {
  const {
    code = '',
    address,
    port,
  } = error as NodeJS.ErrnoException & {
    address?: string;
    port?: number;
  };
  const host = hostOf(url);
  const at = `${address ?? host}:${port ?? portOf(url)}`;
  const x509 = (text: string): Error =>
    new ConnectionError('ETLS', `tls: failed to verify certificate: x509: ${text}`);
  switch (code) {
    case 'ECONNREFUSED':
      return new ConnectionError(code, `dial tcp ${at}: connect: connection refused`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ConnectionError('ENOTFOUND', `dial tcp: lookup ${host}: no such host`);
    case 'ETIMEDOUT':
      return new ConnectionError(code, `dial tcp ${at}: i/o timeout`);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return new ConnectionError('EHOSTUNREACH', `dial tcp ${at}: connect: no route to host`);
    case 'ECONNRESET':
    case 'EPIPE':
      return new ConnectionError('ECONNRESET', `read tcp ${at}: read: connection reset by peer`);
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return x509('certificate has expired or is not yet valid');
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return x509(`certificate is not valid for ${host}`);
    default:
      return untrusted.has(code) ? x509('certificate signed by unknown authority') : error;
  }
}
