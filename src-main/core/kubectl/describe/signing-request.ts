import { humanDuration } from '#core/kube';
import { type Json, has, list, num, sortedKeys, strings, text } from '../json-view.ts';
import { readCertificateRequest } from './certificate-request.ts';
import { type Description, timeText } from './writer.ts';

/** @see k8s.io/kubectl/pkg/describe, describeCertificateSigningRequest */
export function describeSigningRequest(out: Description, object: Json): void {
  const request = readCertificateRequest(text(object, 'spec', 'request'));
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.line(0, 'Labels:', oneLine(strings(object, 'metadata', 'labels')));
  out.line(0, 'Annotations:', oneLine(strings(object, 'metadata', 'annotations')));
  out.line(0, 'CreationTimestamp:', timeText(text(object, 'metadata', 'creationTimestamp')));
  out.line(0, 'Requesting User:', text(object, 'spec', 'username'));
  const signer = text(object, 'spec', 'signerName');
  if (signer !== '') out.line(0, 'Signer:', signer);
  if (has(object, 'spec', 'expirationSeconds'))
    out.line(
      0,
      'Requested Duration:',
      humanDuration(num(object, 'spec', 'expirationSeconds') * 1000),
    );
  out.line(0, 'Status:', statusOf(object));
  out.line(0, 'Subject:');
  out.line(0, '', 'Common Name:', request.commonName);
  out.line(0, '', 'Serial Number:', request.serialNumber);
  listed(out, request.names);
  if (request.alternatives.some(([, values]) => values.length > 0)) {
    out.line(0, 'Subject Alternative Names:');
    listed(out, request.alternatives);
  }
}

const oneLine = (values: Readonly<Record<string, string>>): string =>
  sortedKeys(values)
    .map((key) => `${key}=${values[key] ?? ''}`)
    .join(',') || '<none>';

function listed(
  out: Description,
  entries: readonly (readonly [title: string, values: readonly string[]])[],
): void {
  for (const [title, values] of entries)
    values.forEach((value, index) => {
      if (index === 0) out.line(0, '', `${title}:`, value);
      else out.line(0, '', '', value);
    });
}

function statusOf(object: Json): string {
  const types = list(object, 'status', 'conditions').map((condition) => text(condition, 'type'));
  const verdict = types.includes('Denied')
    ? 'Denied'
    : types.includes('Approved')
      ? 'Approved'
      : 'Pending';
  return `${verdict}${types.includes('Failed') ? ',Failed' : ''}${text(object, 'status', 'certificate') === '' ? '' : ',Issued'}`;
}
