/**
 * What a check demands, as data. References to objects are `v1/Service/NAMESPACE/NAME`,
 * `apps/v1/Deployment/NAMESPACE/NAME` or `v1/Node/NAME`; lists leave the name out.
 */
export type Assertion =
  | ObjectAssertion
  | { readonly absent: string }
  | ListAssertion
  | SelectsAssertion
  | CanIAssertion
  | ScheduleAssertion
  | ProbeAssertion
  | RolloutAssertion
  | UnitAssertion
  | FileAssertion
  | CommandAssertion
  | UnchangedAssertion
  | PodsReadyAssertion
  | { readonly any: readonly Assertion[] }
  | { readonly all: readonly Assertion[] }
  | { readonly not: Assertion };

/** How two values are compared; `json` (deep equality) when absent. */
export type Comparison =
  | 'json'
  /** `500m` equals `0.5`. */
  | 'quantity'
  /** Lists without order and repetition. */
  | 'set'
  | 'list'
  /** `0400` (octal text) equals 256. */
  | 'mode'
  /** `v1.36` precedes `1.36.3`. */
  | 'semver'
  /** `1m30s` equals `90s`; a bare number is seconds. */
  | 'duration'
  /** Every field of the expected object stands in the actual one. */
  | 'subset';

/** Exactly one demand; all that are given must hold. */
export interface Matcher {
  readonly equals?: unknown;
  readonly oneOf?: readonly unknown[];
  /** A regular expression of the safe subset, anchored nowhere. */
  readonly matches?: string;
  /** A part of a text, or an item of a list. */
  readonly contains?: unknown;
  readonly atLeast?: string | number;
  readonly atMost?: string | number;
  readonly exists?: boolean;
  readonly compare?: Comparison;
}

export interface ObjectAssertion extends Matcher {
  readonly object: string;
  /** `spec.containers[name=web].image`; absent: the object only has to exist. */
  readonly path?: string;
}

export interface ListAssertion {
  readonly list: string;
  readonly selector?: string;
  /** Counted are the objects for which all of these hold. */
  readonly where?: readonly (Matcher & { readonly path: string })[];
  readonly count: Matcher;
}

/** Pods that the selector of a Service, workload, NetworkPolicy or PodDisruptionBudget finds. */
export interface SelectsAssertion {
  readonly selects: string;
  readonly ready?: boolean;
  readonly count: Matcher;
}

export interface CanIAssertion {
  readonly canI: {
    readonly user: string;
    readonly groups?: readonly string[];
    readonly verb: string;
    readonly group?: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly allowed: boolean;
}

/** Where the running pods of a selector are. */
export interface ScheduleAssertion {
  readonly schedule: { readonly namespace: string; readonly selector?: string };
  /** Every pod stands on one of these. */
  readonly nodes?: readonly string[];
  /** No pod stands on one of these. */
  readonly notNodes?: readonly string[];
  /** How many different nodes carry one. */
  readonly spread?: Matcher;
  readonly count?: Matcher;
}

export interface ProbeAssertion {
  readonly probe: 'http' | 'tcp' | 'dns';
  /** A machine, a pod, or the first ready pod of a selector. */
  readonly from:
    | { readonly host: string }
    | { readonly namespace: string; readonly pod: string }
    | { readonly namespace: string; readonly selector: string };
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly expect: {
    readonly status?: number;
    readonly body?: Matcher;
    /** tcp: the connection is made; dns: the name has addresses. False: anything else. */
    readonly reachable?: boolean;
    readonly addresses?: Matcher;
  };
}

/** State of a Deployment's rollout and its history. */
export interface RolloutAssertion {
  readonly rollout: string;
  readonly complete?: boolean;
  readonly revisions?: Matcher;
}

export interface UnitAssertion {
  readonly unit: { readonly host: string; readonly name: string };
  readonly active?: Matcher;
  readonly enabled?: Matcher;
}

export type Normalisation = 'crlf' | 'trim' | 'trimLines' | 'noBlankLines' | 'sortLines' | 'spaces';

export interface FileAssertion extends Matcher {
  readonly file: { readonly host: string; readonly path: string };
  /** `crlf` and `trim` when absent. */
  readonly normalise?: readonly Normalisation[];
  /** Reads the file as JSON or YAML and compares the value at `path`. */
  readonly format?: 'json' | 'yaml';
  readonly path?: string;
  /** The text that a field of an object has, instead of a literal. */
  readonly equalsField?: { readonly object: string; readonly path: string };
}

export interface CommandAssertion {
  readonly command: { readonly host: string; readonly run: string };
  readonly exitCode?: number;
  readonly stdout?: Matcher;
  readonly normalise?: readonly Normalisation[];
}

/** Do-no-harm: the objects are as they were when the task began. */
export interface UnchangedAssertion {
  readonly unchanged: readonly string[];
  /** Paths left out besides status and bookkeeping. */
  readonly ignore?: readonly string[];
  /** Must not even have been recreated. */
  readonly sameUid?: boolean;
}

export interface PodsReadyAssertion {
  readonly podsReady: { readonly namespace: string; readonly selector?: string };
  readonly count: Matcher;
}
