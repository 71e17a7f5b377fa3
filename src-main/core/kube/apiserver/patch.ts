import { type DeepReadonly, fromUtf8 } from '#core/base';
import {
  type ApiResponse,
  applyConfiguration,
  badRequest,
  failure,
  forbiddenValue,
  goText,
  jsonMergePatch,
  jsonPatch,
  type JsonPatchOperation,
  isReason,
  type KubeObject,
  parseGroupVersion,
  parseYaml,
  PatchError,
  requiredValue,
  spentPatch,
  type StatusCause,
  strategicMergePatch,
  YamlError,
} from '../machinery/index.ts';
import { type FieldValidation, mediaTypeOf, normalizeObject, withDuplicates } from './body.ts';
import { type Call, nowText, type WriteOptions, writeOptions } from './call.ts';
import { fieldScope, type Served } from './catalog.ts';
import { scanJson } from './json-scan.ts';
import { objectResponse } from './negotiation.ts';
import { createObject, type Proposed, readCurrent, updateObject } from './registry.ts';
import { respondObject } from './read.ts';
import { isTrue } from './request-info.ts';

const types = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
} as const;
type PatchType = (typeof types)[keyof typeof types];

type Fields = Record<string, unknown>;

/** A read patch, and how problems of its text are worded. */
interface Patch {
  readonly type: PatchType;
  readonly value: unknown;
  readonly duplicates: readonly string[];
}

/** Built-in resources leave the media type to the router of their paths, which has a text of its own. */
function unsupported(custom: boolean): Error {
  const accepted = Object.keys(types).filter((type) => !type.includes('strategic'));
  const message = custom
    ? `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`
    : '415: Unsupported Media Type';
  return failure(415, 'UnsupportedMediaType', message, {});
}

/** @throws StatusError 400, 415 */
function readPatch(call: Call): Patch {
  const media = mediaTypeOf(call.request);
  if (!Object.hasOwn(types, media)) throw unsupported(call.served.custom);
  const type = types[media as keyof typeof types];
  if (type === 'strategic' && call.served.custom) throw unsupported(true);
  if (call.request.object) return { type, value: call.request.object, duplicates: [] };
  const text = fromUtf8(call.request.body ?? new Uint8Array());
  if (type === 'apply') {
    try {
      return { type, value: parseYaml(text), duplicates: [] };
    } catch (error) {
      if (!(error instanceof YamlError)) throw error;
      const message = error.message.startsWith('yaml:') ? error.message : `yaml: ${error.message}`;
      throw badRequest(`error decoding YAML: error converting YAML to JSON: ${message}`);
    }
  }
  const scan = scanJson(text);
  if (scan.error !== undefined)
    throw badRequest(type === 'strategic' ? scan.error : `error decoding patch: ${scan.error}`);
  const value: unknown = JSON.parse(text);
  if (type === 'json' && !Array.isArray(value))
    throw badRequest(
      `error decoding patch: json: cannot unmarshal ${typeof value === 'object' ? 'object' : typeof value} into Go value of type []handlers.jsonPatchOp`,
    );
  if (type !== 'json' && (typeof value !== 'object' || value === null || Array.isArray(value)))
    throw badRequest(
      `${type === 'strategic' ? '' : 'error decoding patch: '}json: cannot unmarshal ${Array.isArray(value) ? 'array' : typeof value} into Go value of type map[string]interface {}`,
    );
  return { type, value, duplicates: scan.duplicates.map((path) => `duplicate field "${path}"`) };
}

/** How a patched object is read and written: the resource itself, or a subresource with a form of its own. */
export interface PatchTarget {
  readonly served: Served;
  readonly subresource: string;
  /** The form clients patch; the object itself when absent (a Scale is not). */
  readonly read?: (object: DeepReadonly<KubeObject>) => KubeObject;
  /** Writes the patched form into the object. */
  readonly write?: (object: KubeObject, patched: KubeObject) => void;
}

/** Answers PATCH. */
export async function handlePatch(call: Call, target: PatchTarget): Promise<ApiResponse> {
  const patch = readPatch(call);
  const force = call.info.query.get('force');
  const errors: StatusCause[] = [];
  if (patch.type === 'apply') {
    if (!call.info.query.get('fieldManager'))
      errors.push(requiredValue('fieldManager', 'is required for apply patch'));
  } else if (force !== null)
    errors.push(forbiddenValue('force', 'may not be specified for non-apply patch'));
  const write = writeOptions(call, 'PatchOptions', errors);
  if (patch.type === 'apply' && !target.read)
    return applyPatch(call, patch.value, isTrue(force), write, target);
  const { name, namespace } = call.info;
  const stored = await updateObject(
    call,
    write,
    { served: target.served, namespace, name, subresource: target.subresource },
    (old) => proposePatched(call, patch, write, target, old),
  );
  if (target.read) return objectResponse(200, target.read(stored.object), call.form);
  return respondObject(call, 200, stored);
}

function proposePatched(
  call: Call,
  patch: Patch,
  write: WriteOptions,
  target: PatchTarget,
  old: DeepReadonly<KubeObject>,
): Proposed {
  const { served } = target;
  const form = target.read ? target.read(old) : old;
  const result = patched(form, patch, served);
  const draft = typedResult(
    call,
    form,
    result,
    patch,
    write.fieldValidation,
    served,
    target.read !== undefined,
  );
  checkName(draft, call.info.name, call.info.namespace);
  if (!target.write) return { draft };
  const whole = structuredClone(old) as KubeObject;
  target.write(whole, draft);
  if (draft.metadata.resourceVersion)
    whole.metadata.resourceVersion = draft.metadata.resourceVersion;
  return { draft: whole };
}

