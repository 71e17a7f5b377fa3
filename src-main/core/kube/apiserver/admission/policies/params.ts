import { byBytes, type DeepReadonly } from '#core/base';
import { type KubeObject, parseGroupVersion } from '../../../machinery/index.ts';
import { at, isMap, matchesLabelSelector, textAt, textMapOf } from '../../fields/index.ts';
import type { AdmissionRequest, ServerState } from '../../types.ts';

/** Finds the resource of a kind; undefined when the server does not serve it. */
export type ResourceOfKind = (
  group: string,
  version: string,
  kind: string,
) => { readonly resource: string; readonly namespaced: boolean } | undefined;

/** A policy or a binding cannot be used as it stands; the message is upstream's. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/**
 * The parameter objects a binding names; one undefined entry for a policy without parameters.
 * @throws ConfigurationError
 * @see k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go, CollectParams
 */
export function collectParams(
  state: ServerState,
  resourceOf: ResourceOfKind,
  policy: unknown,
  binding: unknown,
  request: AdmissionRequest,
): readonly (DeepReadonly<KubeObject> | undefined)[] {
  const paramKind = at(policy, 'spec', 'paramKind');
  const reference = at(binding, 'spec', 'paramRef');
  if (!isMap(paramKind)) return [undefined];
  if (!isMap(reference)) return [undefined];
  const { group, version } = parseGroupVersion(textAt(paramKind, 'apiVersion'));
  const kind = textAt(paramKind, 'kind');
  const found = resourceOf(group, version, kind);
  if (!found)
    throw new ConfigurationError(
      `failed to find resource referenced by paramKind: '${group === '' ? '' : `${group}/`}${version}, Kind=${kind}'`,
    );
  let namespace = '';
  if (found.namespaced) {
    namespace = textAt(reference, 'namespace') || request.namespace;
    if (namespace === '')
      throw new ConfigurationError(
        'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
      );
  } else if (textAt(reference, 'namespace') !== '')
    throw new ConfigurationError(
      'paramRef.namespace must not be provided for a cluster-scoped `paramKind`',
    );
  const name = textAt(reference, 'name');
  const selector = at(reference, 'selector');
  const params =
    name !== ''
      ? [state.get(group, found.resource, namespace, name)].filter((each) => each !== undefined)
      : state
          .list(group, found.resource, found.namespaced ? namespace : undefined)
          .filter((each) => matchesLabelSelector(selector, textMapOf(each.metadata.labels)));
  const sorted = [...params].sort((a, b) => byBytes(a.metadata.name ?? '', b.metadata.name ?? ''));
  if (sorted.length === 0 && textAt(reference, 'parameterNotFoundAction') === 'Deny')
    throw new ConfigurationError(
      'no params found for policy binding with `Deny` parameterNotFoundAction',
    );
  return sorted;
}
