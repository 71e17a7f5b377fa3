import { type DeepReadonly, jsonClone } from '#core/base';
import {
  type ApiResponse,
  badRequest,
  failure,
  formatGroupVersion,
  type FieldManagerScope,
  forbiddenValue,
  goText,
  isReason,
  jsonMergePatch,
  jsonPatch,
  type JsonPatchOperation,
  type KubeObject,
  mergeStrategically,
  PatchError,
  PatchFormatError,
  requiredValue,
  type StatusCause,
  trackUpdate,
} from '../machinery/index.ts';
import { type Applier, createApplier } from './apply.ts';
import {
  type ExpectedKind,
  type FieldValidation,
  normalizeObject,
  withDuplicates,
  yamlErrorText,
} from './body.ts';
import { type Call, draftOf, nowText, type WriteOptions, writeOptions } from './call.ts';
import { fieldScope, type Served } from './catalog.ts';
import { inGoOrder } from './go-order.ts';
import { objectResponse } from './negotiation.ts';
import { type PatchBody, type PatchType, patchTypeOf, readPatch } from './patch-body.ts';
import { createObject, type Proposed, readCurrent, updateObject } from './registry.ts';
import { respondObject, warningHeaders } from './read.ts';
import { isTrue } from './request-info.ts';

type Fields = Record<string, unknown>;

/** The form of an object that clients of a subresource read and write. */
export interface ObjectForm {
  readonly expected: ExpectedKind;
  readonly scope: FieldManagerScope;
  /** Whether the form is of a custom kind, which has no Go type. */
  readonly custom: boolean;
  /** The kind's own absent fields; nothing for a form that has none. */
  readonly defaults?: ((draft: KubeObject) => void) | undefined;
  readonly read: (object: DeepReadonly<KubeObject>) => KubeObject;
  /** Takes the form, with its managed fields, over into the object. @throws StatusError */
  readonly write: (object: KubeObject, form: KubeObject) => void;
  /** Why a configuration that changes the form cannot be applied; absent when it can. */
  readonly unappliable?: string;
  /** Absent: clients get the object itself. */
  readonly answer?: (object: DeepReadonly<KubeObject>) => KubeObject;
}

/** How a patched object is read and written: the resource itself, or a subresource with a form of its own. */
export interface PatchTarget {
  readonly served: Served;
  readonly subresource: string;
  readonly form?: ObjectForm;
}

/** The form that is the whole object. */
export function wholeForm(
  served: Served,
  subresource: string,
): Pick<ObjectForm, 'expected' | 'scope' | 'custom' | 'defaults'> {
  return {
    expected: { ...served.info, schemas: served.schemas, root: served.root },
    scope: fieldScope(served, subresource),
    custom: served.custom,
    defaults: served.strategy.defaults?.bind(served.strategy),
  };
}

/** Answers PATCH. */
export async function handlePatch(call: Call, target: PatchTarget): Promise<ApiResponse> {
  const type = patchTypeOf(call);
  const force = call.info.query.get('force');
  const errors: StatusCause[] = [];
  if (type === 'apply') {
    if (!call.info.query.get('fieldManager'))
      errors.push(requiredValue('fieldManager', 'is required for apply patch'));
  } else if (force !== null)
    errors.push(forbiddenValue('force', 'may not be specified for non-apply patch'));
  const write = writeOptions(call, 'PatchOptions', errors);
  const { form } = target;
  const change =
    type === 'apply' ? applied(call, write, target) : patched(call, type, write, target);
  const { name, namespace } = call.info;
  const { served, subresource } = target;
  if (type === 'apply' && subresource === '') {
    const created = await createByApply(call, write, served, change);
    if (created) return created;
  }
  const stored = await updateObject(
    call,
    write,
    { served, namespace, name, subresource, ...(form?.answer ? { form } : {}) },
    (old): Proposed => {
      const live = form ? form.read(old) : old;
      const draft = change(live);
      checkName(draft, name, namespace);
      if (!form) return { draft, tracked: type === 'apply', versioned: true };
      if (type !== 'apply')
        trackUpdate(live, draft, write.manager, nowText(call.context), form.scope);
      return { draft: written(form, old, draft), tracked: true };
    },
  );
  if (form?.answer)
    return objectResponse(
      200,
      form.answer(stored.object),
      call.form,
      undefined,
      warningHeaders(call.warnings),
    );
  return respondObject(call, 200, stored);
}