function patched(form: DeepReadonly<KubeObject>, patch: Patch, served: Served): Fields {
  try {
    switch (patch.type) {
      case 'json':
        return jsonPatch(form, patch.value as JsonPatchOperation[]) as Fields;
      case 'merge':
      case 'apply':
        return jsonMergePatch(form, patch.value) as Fields;
      case 'strategic':
        return strategicMergePatch(form, patch.value as Fields, served.root, served.schemas);
    }
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    if (patch.type === 'json')
      throw failure(
        422,
        'Invalid',
        'the server rejected our request due to an error in our request',
        {},
      );
    throw failure(500, '', error.message);
  }
}

/** The patched fields as the kind's type holds them. @throws StatusError 422 */
function typedResult(
  call: Call,
  form: DeepReadonly<KubeObject>,
  result: Fields,
  patch: Patch,
  validation: FieldValidation,
  served: Served,
  foreign: boolean,
): KubeObject {
  const shown = (): string =>
    patch.type === 'strategic'
      ? goText(spentPatch(form, patch.value as Fields))
      : sortedJson(result);
  const refuse = (message: string): Error => {
    const text = `Invalid value: ${JSON.stringify(shown())}: ${message}`;
    return failure(422, 'Invalid', ` "" is invalid: patch: ${text}`, {
      causes: [{ reason: 'FieldValueInvalid', message: text, field: 'patch' }],
    });
  };
  if (result['kind'] !== form.kind || result['apiVersion'] !== form.apiVersion) {
    const { group } = served.info;
    const internal = group === '' ? 'core' : (group.split('.')[0] ?? '');
    throw refuse(
      `converting (${String(result['apiVersion']).split('/').at(-1) ?? ''}.${String(result['kind'])}) to (${internal}.${form.kind}): unknown conversion`,
    );
  }
  if (foreign) return result as unknown as KubeObject;
  const { object, problems } = normalizeObject(
    result,
    { ...served.info, schemas: served.schemas, root: served.root },
    served.custom,
    form.apiVersion,
    form.kind,
    (message, error) => refuse(patch.type === 'strategic' ? error.unstructured : message),
  );
  const pruned = served.custom
    ? (call.context.options.customResources?.prune(served.info, object) ?? []).map(
        (path) => `unknown field "${path}"`,
      )
    : [];
  const all = withDuplicates(patch.duplicates, [...problems, ...pruned]);
  if (validation === 'Strict' && all.length > 0)
    throw refuse(`strict decoding error: ${all.join(', ')}`);
  if (validation === 'Warn') call.warnings.push(...all);
  return object;
}

function sortedJson(object: Fields): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
}

/** @throws StatusError 400 the object is another than the URL's. */
export function checkName(object: KubeObject, name: string, namespace: string): void {
  const meta = object.metadata;
  if (!meta.name)
    throw badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  if (meta.name !== name)
    throw badRequest(
      `the name of the object (${meta.name}) does not match the name on the URL (${name})`,
    );
  if (namespace !== '' && meta.namespace && meta.namespace !== namespace)
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
}

async function applyPatch(
  call: Call,
  value: unknown,
  force: boolean,
  write: WriteOptions,
  target: PatchTarget,
): Promise<ApiResponse> {
  const { served } = target;
  const { name, namespace } = call.info;
  const config = configuration(value, served);
  checkName(config, name, namespace);
  const options = { manager: write.fieldManager, force, time: nowText(call.context) };
  const scope = fieldScope(served, target.subresource);
  const defaults = (draft: KubeObject): void => {
    const { object } = normalizeObject(
      draft,
      { ...served.info, schemas: served.schemas, root: served.root },
      served.custom,
      draft.apiVersion,
      draft.kind,
      (message) => badRequest(message),
    );
    for (const key of Object.keys(draft)) delete draft[key];
    Object.assign(draft, object);
    served.strategy.defaults?.(draft);
  };
  const create = async (): Promise<ApiResponse> => {
    if (config.metadata.uid)
      throw failure(
        409,
        'Conflict',
        `Operation cannot be fulfilled on ${served.info.resource} "${name}": uid mismatch: the provided object specified uid ${config.metadata.uid}, and no existing object was found`,
        { name, kind: served.info.resource },
      );
    const { object } = applyConfiguration(undefined, config, options, scope, defaults);
    return respondObject(call, 201, await createObject(call, object, write, false));
  };
  try {
    await readCurrent(call.context, served, namespace, name);
  } catch (error) {
    if (isReason(error, 'NotFound') && target.subresource === '') return create();
    throw error;
  }
  const stored = await updateObject(
    call,
    write,
    { served, namespace, name, subresource: target.subresource },
    (old) => {
      const { object } = applyConfiguration(old, config, options, scope, defaults);
      return { draft: object, tracked: true };
    },
  );
  return respondObject(call, 200, stored);
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** An applied configuration: raw but for its times and quantities, which must compare equal to what is stored. */
function configuration(value: unknown, served: Served): KubeObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw badRequest(
      'error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal into Go value of type map[string]interface {}',
    );
  const fields = value as Fields;
  const apiVersion = textOf(fields['apiVersion']);
  const kind = textOf(fields['kind']);
  if (apiVersion === '' || kind === '') {
    const { group, version } = parseGroupVersion(apiVersion);
    throw badRequest(`invalid object type: ${group}/${version}, Kind=${kind}`);
  }
  if (apiVersion !== served.groupVersion || kind !== served.info.kind)
    throw badRequest(`invalid object type: ${apiVersion}, Kind=${kind}`);
  const metadata = fields['metadata'];
  return {
    ...structuredClone(fields),
    apiVersion,
    kind,
    metadata: typeof metadata === 'object' && metadata !== null ? { ...metadata } : {},
  };
}
