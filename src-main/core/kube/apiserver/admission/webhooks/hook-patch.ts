import { fromBase64, fromUtf8, quoted } from '#core/base';
import {
  internalError,
  jsonPatch,
  type JsonPatchOperation,
  PatchError,
  StatusError,
} from '../../../machinery/index.ts';
import { isMap, type JsonMap, textOf } from '../../fields/index.ts';
import type { VersionedObject } from '../versioned.ts';
import { failedCall, type Hook } from './hook-call.ts';

/**
 * Applies the patch of a response to the object, in place.
 * @returns whether it changed.
 * @throws StatusError
 */
export function applyPatch(hook: Hook, response: JsonMap, current: VersionedObject): boolean {
  const patch = textOf(response['patch']);
  if (patch === '') return false;
  const failing = (why: string): false => {
    failedCall(hook, why);
    return false;
  };
  const undecodable = 'received undecodable patch in webhook response';
  const text = fromUtf8(fromBase64(patch));
  let operations: unknown;
  try {
    operations = JSON.parse(text);
  } catch {
    const first = text.trim()[0] ?? '';
    return failing(
      first === ''
        ? `${undecodable}: unexpected end of JSON input`
        : `${undecodable}: invalid character '${first}' looking for beginning of value`,
    );
  }
  if (!Array.isArray(operations))
    return failing(
      `${undecodable}: json: cannot unmarshal ${typeof operations} into Go value of type jsonpatch.Patch`,
    );
  if (operations.length === 0) return false;
  const { object } = current.request;
  if (!object)
    throw internalError(
      new Error(
        `admission webhook ${quoted(hook.name)} attempted to modify the object, which is not supported for this operation`,
      ),
    );
  const type = textOf(response['patchType']);
  if (type !== '' && type !== 'JSONPatch') return failing(`unsupported patch type ${quoted(type)}`);
  try {
    const patched = jsonPatch(object, operations as readonly JsonPatchOperation[]);
    return isMap(patched) && current.replace(patched);
  } catch (error) {
    if (error instanceof StatusError) throw error;
    throw internalError(error instanceof PatchError ? new Error(error.message) : error);
  }
}
