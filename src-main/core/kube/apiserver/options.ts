import type { Clock, DeepReadonly, Logger, Random } from '#core/base';
import type {
  Descriptions,
  KindStrategy,
  ResourceInfo,
  ResourceTable,
  SchemaSet,
} from '../apis/index.ts';
import type {
  ApiRequest,
  ApiResponse,
  KubeObject,
  ObjectMeta,
  Transport,
} from '../machinery/index.ts';
import type { Store } from '../storage/index.ts';
import type { Aggregator } from './aggregation/index.ts';
import type { CrdRegistry } from './crds/index.ts';
import type { RequestInfo } from './request-info.ts';
import type { StoredObject } from './stored-object.ts';
import type {
  AdmissionPlugin,
  Attributes,
  Authenticator,
  Authorizer,
  ServerState,
  UserInfo,
} from './types.ts';

/** What `/version` answers; field names are the wire's. */
export interface VersionInfo {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
  readonly gitCommit: string;
  readonly gitTreeState: string;
  readonly buildDate: string;
  readonly goVersion: string;
  readonly compiler: string;
  readonly platform: string;
  readonly [field: string]: string;
}

/** Where a kubelet or a pod is reached. */
export interface ProxyTarget {
  readonly node: string;
  readonly address: string;
  readonly port: number;
  readonly scheme: 'http' | 'https';
}

/** What asking a component for its health came to. */
export interface ComponentHealth {
  /** `scheduler`, `controller-manager`, `etcd-0` … */
  readonly name: string;
  readonly healthy: boolean;
  /** What it answered, or why it was not reached. */
  readonly message?: string;
  readonly error?: string;
}

export interface ApiServerOptions {
  readonly store: Store<StoredObject>;
  /** From `createServerState` over the same store. */
  readonly state: ServerState;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly version: VersionInfo;
  readonly resources: ResourceTable;
  readonly schemas: SchemaSet;
  /** Undefined: the kind gets the generic treatment. */
  strategyFor(group: string, kind: string): KindStrategy | undefined;
  readonly customResources?: CrdRegistry;
  /** Prose of the OpenAPI documents; absent: they have types alone. */
  readonly descriptions?: Descriptions;
  /** The API servers behind APIServices. */
  readonly aggregator?: Aggregator;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  /** Mutating steps run in this order, then the validating ones. */
  readonly admission: readonly AdmissionPlugin[];
  /** Whether requests without credentials go on as system:anonymous. */
  readonly anonymous: boolean;
  /** `--service-cluster-ip-range`, IPv4: `10.96.0.0/12`. */
  readonly serviceClusterIpRange: string;
  /** `--service-node-port-range`, both ends included. */
  readonly nodePortRange: { readonly from: number; readonly to: number };
  /** Where clients reach this server: the `kubernetes` Service's only endpoint. */
  readonly advertiseAddress: string;
  /** Name of the machine, for the identity Lease; default `controlplane`. */
  readonly hostname?: string;
  readonly port: number;
  /** Connections to kubelets and to pods. Absent: streams answer 503. */
  readonly connect?: (target: ProxyTarget) => Transport;
  /** POST to serviceaccounts/token. */
  readonly createToken?: (
    namespace: string,
    name: string,
    request: KubeObject,
    warn: (text: string) => void,
    /** Asked before the token is made. */
    validate: (complete: KubeObject) => Promise<void>,
  ) => Promise<KubeObject>;
  /** The status of a TokenReview. */
  readonly reviewToken?: (
    token: string,
    audiences: readonly string[],
  ) => Promise<Record<string, unknown>>;
  /** The status of a SelfSubjectRulesReview. */
  readonly subjectRules?: (user: UserInfo, namespace: string) => Record<string, unknown>;
  /** The user a request acts as (`Impersonate-*`). */
  readonly impersonate?: (request: ApiRequest, attributes: Attributes) => Promise<UserInfo>;
  /** Answers of other paths (`/.well-known/openid-configuration` …), by path. */
  readonly extraPaths?: Readonly<
    Record<string, (request: ApiRequest) => ApiResponse | Promise<ApiResponse>>
  >;
  /** Names of checks that fail at the moment, for `/readyz`, `/livez`, `/healthz`. */
  readonly failingChecks?: () => readonly string[];
  /** Health of the components beside this server, for ComponentStatus. Absent: there are none. */
  readonly componentHealth?: () => Promise<readonly ComponentHealth[]>;
  /** Headers that tell which flow schema a request belongs to. */
  readonly flowHeaders?: (user: UserInfo, info: RequestInfo) => Readonly<Record<string, string>>;
  /** Told of each answered request. */
  readonly audit?: (record: AuditRecord) => void;
}

export interface AuditRecord {
  readonly user: UserInfo;
  readonly verb: string;
  readonly url: string;
  readonly status: number;
}

/** An API server as a function of requests. */
export interface ApiServer {
  /** Never rejects: every failure is an answer. */
  handle(request: ApiRequest): Promise<ApiResponse>;
  readonly state: ServerState;
  /** Deletes an object without asking admission. @throws StatusError */
  remove(info: ResourceInfo, metadata: DeepReadonly<ObjectMeta>): Promise<void>;
  /** Names of readiness checks that fail; empty when ready. */
  ready(): readonly string[];
  /** Writes what a starting server writes: system namespaces, the `kubernetes` Service, its own Lease. */
  bootstrap(): Promise<void>;
  /** Ends all watches and timers. */
  dispose(): void;
}
