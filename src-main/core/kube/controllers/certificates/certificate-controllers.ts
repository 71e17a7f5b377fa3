import { type DeepReadonly, fromBase64, fromUtf8, toBase64, utf8 } from '#core/base';
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from '../../apis/index.ts';
import { type Result, WorkQueue } from '../../client/index.ts';
import { formatTime, isReason, type ObjectKey } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import { enqueueSelf, queueController } from '../shared/informer-queue.ts';
import { timeMs } from '../shared/pods.ts';

type CsrView = DeepReadonly<CertificateSigningRequest>;

/** What a certificate request says; as the API server's PKI port reads it. */
export interface RequestInfo {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
  readonly publicKey: string;
}

/** The part of the PKI port that signers need. */
export interface SignerPki {
  readRequest(pem: string): Promise<RequestInfo>;
  issue(options: {
    readonly issuer: { readonly certificate: string; readonly privateKey: string };
    readonly commonName: string;
    readonly organizations?: readonly string[];
    readonly subjectKey: string;
    readonly dnsNames?: readonly string[];
    readonly ipAddresses?: readonly string[];
    readonly keyUsages: readonly ('digital signature' | 'key encipherment')[];
    readonly extendedKeyUsages: readonly ('client auth' | 'server auth')[];
    readonly notBeforeMs: number;
    readonly notAfterMs: number;
  }): Promise<string>;
}

const clientSigner = 'kubernetes.io/kube-apiserver-client';
const kubeletClientSigner = 'kubernetes.io/kube-apiserver-client-kubelet';
const kubeletServingSigner = 'kubernetes.io/kubelet-serving';
const legacySigner = 'kubernetes.io/legacy-unknown';

function condition(
  csr: CsrView,
  type: string,
): DeepReadonly<CertificateSigningRequestCondition> | undefined {
  return csr.status?.conditions?.find((candidate) => candidate.type === type);
}

function requestPem(csr: CsrView): string {
  return fromUtf8(fromBase64(csr.spec.request));
}

/** Usages of a kubelet's client certificate; `key encipherment` may be absent for EC keys. */
function isKubeletClient(csr: CsrView, request: RequestInfo): boolean {
  const usages = [...(csr.spec.usages ?? [])].sort().join();
  return (
    request.organizations.join() === 'system:nodes' &&
    request.commonName.startsWith('system:node:') &&
    request.dnsNames.length +
      request.ipAddresses.length +
      request.emailAddresses.length +
      request.uris.length ===
      0 &&
    (usages === 'client auth,digital signature' ||
      usages === 'client auth,digital signature,key encipherment')
  );
}

/**
 * Approves the client certificates of kubelets that may have them.
 *
 * @see k8s.io/kubernetes/pkg/controller/certificates/approver
 */
export function createCsrApprovingController(
  context: ControllerContext,
  options: { readonly pki: SignerPki },
): Controller {
  const { client, informers, clock } = context;
  const requests = informers.for('certificatesigningrequests.certificates.k8s.io');
  const queue = new WorkQueue<ObjectKey>(clock, { baseDelayMs: 200 });

  async function isAllowed(csr: CsrView, subresource: string): Promise<boolean> {
    const review = await client.requestObject<{ status?: { allowed?: boolean } }>({
      method: 'POST',
      url: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      object: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: {
          user: csr.spec.username,
          ...(csr.spec.uid ? { uid: csr.spec.uid } : {}),
          groups: csr.spec.groups,
          ...(csr.spec.extra ? { extra: csr.spec.extra } : {}),
          resourceAttributes: {
            group: 'certificates.k8s.io',
            resource: 'certificatesigningrequests',
            verb: 'create',
            subresource,
            version: '*',
          },
        },
      },
    });
    return review.status?.allowed === true;
  }

  async function reconcile(key: ObjectKey): Promise<Result> {
    const csr = requests.get(key);
    if (!csr || csr.status?.certificate) return {};
    if (condition(csr, 'Approved') || condition(csr, 'Denied')) return {};
    if (csr.spec.signerName !== kubeletClientSigner) return {};
    const request = await options.pki.readRequest(requestPem(csr));
    if (!isKubeletClient(csr, request)) return {};
    const candidates: (readonly [string, string])[] = [
      ['nodeclient', 'Auto approving kubelet client certificate after SubjectAccessReview.'],
    ];
    if (csr.spec.username === request.commonName)
      candidates.unshift([
        'selfnodeclient',
        'Auto approving self kubelet client certificate after SubjectAccessReview.',
      ]);
    for (const [subresource, message] of candidates) {
      if (!(await isAllowed(csr, subresource))) continue;
      const draft = mutableCopy<CertificateSigningRequest>(csr);
      const time = formatTime(clock.now());
      draft.status = {
        ...draft.status,
        conditions: [
          ...(draft.status?.conditions ?? []),
          {
            type: 'Approved',
            status: 'True',
            reason: 'AutoApproved',
            message,
            lastUpdateTime: time,
            lastTransitionTime: time,
          },
        ],
      };
      await client
        .resource('certificatesigningrequests.certificates.k8s.io')
        .updateSubresource(undefined, key, 'approval', draft);
      return {};
    }
    return {};
  }

  return queueController(context, {
    name: 'certificatesigningrequest-approving-controller',
    queue,
    reconcile,
    handlers: (own) => own(enqueueSelf(requests, queue)),
  });
}

