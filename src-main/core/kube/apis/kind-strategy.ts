import type { DeepReadonly } from '#core/base';
import type { KubeObject, StatusCause } from '../machinery/index.ts';

/** One field error: `reason` is upstream's cause type (`FieldValueRequired` …), `message` its full text. */
export type FieldError = StatusCause;

export interface TableColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly format: string;
  readonly description: string;
  /** 0 is always shown, 1 with `-o wide`. */
  readonly priority: number;
}

export interface StrategyContext {
  /** ms since the epoch. */
  readonly nowMs: number;
  /** Present when a subresource other than status is written: `ephemeralcontainers`, `resize`. */
  readonly subresource?: string;
  /** The object as it is, when such a subresource is written. */
  readonly old?: DeepReadonly<KubeObject>;
  /** Takes the text of a `Warning:` header that can be told only before the object is prepared. */
  readonly warn?: (text: string) => void;
  /** Whether an update's body has a list or map that holds nothing below a field: upstream compares few kinds that way. */
  readonly hasEmptied?: (field: string) => boolean;
  /** Compiles an expression that selects devices; undefined: nothing is wrong with it. */
  readonly checkDeviceSelector?: (
    expression: string,
  ) => 'too complex' | { readonly problem: string } | undefined;
}

/**
 * What is particular to one kind on its way in and out, as upstream's registry strategies, defaults, validation
 * and printers. Drafts may be changed in place; everything else is shared and must not be.
 * A kind without a row gets the generic treatment (metadata rules, schema checks, NAME and AGE).
 */
export interface KindStrategy {
  readonly group: string;
  readonly kind: string;
  /** Fills absent fields, as `SetDefaults_*`. Works on any version of the kind. */
  defaults?(draft: KubeObject): void;
  /** Clears what a client may not set on create (status), and sets what the server decides. */
  prepareForCreate?(draft: KubeObject, context: StrategyContext): void;
  /** The same for an update of the main resource: keeps the old status; says whether generation moves. */
  prepareForUpdate?(
    draft: KubeObject,
    old: DeepReadonly<KubeObject>,
    context: StrategyContext,
  ): void;
  prepareForStatusUpdate?(
    draft: KubeObject,
    old: DeepReadonly<KubeObject>,
    context: StrategyContext,
  ): void;
  /** What is asked before all else, metadata included, and told alone. */
  validateFirst?(object: DeepReadonly<KubeObject>, old?: DeepReadonly<KubeObject>): FieldError[];
  /** Errors in upstream's order, beyond those of metadata. */
  validate?(object: DeepReadonly<KubeObject>, context: StrategyContext): FieldError[];
  validateUpdate?(
    object: DeepReadonly<KubeObject>,
    old: DeepReadonly<KubeObject>,
    context: StrategyContext,
  ): FieldError[];
  /** @param subresource `status`, or another one that writes the status: `approval`. */
  validateStatusUpdate?(
    object: DeepReadonly<KubeObject>,
    old: DeepReadonly<KubeObject>,
    subresource: string,
    context: StrategyContext,
  ): FieldError[];
  /** Texts for `Warning:` headers. */
  warnings?(object: DeepReadonly<KubeObject>, old?: DeepReadonly<KubeObject>): string[];
  /** Fields a field selector may name, beyond metadata.name and metadata.namespace. */
  selectableFields?(object: DeepReadonly<KubeObject>): Readonly<Record<string, string>>;
  /** How `metadata.name` is checked; default: a DNS subdomain. */
  readonly nameRule?:
    | 'dns-subdomain'
    | 'dns-label'
    | 'path-segment'
    | 'dns-1035-label'
    | 'none'
    | ((name: string, object: DeepReadonly<KubeObject>) => string[]);
  /** On create nothing of the metadata is told while something else is wrong. */
  readonly metadataLast?: boolean;
  /** `generation` exists and moves with the spec. */
  readonly hasGeneration?: boolean;
  /** PUT to a name that does not exist creates it. */
  readonly createOnUpdate?: boolean;
  /** PUT without resourceVersion overwrites. */
  readonly unconditionalUpdate?: boolean;
  /** `defaults` writes nothing to a spec that has been through it: a patch of the status shares that of the old object. */
  readonly sharesSpec?: boolean;
  /** Seconds between the first DELETE and the end, for kinds with graceful deletion (pods). */
  gracePeriodSeconds?(object: DeepReadonly<KubeObject>, requested: number | undefined): number;
  /** At the first DELETE: finalizers and status of a kind that does not go before others have. */
  beginDelete?(draft: KubeObject, context: StrategyContext): void;
  readonly defaultPropagation?: 'Background' | 'Orphan' | 'Foreground';
  readonly table?: {
    readonly columns: readonly TableColumn[];
    /** One row, in the order of `columns`. */
    cells(object: DeepReadonly<KubeObject>, context: StrategyContext): unknown[];
    /** How the rows of a list follow each other; absent: as the objects do. */
    readonly compare?: (a: DeepReadonly<KubeObject>, b: DeepReadonly<KubeObject>) => number;
  };
}
