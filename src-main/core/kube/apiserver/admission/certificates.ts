import { fromBase64, fromUtf8, jsonEqual, quoted } from '#core/base';
import { at, textAt } from '../fields/index.ts';
import type { AdmissionPlugin, AdmissionRequest, Authorizer, Pki } from '../types.ts';
import { forbid } from './attributes.ts';

const group = 'certificates.k8s.io';
const clientSigner = 'kubernetes.io/kube-apiserver-client';

const isRequest = (request: AdmissionRequest, subresource: string): boolean =>
  request.resource.group === group &&
  request.resource.resource === 'certificatesigningrequests' &&
  request.subresource === subresource;

/** May the user approve, or sign, for a signer: by its name, or by its whole domain. */
async function mayUseSigner(
  authorizer: Authorizer,
  request: AdmissionRequest,
  verb: 'approve' | 'sign',
  signer: string,
): Promise<boolean> {
  for (const name of [signer, `${signer.split('/')[0] ?? ''}/*`]) {
    const { decision } = await authorizer.authorize({
      kind: 'resource',
      user: request.user,
      verb,
      group,
      version: '*',
      resource: 'signers',
      subresource: '',
      namespace: '',
      name,
    });
    if (decision === 'allow') return true;
  }
  return false;
}

/** @see plugin/pkg/admission/certificates/approval */
export function certificateApproval(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateApproval',
    async validate(request) {
      if (request.operation !== 'UPDATE' || !isRequest(request, 'approval')) return;
      const signer = textAt(request.oldObject, 'spec', 'signerName');
      if (!(await mayUseSigner(authorizer, request, 'approve', signer)))
        throw forbid(
          request,
          `user not permitted to approve requests with signerName ${quoted(signer)}`,
        );
    },
  };
}

/** @see plugin/pkg/admission/certificates/signing */
export function certificateSigning(authorizer: Authorizer): AdmissionPlugin {
  return {
    name: 'CertificateSigning',
    async validate(request) {
      if (request.operation !== 'UPDATE' || !isRequest(request, 'status')) return;
      const changed = (field: string, empty: unknown): boolean =>
        !jsonEqual(
          at(request.object, 'status', field) ?? empty,
          at(request.oldObject, 'status', field) ?? empty,
        );
      if (!changed('certificate', '') && !changed('conditions', [])) return;
      const signer = textAt(request.oldObject, 'spec', 'signerName');
      if (!(await mayUseSigner(authorizer, request, 'sign', signer)))
        throw forbid(
          request,
          `user not permitted to sign requests with signerName ${quoted(signer)}`,
        );
    },
  };
}

/** @see plugin/pkg/admission/certificates/subjectrestriction */
export function certificateSubjectRestriction(pki: Pki): AdmissionPlugin {
  return {
    name: 'CertificateSubjectRestriction',
    async validate(request) {
      if (request.operation !== 'CREATE' || !isRequest(request, '')) return;
      if (textAt(request.object, 'spec', 'signerName') !== clientSigner) return;
      let organizations: readonly string[];
      try {
        const pem = fromUtf8(fromBase64(textAt(request.object, 'spec', 'request')));
        ({ organizations } = await pki.readRequest(pem));
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        throw forbid(request, `failed to parse CSR: ${text}`);
      }
      if (organizations.includes('system:masters'))
        throw forbid(
          request,
          `use of ${clientSigner} signer with system:masters group is not allowed`,
        );
    },
  };
}