export interface CsrSigningOptions {
  readonly pki: SignerPki;
  /** PEM pair of `--cluster-signing-cert-file` and `--cluster-signing-key-file`. */
  readonly issuer: { readonly certificate: string; readonly privateKey: string };
  /** `--cluster-signing-duration`; default a year. */
  readonly durationMs?: number;
}

/** How far back a certificate is valid, for clocks that lag. */
const backdateMs = 5 * 60_000;
const minDurationSeconds = 600;

/**
 * Signs approved requests of the kubernetes.io signers.
 *
 * @see k8s.io/kubernetes/pkg/controller/certificates/signer
 */
export function createCsrSigningController(
  context: ControllerContext,
  options: CsrSigningOptions,
): Controller {
  const { client, informers, clock } = context;
  const requests = informers.for('certificatesigningrequests.certificates.k8s.io');
  const queue = new WorkQueue<ObjectKey>(clock, { baseDelayMs: 200 });

  async function reconcile(key: ObjectKey): Promise<Result> {
    const csr = requests.get(key);
    if (!csr || csr.status?.certificate) return {};
    if (condition(csr, 'Approved')?.status !== 'True' || condition(csr, 'Denied')) return {};
    if (condition(csr, 'Failed')?.status === 'True') return {};
    const known = [clientSigner, kubeletClientSigner, kubeletServingSigner, legacySigner];
    if (!known.includes(csr.spec.signerName)) return {};
    const request = await options.pki.readRequest(requestPem(csr));
    const draft = mutableCopy<CertificateSigningRequest>(csr);
    const problem = signerProblem(csr, request);
    if (problem !== undefined) {
      const time = formatTime(clock.now());
      draft.status = {
        ...draft.status,
        conditions: [
          ...(draft.status?.conditions ?? []),
          {
            type: 'Failed',
            status: 'True',
            reason: 'SignerValidationFailure',
            message: problem,
            lastUpdateTime: time,
            lastTransitionTime: time,
          },
        ],
      };
    } else {
      draft.status = { ...draft.status, certificate: toBase64(utf8(await sign(csr, request))) };
    }
    await client.resource('certificatesigningrequests.certificates.k8s.io').updateStatus(draft);
    return {};
  }

  async function sign(csr: CsrView, request: RequestInfo): Promise<string> {
    const usages = csr.spec.usages ?? [];
    const nowMs = clock.now();
    const maxMs = options.durationMs ?? 365 * 24 * 3_600_000;
    const wantedMs =
      csr.spec.expirationSeconds === undefined
        ? maxMs
        : Math.max(csr.spec.expirationSeconds, minDurationSeconds) * 1000;
    const keyUsages = (['digital signature', 'key encipherment'] as const).filter((usage) =>
      usages.includes(usage),
    );
    const extendedKeyUsages = (['client auth', 'server auth'] as const).filter((usage) =>
      usages.includes(usage),
    );
    return options.pki.issue({
      issuer: options.issuer,
      commonName: request.commonName,
      organizations: request.organizations,
      subjectKey: request.publicKey,
      dnsNames: request.dnsNames,
      ipAddresses: request.ipAddresses,
      keyUsages,
      extendedKeyUsages,
      notBeforeMs: nowMs - backdateMs,
      notAfterMs: nowMs + Math.min(wantedMs, maxMs),
    });
  }

  return queueController(context, {
    name: 'certificatesigningrequest-signing-controller',
    queue,
    reconcile,
    handlers: (own) => own(enqueueSelf(requests, queue)),
  });
}