/** The object with a form of it taken over. @throws StatusError */
export function written(
  form: ObjectForm,
  old: DeepReadonly<KubeObject>,
  draft: KubeObject,
): KubeObject {
  const whole = draftOf(old);
  if (draft.metadata.resourceVersion === undefined) delete whole.metadata.resourceVersion;
  else whole.metadata.resourceVersion = draft.metadata.resourceVersion;
  form.write(whole, draft);
  return whole;
}

/** What a request makes of a form. */
type Change = (live: DeepReadonly<KubeObject> | undefined) => KubeObject;

async function createByApply(
  call: Call,
  write: WriteOptions,
  served: Served,
  change: Change,
): Promise<ApiResponse | undefined> {
  const { name, namespace } = call.info;
  try {
    await readCurrent(call.context, served, namespace, name);
    return undefined;
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
  const object = change(undefined);
  if (object.metadata.uid)
    throw failure(
      409,
      'Conflict',
      `Operation cannot be fulfilled on ${served.info.resource}${served.info.group === '' ? '' : `.${served.info.group}`} "${name}": uid mismatch: the provided object specified uid ${object.metadata.uid}, and no existing object was found`,
      {
        name,
        ...(served.info.group === '' ? {} : { group: served.info.group }),
        kind: served.info.resource,
      },
    );
  checkName(object, name, namespace);
  return respondObject(call, 201, await createObject(call, object, write, false));
}

function applied(call: Call, write: WriteOptions, target: PatchTarget): Change {
  const whole: Omit<ObjectForm, 'read' | 'write'> =
    target.form ?? wholeForm(target.served, target.subresource);
  let applier: Applier | undefined;
  const { name, namespace } = call.info;
  const refuse = (message: string): Error =>
    failure(
      500,
      '',
      `failed to convert new object (${whole.unappliable === undefined ? namespace : ''}/${name}; ${gvkText(whole.expected)}) to proper version: ${message}`,
    );
  const defaults = (draft: KubeObject): void => {
    if (whole.unappliable !== undefined) throw refuse(whole.unappliable);
    const { object, emptied } = normalizeObject(
      draft,
      whole.expected,
      whole.custom,
      draft.apiVersion,
      draft.kind,
      refuse,
    );
    call.emptied = emptied;
    for (const key of Object.keys(draft)) delete draft[key];
    Object.assign(draft, object);
    whole.defaults?.(draft);
  };
  let problems: readonly string[] = [];
  let told = false;
  /** Of keys that occur twice the server hears only after the configuration was applied. */
  const tell = (): void => {
    if (told || problems.length === 0 || write.fieldValidation === 'Ignore') return;
    told = true;
    if (write.fieldValidation === 'Strict')
      throw badRequest(
        `error strict decoding YAML: error converting YAML to JSON: ${yamlErrorText(problems)}`,
      );
    call.warnings.push(...problems);
  };
  return (live) => {
    if (!applier) {
      const body = readPatch(call, 'apply', write.fieldValidation);
      ({ problems } = body);
      applier = createApplier({
        value: body.value,
        manager: write.fieldManager,
        force: isTrue(call.info.query.get('force')),
        time: nowText(call.context),
        kind: whole.expected.kind,
        scope: whole.scope,
        defaults,
      });
    }
    // Whoever wrote before the first apply is worked out first, from the live form.
    if (whole.unappliable !== undefined && (live?.metadata.managedFields ?? []).length === 0)
      throw failure(
        500,
        '',
        `failed to create manager for existing fields: failed to convert live object (/; ${gvkText(whole.expected)}) to proper version: ${whole.unappliable}`,
      );
    const result = applier.apply(live);
    tell();
    return result;
  };
}

const gvkText = ({ group, version, kind }: ExpectedKind): string =>
  `${group}/${version}, Kind=${kind}`;

function patched(call: Call, type: PatchType, write: WriteOptions, target: PatchTarget): Change {
  const whole = target.form ?? wholeForm(target.served, target.subresource);
  let body: PatchBody | undefined;
  return (live) => {
    body ??= readPatch(call, type, write.fieldValidation);
    const form = live as DeepReadonly<KubeObject>;
    const { result, shown } = outcome(form, body, whole.expected);
    const isShared = target.subresource === 'status' && target.served.strategy.sharesSpec;
    const draft = typedResult(
      call,
      form,
      result,
      body,
      write.fieldValidation,
      whole,
      shown,
      isShared ? form['spec'] : undefined,
    );
    whole.defaults?.(draft);
    return draft;
  };
}

/** The patched fields, and how they are shown when they do not fit. */
function outcome(
  form: DeepReadonly<KubeObject>,
  patch: PatchBody,
  expected: ExpectedKind,
): { result: unknown; shown: () => string } {
  try {
    if (patch.type === 'strategic') {
      const value = patch.value as Fields;
      const { merged, rest } = mergeStrategically(form, value, expected.root, expected.schemas);
      return { result: merged, shown: () => goText(rest) };
    }
    const result =
      patch.type === 'json'
        ? jsonPatch(form, patch.value as JsonPatchOperation[])
        : jsonMergePatch(form, patch.value);
    return { result, shown: () => goJsonText(result) };
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    if (error instanceof PatchFormatError) throw badRequest(error.message);
    if (patch.type === 'json' || error.message === 'lists of lists are not supported')
      throw failure(
        422,
        'Invalid',
        'the server rejected our request due to an error in our request',
        {},
      );
    throw failure(500, '', error.message);
  }
}

const typeOnly =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';

/** The patched fields as the kind's type holds them. @throws StatusError 422 */
function typedResult(
  call: Call,
  form: DeepReadonly<KubeObject>,
  result: unknown,
  patch: PatchBody,
  validation: FieldValidation,
  whole: Pick<ObjectForm, 'expected' | 'custom'>,
  shown: () => string,
  settled: unknown,
): KubeObject {
  const refuse = (message: string): Error => {
    const text = `Invalid value: ${JSON.stringify(shown())}: ${message}`;
    return failure(422, 'Invalid', ` "" is invalid: patch: ${text}`, {
      causes: [{ reason: 'FieldValueInvalid', message: text, field: 'patch' }],
    });
  };
  if (typeof result !== 'object' || result === null || Array.isArray(result))
    throw refuse(
      `couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type ${typeOnly}`,
    );
  const fields = result as Fields;
  const { expected, custom } = whole;
  if (fields['kind'] !== form.kind || fields['apiVersion'] !== form.apiVersion) {
    const { group } = expected;
    const internal = group === '' ? 'core' : (group.split('.')[0] ?? '');
    const apiVersion = String(fields['apiVersion']);
    const kind = String(fields['kind']);
    const isRegistered = call.context.options.resources.rows.some(
      (row) => row.kind === kind && formatGroupVersion(row) === apiVersion,
    );
    throw refuse(
      isRegistered
        ? `converting (${apiVersion.split('/').at(-1) ?? ''}.${kind}) to (${internal}.${form.kind}): unknown conversion`
        : `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:111"`,
    );
  }
  // The reader of maps goes through the fields of a type, not through those of the map.
  const isMapRead = patch.type === 'strategic' && !custom;
  const { object, problems, emptied } = normalizeObject(
    isMapRead ? inGoOrder(fields, expected.root, expected.schemas) : fields,
    expected,
    custom,
    form.apiVersion,
    form.kind,
    (message, error) => refuse(patch.type === 'strategic' ? error.unstructured : message),
    settled,
  );
  call.emptied = emptied;
  const pruned = custom
    ? (call.context.options.customResources?.prune(call.served.info, object) ?? []).map(
        (path) => `unknown field "${path}"`,
      )
    : [];
  // Whoever reads JSON tells fields as it has them, the reader of maps by name.
  const inText = !custom && patch.type !== 'strategic';
  const all = withDuplicates(patch.problems, inText ? problems : [...problems, ...pruned].sort());
  if (validation === 'Strict' && all.length > 0)
    throw refuse(`strict decoding error: ${all.join(', ')}`);
  if (validation === 'Warn') call.warnings.push(...all);
  return object;
}

/** JSON with the escapes of Go's writer. */
function goJsonText(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&]/g,
    (char) => `\\u00${char.charCodeAt(0).toString(16)}`,
  );
}

/** @throws StatusError 400 the object is another than the URL's. */
export function checkName(object: KubeObject, name: string, namespace: string): void {
  const meta = object.metadata;
  if (namespace !== '' && meta.namespace && meta.namespace !== namespace)
    throw badRequest(
      'the namespace of the provided object does not match the namespace sent on the request',
    );
  if (!meta.name)
    throw badRequest(
      `the name of the object (${name} based on URL) was undeterminable: name must be provided`,
    );
  if (meta.name !== name)
    throw badRequest(
      `the name of the object (${meta.name}) does not match the name on the URL (${name})`,
    );
}

/** A form that is the object itself, of which a subresource writes a part. */
export function partForm(
  served: Served,
  subresource: string,
  write: (object: KubeObject, form: KubeObject) => void,
): ObjectForm {
  return {
    ...wholeForm(served, subresource),
    read: (object) => jsonClone(object) as KubeObject,
    write,
  };
}
