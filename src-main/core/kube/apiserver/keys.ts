/** Resources whose keys do not follow their names. @see kubernetes/pkg/kubeapiserver/default_storage_factory_builder.go */
const specialPrefixes: Readonly<Record<string, string>> = {
  '/replicationcontrollers': 'controllers',
  '/endpoints': 'services/endpoints',
  '/services': 'services/specs',
  '/nodes': 'minions',
  'networking.k8s.io/ingresses': 'ingress',
  'events.k8s.io/events': 'events',
  'apiextensions.k8s.io/customresourcedefinitions':
    'apiextensions.k8s.io/customresourcedefinitions',
  'apiregistration.k8s.io/apiservices': 'apiregistration.k8s.io/apiservices',
};

/** The key prefix of a resource with its final slash, as in upstream's etcd: `/registry/pods/`. */
export function keyPrefix(group: string, resource: string, builtin: boolean): string {
  const special = specialPrefixes[`${group}/${resource}`];
  return `/registry/${special ?? (builtin ? resource : `${group}/${resource}`)}/`;
}

/** `/registry/pods/default/web`; cluster-scoped objects have no namespace part. */
export function objectKeyOf(prefix: string, namespace: string, name: string): string {
  return namespace === '' ? prefix + name : `${prefix}${namespace}/${name}`;
}
