import type { DeepReadonly } from '#core/base';
import {
  applyConfiguration,
  badRequest,
  type FieldManagerScope,
  isMap,
  type KubeObject,
  parseGroupVersion,
} from '../machinery/index.ts';

/** Applies configurations of one request to the states of its object. */
export interface Applier {
  /** @throws StatusError 400, 409, 500 */
  apply(live: DeepReadonly<KubeObject> | undefined): KubeObject;
}

/** What a request applies, and to what. */
export interface ApplyRequest {
  readonly value: unknown;
  readonly manager: string;
  readonly force: boolean;
  readonly time: string;
  /** The kind the path stands for. */
  readonly kind: string;
  readonly scope: FieldManagerScope;
  /** Brings a merged object into the form its type holds, and fills what is absent. */
  readonly defaults: (draft: KubeObject) => void;
}

/** @throws StatusError 400 when the body is of another kind. */
export function createApplier(request: ApplyRequest): Applier {
  const { manager, force, time, scope } = request;
  const config = configuration(request.value, scope.apiVersion, request.kind);
  return {
    apply: (live) =>
      applyConfiguration(live, config, { manager, force, time }, scope, request.defaults),
  };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The configuration as it was sent. */
function configuration(value: unknown, wanted: string, wantedKind: string): KubeObject {
  if (!isMap(value))
    throw badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${
        Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
      } into Go value of type map[string]interface {}`,
    );
  const apiVersion = textOf(value['apiVersion']);
  const kind = textOf(value['kind']);
  if (apiVersion !== wanted || kind !== wantedKind) {
    const { group, version } = parseGroupVersion(apiVersion);
    throw badRequest(`invalid object type: ${group}/${version}, Kind=${kind}`);
  }
  const { metadata } = value;
  return { ...structuredClone(value), apiVersion, kind, metadata: metadata ?? {} };
}
