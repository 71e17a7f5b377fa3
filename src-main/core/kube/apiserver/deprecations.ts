/** Warnings of served kinds on their way out, by `group/version/kind`. */
const deprecated: Readonly<Record<string, string>> = {
  '/v1/ComponentStatus': 'v1 ComponentStatus is deprecated in v1.19+',
  '/v1/Endpoints': 'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice',
};

/**
 * What every answer about a kind warns of; undefined for most.
 * @see k8s.io/apiserver/pkg/endpoints/deprecation, k8s.io/api/core/v1/lifecycle.go
 */
export function deprecationOf(info: {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}): string | undefined {
  return deprecated[`${info.group}/${info.version}/${info.kind}`];
}
