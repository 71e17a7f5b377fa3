import {
  type Declarations,
  parseDeclarations,
  type StructDeclaration,
} from './language/declarations.ts';
import { type CelType, dynType, parseType, structType } from './language/types.ts';

/** Fields of what expressions of admission know the types of: struct, and its fields as `name type`. */
const structs = parseStructs(`
kubernetes.GroupVersionKind: group string; version string; kind string
kubernetes.GroupVersionResource: group string; version string; resource string
kubernetes.UserInfo: username string; uid string; groups list(string); extra map(string, list(string))
kubernetes.AdmissionRequest: kind kubernetes.GroupVersionKind; resource kubernetes.GroupVersionResource; subResource string; requestKind kubernetes.GroupVersionKind; requestResource kubernetes.GroupVersionResource; requestSubResource string; name string; namespace string; operation string; userInfo kubernetes.UserInfo; dryRun bool; options dyn
kubernetes.NamespaceSpec: finalizers list(string)
kubernetes.NamespaceCondition: status string; type string; lastTransitionTime timestamp; message string; reason string
kubernetes.NamespaceStatus: conditions list(kubernetes.NamespaceCondition); phase string
kubernetes.NamespaceMetadata: name string; generateName string; namespace string; labels map(string, string); annotations map(string, string); UID string; creationTimestamp timestamp; deletionGracePeriodSeconds int; deletionTimestamp timestamp; generation int; resourceVersion string; finalizers list(string)
kubernetes.Namespace: metadata kubernetes.NamespaceMetadata; spec kubernetes.NamespaceSpec; status kubernetes.NamespaceStatus
JSONPatch: op string; path string; from string; value dyn
`);

function parseStructs(text: string): ReadonlyMap<string, StructDeclaration> {
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => {
        const [name = '', fields = ''] = line.split(': ');
        const own = fields.split('; ').map((field): [string, CelType] => {
          const [, fieldName = '', type = ''] = /^(\S+) (.*)$/.exec(field) ?? [];
          return [fieldName, parseType(type)];
        });
        return [name, { fields: new Map(own) }];
      }),
  );
}

/** Objects of mutations take any fields: what they may hold is seen when they are applied. */
const anyFields: StructDeclaration = { fields: { get: () => dynType } };
const patchFunctions = parseDeclarations(
  'jsonpatch.escapeKey string_jsonpatch_escapeKey_string global: string -> string',
);

/** Which variables an expression of admission may name, beside the objects and the request. */
export interface AdmissionScope {
  readonly params: boolean;
  readonly authorizer: boolean;
  /** It may make objects and patches. */
  readonly patches?: boolean;
  /** Types of composed variables by name; undefined: there are none to name. */
  readonly variables?: ReadonlyMap<string, CelType>;
}

/** @see k8s.io/apiserver/pkg/admission/plugin/cel/{compile,composition}.go */
export function admissionDeclarations({
  params,
  authorizer,
  patches = false,
  variables,
}: AdmissionScope): Declarations {
  const composed = 'kubernetes.variables';
  return {
    variables: new Map([
      ['object', dynType],
      ['oldObject', dynType],
      ['namespaceObject', structType('kubernetes.Namespace')],
      ['request', structType('kubernetes.AdmissionRequest')],
      ...(params ? [['params', dynType] as const] : []),
      ...(authorizer
        ? ([
            ['authorizer', structType('kubernetes.authorization.Authorizer')],
            ['authorizer.requestResource', structType('kubernetes.authorization.ResourceCheck')],
          ] as const)
        : []),
      ...(variables ? [['variables', structType(composed)] as const] : []),
    ]),
    structs: (name) => {
      if (name === composed && variables) return { fields: variables };
      if (!patches && name === 'JSONPatch') return undefined;
      if (patches && isObjectType(name)) return anyFields;
      return structs.get(name);
    },
    ...(patches ? { functions: patchFunctions } : {}),
  };
}

const isObjectType = (name: string): boolean => name === 'Object' || name.startsWith('Object.');

/** Variables of which nothing is known, where objects and patches may be made. */
export const untyped = (names: readonly string[]): Declarations => ({
  variables: new Map(names.map((name) => [name, dynType])),
  structs: (name) =>
    isObjectType(name) ? anyFields : name === 'JSONPatch' ? structs.get(name) : undefined,
  functions: patchFunctions,
});