const servingUsages = new Set([
  'digital signature,server auth',
  'digital signature,key encipherment,server auth',
]);

/** Why a signer refuses a request; undefined when it does not. @see signer.go, getCSRVerificationFuncForSignerName */
function signerProblem(csr: CsrView, request: RequestInfo): string | undefined {
  const usages = csr.spec.usages ?? [];
  switch (csr.spec.signerName) {
    case clientSigner: {
      const allowed = ['digital signature', 'key encipherment', 'client auth'];
      const wrong = usages.find((usage) => !allowed.includes(usage));
      if (wrong !== undefined) return `invalid usage for client certificate: ${wrong}`;
      return usages.includes('client auth')
        ? undefined
        : 'missing required usage for client certificate: client auth';
    }
    case kubeletClientSigner:
      if (request.organizations.join() !== 'system:nodes')
        return 'subject organization is not system:nodes';
      if (request.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
      if (request.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
      if (request.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed';
      if (request.uris.length > 0) return 'URI subjectAltNames are not allowed';
      if (!request.commonName.startsWith('system:node:'))
        return 'subject common name does not begin with system:node:';
      return isKubeletClient(csr, request)
        ? undefined
        : 'usages did not match [client auth digital signature]';
    case kubeletServingSigner:
      if (request.organizations.join() !== 'system:nodes')
        return 'subject organization is not system:nodes';
      if (request.dnsNames.length + request.ipAddresses.length === 0)
        return 'DNS or IP subjectAltName is required';
      if (request.emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
      if (request.uris.length > 0) return 'URI subjectAltNames are not allowed';
      if (!servingUsages.has([...usages].sort().join()))
        return 'usages did not match [digital signature key encipherment server auth]';
      return request.commonName.startsWith('system:node:')
        ? undefined
        : 'subject common name does not begin with system:node:';
    default:
      return undefined;
  }
}

/** When a request of a given state is forgotten, ms. */
const approvedExpiryMs = 3_600_000;
const pendingExpiryMs = 24 * 3_600_000;

/**
 * Forgets requests that are done or that nobody decides on.
 *
 * @see k8s.io/kubernetes/pkg/controller/certificates/cleaner
 */
export function createCsrCleanerController(context: ControllerContext): Controller {
  const { client, informers, clock, logger } = context;
  const requests = informers.for('certificatesigningrequests.certificates.k8s.io');
  const queue = new WorkQueue<ObjectKey>(clock);

  function expiry(csr: CsrView): number {
    const decided =
      condition(csr, 'Approved') ?? condition(csr, 'Denied') ?? condition(csr, 'Failed');
    return decided
      ? (timeMs(decided.lastUpdateTime) ?? clock.now()) + approvedExpiryMs
      : (timeMs(csr.metadata.creationTimestamp) ?? clock.now()) + pendingExpiryMs;
  }

  async function reconcile(key: ObjectKey): Promise<Result> {
    const csr = requests.get(key);
    if (!csr) return {};
    const leftMs = expiry(csr) - clock.now();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    try {
      await client
        .resource('certificatesigningrequests.certificates.k8s.io')
        .delete(undefined, key);
    } catch (error) {
      if (!isReason(error, 'NotFound'))
        logger.log('debug', 'request not deleted', { error: textOf(error) });
    }
    return {};
  }

  return queueController(context, {
    name: 'certificatesigningrequest-cleaner-controller',
    queue,
    reconcile,
    handlers: (own) => own(enqueueSelf(requests, queue)),
  });
}
