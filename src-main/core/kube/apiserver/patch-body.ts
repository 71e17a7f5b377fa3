import { fromUtf8 } from '#core/base';
import {
  badRequest,
  failure,
  isMap,
  parseYamlLeniently,
  YamlError,
  maxKeptDepth,
  scanJson,
} from '../machinery/index.ts';
import { type FieldValidation, mediaTypeOf, yamlDuplicateText, yamlFault } from './body.ts';
import { jsonType } from './normalize.ts';
import type { Call } from './call.ts';

const types = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
  'application/apply-patch+yaml': 'apply',
} as const;
export type PatchType = (typeof types)[keyof typeof types];

/** A read patch, and how problems of its text are worded. */
export interface PatchBody {
  readonly type: PatchType;
  readonly value: unknown;
  /** Fields that occur twice, or that an operation of a JSON patch does not have. */
  readonly problems: readonly string[];
}

/** Built-in resources leave the media type to the router of their paths, which has a text of its own. */
function unsupported(custom: boolean): Error {
  const accepted = Object.keys(types).filter((type) => !type.includes('strategic'));
  return custom
    ? failure(
        415,
        'UnsupportedMediaType',
        `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
      )
    : failure(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
}

/** @throws StatusError 415 */
export function patchTypeOf(call: Call): PatchType {
  const media = mediaTypeOf(call.request);
  if (!Object.hasOwn(types, media)) throw unsupported(call.served.custom);
  const type = types[media as keyof typeof types];
  if (type === 'strategic' && call.served.custom) throw unsupported(true);
  return type;
}

/** @throws StatusError 400 */
export function readPatch(call: Call, type: PatchType, validation: FieldValidation): PatchBody {
  if (call.request.object) return { type, value: call.request.object, problems: [] };
  const text = fromUtf8(call.request.body ?? new Uint8Array());
  if (type === 'apply') return { type, ...readYaml(text) };
  const strict = validation !== 'Ignore';
  const decoding =
    type === 'strategic' || (type === 'json' && !strict) ? '' : 'error decoding patch: ';
  const scan = scanJson(text);
  if (scan.error !== undefined)
    throw badRequest(type === 'merge' && !strict ? 'Invalid JSON Patch' : decoding + scan.error);
  const value: unknown = JSON.parse(text);
  if (scan.depth > maxKeptDepth) throw badRequest(`${decoding}exceeded max depth`);
  const unfit = (found: unknown, goType: string): Error =>
    badRequest(
      `${decoding}json: cannot unmarshal ${jsonType(found)} into Go value of type ${goType}`,
    );
  const duplicates = scan.duplicates.map((path) => `duplicate field "${path}"`);
  if (type === 'json') {
    if (value === null) return { type, value: [], problems: [] };
    if (!Array.isArray(value))
      throw unfit(value, strict ? '[]handlers.jsonPatchOp' : 'jsonpatch.Patch');
    for (const item of value as unknown[])
      if (!isMap(item)) throw unfit(item, strict ? 'handlers.jsonPatchOp' : 'jsonpatch.Operation');
    return { type, value, problems: strict ? jsonPatchProblems(value, duplicates) : [] };
  }
  if (
    type === 'merge' &&
    (value === null || (!strict && jsonType(value) !== 'object' && !Array.isArray(value)))
  )
    throw badRequest('Invalid JSON Patch');
  if (!isMap(value) && value !== null && (type === 'strategic' || strict))
    throw unfit(value, 'map[string]interface {}');
  return { type, value: value ?? {}, problems: strict ? duplicates : [] };
}

const operationFields = new Set(['op', 'path', 'from', 'value']);

function jsonPatchProblems(value: readonly unknown[], duplicates: readonly string[]): string[] {
  const unknown = value.flatMap((operation, index) =>
    Object.keys(operation as object)
      .filter((key) => !operationFields.has(key))
      .map((key) => `unknown field "[${index}].${key}"`),
  );
  return [...duplicates, ...unknown].map((problem) => `json patch ${problem}`);
}

/** @throws StatusError 400 */
function readYaml(text: string): Pick<PatchBody, 'value' | 'problems'> {
  try {
    const { value, duplicates } = parseYamlLeniently(text);
    return { value, problems: duplicates.map(yamlDuplicateText) };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw badRequest(`error decoding YAML: error converting YAML to JSON: ${yamlFault(error)}`);
  }
}
