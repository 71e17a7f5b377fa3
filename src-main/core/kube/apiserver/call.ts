import { type DeepReadonly, jsonClone, utf8 } from '#core/base';
import {
  type ApiRequest,
  failure,
  formatGroupResource,
  formatTime,
  type GroupResource,
  invalid,
  invalidValue,
  type KubeObject,
  type StatusCause,
  unsupportedValue,
} from '../machinery/index.ts';
import type { FieldValidation } from './body.ts';
import { admitInRounds } from './admission/index.ts';
import type { Catalog, Served } from './catalog.ts';
import type { OutputForm } from './negotiation.ts';
import { objectVersions } from './object-versions.ts';
import type { ApiServerOptions } from './options.ts';
import type { Emptied } from './emptied.ts';
import type { ResourceRequest } from './request-info.ts';
import type { AdmissionRequest, UserInfo } from './types.ts';
import type { WatchHub } from './watch-hub.ts';

/** What all handlers share. */
export interface ServerContext {
  readonly options: ApiServerOptions;
  readonly catalog: Catalog;
  readonly hub: WatchHub;
}

/** One request for a resource, past authorization. */
export interface Call {
  readonly context: ServerContext;
  readonly request: ApiRequest;
  readonly info: ResourceRequest;
  readonly user: UserInfo;
  readonly served: Served;
  readonly form: OutputForm;
  readonly warnings: string[];
  /** Lists and maps of the newest read body that hold nothing. */
  emptied?: readonly Emptied[];
  /** When it must be answered; undefined: it may last. */
  readonly deadlineMs: number | undefined;
}

/** Options every write has in its query. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: FieldValidation;
  /** Who owns the fields: the parameter, or the first part of the user agent. */
  readonly manager: string;
  /** The parameter as it was sent. */
  readonly fieldManager: string;
  /** CreateOptions, UpdateOptions or PatchOptions as admission sees them. */
  readonly options: Readonly<Record<string, unknown>>;
}

const validations = ['', 'Ignore', 'Strict', 'Warn'];

/** @throws StatusError 422 as upstream words it. */
export function writeOptions(
  call: Pick<Call, 'request' | 'info'>,
  kind: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
  more: readonly StatusCause[] = [],
): WriteOptions {
  const { query } = call.info;
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  const fieldManager = query.get('fieldManager') ?? '';
  const fieldValidation = query.get('fieldValidation') ?? '';
  const errors: StatusCause[] = [...more];
  if (fieldManager.length > 128)
    errors.push({
      reason: 'FieldValueTooLong',
      message: 'Too long: may not be more than 128 bytes',
      field: 'fieldManager',
    });
  for (const { index, 0: character } of fieldManager.matchAll(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu)) {
    const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    const at = utf8(fieldManager.slice(0, index)).length;
    errors.push(
      invalidValue('fieldManager', fieldManager, `invalid character U+${code} (at position ${at})`),
    );
  }
  if (dryRun.some((value) => value !== 'All'))
    errors.push(unsupportedValue('dryRun', dryRun, ['All']));
  if (!validations.includes(fieldValidation))
    errors.push(unsupportedValue('fieldValidation', fieldValidation, validations));
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', errors);
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: fieldValidation === '' ? 'Warn' : (fieldValidation as FieldValidation),
    manager: fieldManager === '' ? managerOf(call.request) : fieldManager,
    fieldManager,
    options: {
      kind,
      apiVersion: 'meta.k8s.io/v1',
      ...(dryRun.length > 0 ? { dryRun } : {}),
      ...(fieldManager === '' ? {} : { fieldManager }),
      ...(fieldValidation === '' ? {} : { fieldValidation }),
    },
  };
}

function managerOf(request: ApiRequest): string {
  const agent = request.headers['user-agent'] ?? '';
  const slash = agent.indexOf('/');
  const name = (slash < 0 ? agent : agent.slice(0, slash)).slice(0, 128);
  return name === '' ? 'unknown' : name;
}

export function nowText(context: ServerContext): string {
  return formatTime(context.options.clock.now());
}

/** What admission is told of a write. */
export function admissionRequest(
  call: Call,
  operation: AdmissionRequest['operation'],
  object: KubeObject | null,
  oldObject: DeepReadonly<KubeObject> | null,
  write: Pick<WriteOptions, 'dryRun' | 'options'>,
  target: {
    readonly served?: Served;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  } = {},
): AdmissionRequest {
  const served = target.served ?? call.served;
  const { info } = served;
  const name = target.name ?? call.info.name;
  const isNamespaces = info.group === '' && info.resource === 'namespaces';
  return {
    operation,
    user: call.user,
    resource: info,
    subresource: target.subresource ?? call.info.subresource,
    // A namespace counts as being in itself.
    namespace: isNamespaces ? name : (target.namespace ?? call.info.namespace),
    name,
    object,
    oldObject,
    options: admittedOptions(write.options, operation),
    dryRun: write.dryRun,
    deadlineMs: call.deadlineMs,
    versions: objectVersions(call.context, served, target.subresource ?? call.info.subresource),
    warn: (text) => void call.warnings.push(text),
    annotate: () => undefined,
  };
}

/** A patch is a create or an update to admission. @see k8s.io/apiserver/pkg/endpoints/handlers/patch.go */
function admittedOptions(
  options: AdmissionRequest['options'],
  operation: AdmissionRequest['operation'],
): AdmissionRequest['options'] {
  if (options['kind'] !== 'PatchOptions') return options;
  return { ...options, kind: operation === 'CREATE' ? 'CreateOptions' : 'UpdateOptions' };
}

/** Runs the mutating steps of admission. */
export async function admit(context: ServerContext, request: AdmissionRequest): Promise<void> {
  await admitInRounds(context.options.admission, request);
}

/** Runs the validating steps of admission. */
export async function admitFinal(context: ServerContext, request: AdmissionRequest): Promise<void> {
  for (const plugin of context.options.admission) {
    const pending = plugin.validate?.(request);
    if (pending) await pending;
  }
}

/** A copy that may be changed. */
export function draftOf(object: DeepReadonly<KubeObject>): KubeObject {
  return jsonClone(object) as KubeObject;
}

/** 404 for a path or subresource that is not there. */
export function notServed(): Error {
  return failure(404, 'NotFound', 'the server could not find the requested resource', {});
}

/** 405 of a handler that lacks the verb. */
export function methodNotSupported(resource: GroupResource, verb: string): Error {
  return failure(
    405,
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind ${JSON.stringify(formatGroupResource(resource))}`,
    { ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.resource },
  );
}

/** 405 as routes word it. */
export function methodNotAllowed(): Error {
  return failure(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}
