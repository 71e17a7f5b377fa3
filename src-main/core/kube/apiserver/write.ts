import {
  type ApiResponse,
  badRequest,
  isReason,
  type KubeObject,
  parseGroupVersion,
} from '../machinery/index.ts';
import { decodeBody, otherVersion, strictText } from './body.ts';
import { type Call, draftOf, type WriteOptions, writeOptions } from './call.ts';
import { convertBuiltin } from './conversions.ts';
import { checkName } from './patch.ts';
import { respondObject } from './read.ts';
import { createObject, updateObject } from './registry.ts';

/** The body as an object of the call's resource; problems become warnings or a 400. */
export function decodeObject(call: Call, write: WriteOptions): KubeObject {
  const { served, context, request } = call;
  const { resources, customResources } = context.options;
  const { object, problems, emptied } = decodeBody(
    request,
    { ...served.info, schemas: served.schemas, root: served.root },
    served.custom,
    // A custom kind's unknown fields are told by its schema as well: all of them make one error.
    served.custom ? 'Warn' : write.fieldValidation,
    (group, version, kind) => resources.ofKind(group, version, kind) !== undefined,
  );
  call.emptied = emptied;
  const all = [...problems];
  if (served.custom) {
    const pruned = customResources?.prune(served.info, object) ?? [];
    all.push(...pruned.map((path) => `unknown field "${path}"`));
    if (write.fieldValidation === 'Strict' && all.length > 0) {
      const { version } = parseGroupVersion(object.apiVersion);
      throw badRequest(
        `${object.kind} in version ${JSON.stringify(version)} cannot be handled as a ${served.info.kind}: strict decoding error: ${strictText(all)}`,
      );
    }
  }
  if (write.fieldValidation === 'Warn') call.warnings.push(...all);
  // What that version does not know has been told by then.
  if (served.custom && object.apiVersion !== served.groupVersion)
    throw otherVersion(object.apiVersion, served.groupVersion);
  return object.apiVersion === served.groupVersion ? object : convertBuiltin(object, served.info);
}

/** Answers POST to a collection. */
export async function handleCreate(call: Call): Promise<ApiResponse> {
  const write = writeOptions(call, 'CreateOptions');
  const draft = decodeObject(call, write);
  return respondObject(call, 201, await createObject(call, draft, write));
}

/** Answers PUT of one object. */
export async function handleUpdate(call: Call): Promise<ApiResponse> {
  const { served, info } = call;
  const write = writeOptions(call, 'UpdateOptions');
  const draft = decodeObject(call, write);
  checkName(draft, info.name, info.namespace);
  try {
    const stored = await updateObject(
      call,
      write,
      { served, namespace: info.namespace, name: info.name, subresource: '' },
      () => ({
        draft: draftOf(draft),
        uid: draft.metadata.uid ?? '',
      }),
    );
    return respondObject(call, 200, stored);
  } catch (error) {
    if (!served.strategy.createOnUpdate || !isReason(error, 'NotFound')) throw error;
    return respondObject(call, 201, await createObject(call, draft, write));
  }
}
