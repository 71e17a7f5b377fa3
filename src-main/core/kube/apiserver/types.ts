import type { DeepReadonly } from '#core/base';
import type { ResourceInfo } from '../apis/index.ts';
import type { ApiRequest, KubeObject } from '../machinery/index.ts';

/** Who asks. @see k8s.io/apiserver/pkg/authentication/user */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Finds out who sent a request. Undefined: no credentials (anonymous may follow).
 * @throws StatusError 401 for credentials that are wrong.
 */
export interface Authenticator {
  authenticate(request: ApiRequest): Promise<UserInfo | undefined>;
}

/** What is asked, as authorizers see it. @see k8s.io/apiserver/pkg/authorization/authorizer */
export type Attributes = ResourceAttributes | NonResourceAttributes;

export interface ResourceAttributes {
  readonly kind: 'resource';
  readonly user: UserInfo;
  /** get, list, watch, create, update, patch, delete, deletecollection, or a special verb (bind, escalate …). */
  readonly verb: string;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

export interface NonResourceAttributes {
  readonly kind: 'non-resource';
  readonly user: UserInfo;
  readonly verb: string;
  readonly path: string;
}

export interface Decision {
  readonly decision: 'allow' | 'deny' | 'no-opinion';
  readonly reason: string;
}

export interface Authorizer {
  authorize(attributes: Attributes): Decision | Promise<Decision>;
}

/** A write on its way to the store. Mutating plugins change `object` in place. */
export interface AdmissionRequest {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly user: UserInfo;
  readonly resource: ResourceInfo;
  readonly subresource: string;
  readonly namespace: string;
  /** Empty for a create with generateName. */
  readonly name: string;
  /** Null on DELETE; the options object on CONNECT. */
  readonly object: KubeObject | null;
  readonly oldObject: DeepReadonly<KubeObject> | null;
  /** CreateOptions, UpdateOptions or DeleteOptions. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly dryRun: boolean;
  /** When the request must be answered; undefined: it may last. */
  readonly deadlineMs?: number | undefined;
  /** The object in the other versions of its resource. Absent: it has no other. */
  readonly versions?: ObjectVersions;
  /** What mutating steps know of each other; set by who runs them. */
  reinvocation?: Reinvocation;
  /** Adds a `Warning:` header to the answer. */
  warn(text: string): void;
  /** Adds to the audit record. */
  annotate(key: string, value: string): void;
}

/**
 * How the objects of a request look in the versions of their resource: rules may name one that the request does not
 * speak (`matchPolicy: Equivalent`).
 * @see k8s.io/apiserver/pkg/admission/conversion.go
 */
export interface ObjectVersions {
  /** The resources, other than the request's, that serve the same objects. */
  others(): readonly ResourceInfo[];
  /** The object in the version of a resource; itself when that is its version. @throws StatusError */
  convert(
    object: DeepReadonly<KubeObject>,
    resource: ResourceInfo,
  ): KubeObject | Promise<KubeObject>;
  /**
   * What somebody made of an object, in the form its Go type would hold it.
   * @throws Error Go's text of a value that does not fit; StatusError for another kind.
   */
  typed(
    content: Readonly<Record<string, unknown>>,
    before: DeepReadonly<KubeObject>,
    resource: ResourceInfo,
  ): KubeObject;
  /** Merges a configuration into an object as server-side apply does, without owners. @throws PatchError */
  merge(
    object: KubeObject,
    configuration: Omit<KubeObject, 'metadata'>,
    resource: ResourceInfo,
  ): KubeObject;
  /** Fills in what an object of the resource's version leaves out. */
  defaults(object: KubeObject, resource: ResourceInfo): void;
}

/**
 * All mutating steps run once more when one that comes from configuration has changed the object, so that those
 * before it see the change.
 * @see k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/reinvocationcontext.go
 */
export interface Reinvocation {
  /** Whether this is the second round. */
  readonly isSecond: boolean;
  /** Set by a step that changed the object. */
  wanted: boolean;
  /** By plugin: what it noted in the first round. */
  readonly notes: Map<string, unknown>;
}

/** One step of admission. Throwing a StatusError refuses the request. */
export interface AdmissionPlugin {
  readonly name: string;
  admit?(request: AdmissionRequest): Promise<void> | void;
  validate?(request: AdmissionRequest): Promise<void> | void;
}

/**
 * Reads of the server's own state for authorizers and admission, without a request. Objects are shared.
 * Lists are served from the store's newest revision.
 */
export interface ServerState {
  get(
    group: string,
    resource: string,
    namespace: string,
    name: string,
  ): DeepReadonly<KubeObject> | undefined;
  list(group: string, resource: string, namespace?: string): readonly DeepReadonly<KubeObject>[];
  /** A number that changes whenever an object of the resource changes: for caches. */
  version(group: string, resource: string): number;
}

/** Signatures and certificates; `node/pki` implements it with WebCrypto. */
export interface Pki {
  /** Checks a JWS signature (RS256, ES256) with a PEM public key or certificate. */
  verify(
    algorithm: string,
    publicKey: string,
    signed: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean>;
  /** Signs with a PEM private key; the algorithm follows from the key. */
  sign(
    privateKey: string,
    data: Uint8Array,
  ): Promise<{ readonly algorithm: string; readonly signature: Uint8Array }>;
  /** Whether a PEM private key is that of a PEM certificate; false when either is malformed. */
  keyMatches(certificate: string, privateKey: string): Promise<boolean>;
  /** Reads a PEM certificate. @throws Error malformed. */
  readCertificate(pem: string): CertificateInfo;
  /**
   * Whether `certificate` chains to one of the PEM bundle at `nowMs`, and is for `serverName` where that is given;
   * Go's x509 text when not.
   */
  verifyCertificate(
    certificate: string,
    caBundle: string,
    nowMs: number,
    usage: 'client' | 'server',
    serverName?: string,
  ): Promise<string | undefined>;
  /** Reads a PEM certificate request and checks its signature. @throws Error malformed. */
  readRequest(pem: string): Promise<CertificateRequestInfo>;
  /** Signs a request or subject. @returns PEM. */
  issue(options: IssueOptions): Promise<string>;
  generateKey(): Promise<{ readonly privateKey: string; readonly publicKey: string }>;
  sha256(data: Uint8Array): Promise<Uint8Array>;
}

export interface CertificateInfo {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly issuerCommonName: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly serial: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly isCa: boolean;
  readonly keyUsages: readonly string[];
  readonly extendedKeyUsages: readonly string[];
  /** Lower-case hex of the DER's SHA-256. */
  readonly fingerprint: string;
}

export interface CertificateRequestInfo {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
  /** PEM. */
  readonly publicKey: string;
}

export interface IssueOptions {
  /** PEM pair of the issuer; absent: self-signed with `subjectKey`. */
  readonly issuer?: { readonly certificate: string; readonly privateKey: string };
  readonly commonName: string;
  readonly organizations?: readonly string[];
  /** PEM public key of the subject (for a self-signed certificate: private key PEM). */
  readonly subjectKey: string;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly isCa?: boolean;
  readonly keyUsages: readonly (
    'digital signature' | 'key encipherment' | 'cert sign' | 'crl sign'
  )[];
  readonly extendedKeyUsages: readonly ('client auth' | 'server auth')[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}
