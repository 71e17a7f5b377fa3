import {
  type Rows,
  configMaps,
  core,
  group,
  partial,
  partialList,
  pods,
  protobuf,
  table,
  tableOld,
} from './row.ts';

export function paging({ add, get }: Rows): void {
  const list = `${configMaps}?labelSelector=wire`;
  for (const query of [
    'limit=2',
    'limit=0',
    'limit=-1',
    'limit=x',
    'limit=1.5',
    'limit=',
    'limit=99999999999999999999',
    'limit=500&pretty=true',
    'limit=5',
    'limit=2&resourceVersion=0',
  ])
    get(`${list}&${query}`);
  for (const query of ['limit=1', 'limit=3']) get(`${configMaps}?${query}`);
  const token = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  for (const [note, text] of Object.entries({
    garbage: '%21%21%21',
    word: 'notatoken',
    base64: Buffer.from('hello').toString('base64url'),
    empty: '',
    version: token({ v: 'meta.k8s.io/v2', rv: 1, start: 'a\u0000' }),
    noversion: token({ rv: 1, start: 'a\u0000' }),
    norv: token({ v: 'meta.k8s.io/v1', start: 'a\u0000' }),
    nostart: token({ v: 'meta.k8s.io/v1', rv: 1 }),
    dots: token({ v: 'meta.k8s.io/v1', rv: 1, start: '../secrets' }),
    slash: token({ v: 'meta.k8s.io/v1', rv: -1, start: '/a' }),
    old: token({ v: 'meta.k8s.io/v1', rv: 1, start: 'b\u0000' }),
    negative: token({ v: 'meta.k8s.io/v1', rv: -1, start: 'b\u0000' }),
    future: token({ v: 'meta.k8s.io/v1', rv: 99999999, start: 'b\u0000' }),
    types: token({ v: 1, rv: 'x', start: [] }),
    array: Buffer.from('[]').toString('base64url'),
    padded: Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: -1, start: 'c\u0000' })).toString(
      'base64',
    ),
  })) {
    if (note === 'old' || note === 'nostart') continue;
    add({ method: 'GET', path: `${configMaps}?limit=2&continue=${text}` }, note);
    add({ method: 'GET', path: `${configMaps}?limit=2&labelSelector=wire&continue=${text}` }, note);
  }
  const good = token({ v: 'meta.k8s.io/v1', rv: -1, start: 'b\u0000' });
  for (const query of [
    'resourceVersion=1',
    'resourceVersion=0',
    'resourceVersionMatch=Exact',
    'resourceVersionMatch=NotOlderThan&resourceVersion=1',
    'watch=true',
  ])
    if (query !== 'watch=true') get(`${configMaps}?limit=2&continue=${good}&${query}`);
}

export function versions({ get }: Rows): void {
  const one = `${configMaps}?labelSelector=name%3Da`;
  for (const rv of [
    '',
    '0',
    '1',
    '99999999',
    'x',
    '-1',
    '1.5',
    '18446744073709551615',
    '18446744073709551616',
    '00',
  ])
    for (const match of ['', 'Exact', 'NotOlderThan', 'Other', 'exact'])
      // What was compacted is the moment's.
      if (!(rv === '1' && match === 'Exact'))
        get(`${one}&resourceVersion=${rv}&resourceVersionMatch=${match}`);
  for (const rv of ['0', '1', '99999999', 'x', '-1', ''])
    for (const match of ['', 'Exact', 'NotOlderThan'])
      if (!(rv === '1' && match !== 'NotOlderThan'))
        get(`${one}&limit=1&resourceVersion=${rv}&resourceVersionMatch=${match}`);
  for (const rv of ['', '0', '1', '99999999', 'x', '-1'])
    get(`${configMaps}/a?resourceVersion=${rv}`);
  for (const query of [
    'sendInitialEvents=true',
    'sendInitialEvents=false',
    'sendInitialEvents=x',
    'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=0',
    'allowWatchBookmarks=true',
    'timeoutSeconds=x',
    'timeoutSeconds=-1',
    'watch=x',
    'watch=0',
    'watch=false',
    'watch=False',
    'watch=FALSE',
    'resourceVersionMatch=Exact',
  ])
    if (query !== 'watch=x') get(`${one}&${query}`);
}

export function watches({ get }: Rows): void {
  const one = `${configMaps}?watch=1&timeoutSeconds=1&labelSelector=name%3Da`;
  for (const rv of ['', '0', 'x', '-1', '99999999999', '18446744073709551616'])
    for (const match of ['', 'Exact', 'NotOlderThan', 'Other'])
      if (rv !== '99999999999') get(`${one}&resourceVersion=${rv}&resourceVersionMatch=${match}`);
  for (const initial of ['true', 'false', '', 'x'])
    for (const match of ['', 'Exact', 'NotOlderThan', 'Other'])
      for (const rv of ['', '0'])
        for (const bookmarks of ['', 'true'])
          get(
            `${one}&sendInitialEvents=${initial}&resourceVersionMatch=${match}&resourceVersion=${rv}&allowWatchBookmarks=${bookmarks}`,
          );
  for (const accept of [
    table,
    tableOld,
    partial,
    partialList,
    'application/yaml',
    'application/json;stream=watch',
    'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
    protobuf,
    `${protobuf};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`,
    `${protobuf};as=Table;v=v1;g=meta.k8s.io`,
    'text/html',
    'application/cbor',
    'application/cbor-seq',
    `${protobuf};stream=watch`,
    'application/json;stream=other',
  ])
    get(one, accept);
  for (const accept of [table, partial])
    get(
      `${one}&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`,
      accept,
    );
  get(
    `${pods}?watch=1&timeoutSeconds=1&resourceVersion=0&fieldSelector=spec.nodeName%3Dnowhere`,
    partial,
  );
  get(`${configMaps}/a?watch=1&timeoutSeconds=1`);
  get(`/api/v1/watch/namespaces/wire/configmaps/a?timeoutSeconds=1`);
  get(`/api/v1/watch/namespaces/wire/configmaps?timeoutSeconds=1&labelSelector=name%3Da`);
  get(`/api/v1/watch/configmaps?timeoutSeconds=1&labelSelector=name%3Da`);
  get(`/api/v1/watch/namespaces/wire?timeoutSeconds=1`);
  get(`/api/v1/watch/namespaces?timeoutSeconds=1&labelSelector=wire`);
  get(`${configMaps}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Da`);
  get(`${configMaps}?watch=1&timeoutSeconds=1&limit=1&labelSelector=wire`);
  get(`${configMaps}?watch=1&timeoutSeconds=1&continue=x&labelSelector=name%3Da`);
  get(`${configMaps}?watch=1&timeoutSeconds=x`);
  get(`${configMaps}?watch=1&timeoutSeconds=1&labelSelector=%3D`);
  get(`${configMaps}?watch=1&timeoutSeconds=1&fieldSelector=data.x%3D1`);
  get(`${group}/namespaces/wire/things?watch=1&timeoutSeconds=1`);
  get(
    `${group}/namespaces/wire/things?watch=1&timeoutSeconds=1&fieldSelector=spec.color%3Dred`,
    table,
  );
  get(`${group}/namespaces/wire/things?watch=1&timeoutSeconds=1`, protobuf);
  get(`${group}/namespaces/wire/things?watch=1&timeoutSeconds=1`, partial);
  get('/api/v1/componentstatuses?watch=1&timeoutSeconds=1');
  get('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews?watch=1&timeoutSeconds=1');
}

export function selectors({ get }: Rows): void {
  for (const label of [
    'name',
    'name=a',
    'name==a',
    'name!=a',
    '!early',
    '!name',
    'name in (a,b)',
    'name in (a, b),early',
    'name notin (a)',
    'name in ()',
    'name in (a',
    'name in a',
    'in',
    '=a',
    'name=',
    'name=a=b',
    'name=a,',
    ',',
    ',name',
    'na me',
    'name>1',
    'name<x',
    'name>',
    'a/b/c=d',
    '-a=b',
    'a=-b',
    'name=a,!early',
    'name exists',
    '!',
    '!!a',
    'a=' + 'x'.repeat(64),
    'x'.repeat(64),
    'name in (a,,b)',
    '(a)',
    'name=a)',
    'a b in (c)',
    'name NOTIN (a)',
    'é=1',
    'a=é',
    'name = a',
    ' name ',
    'notin',
    'notin in (in)',
  ])
    get(`${configMaps}?labelSelector=${encodeURIComponent(label)}&limit=2`, partialList);
  for (const field of [
    'metadata.name=a',
    'metadata.name==a',
    'metadata.name!=a',
    'metadata.namespace=wire',
    'metadata.namespace=x',
    'metadata.name=a,metadata.name=b',
    'metadata.name',
    'metadata.name=',
    '=a',
    'data=x',
    'metadata.uid=1',
    'metadata.name=a\\,b',
    'metadata.name=a\\x',
    'metadata.name>a',
    'metadata.labels.x=1',
    ',',
    'metadata.name=a,',
    'metadata.name=a=b',
    'metadata.name in (a)',
    'metadata.name=\\',
  ])
    get(`${configMaps}?labelSelector=wire&fieldSelector=${encodeURIComponent(field)}`, partialList);
  get(`${group}/namespaces/wire/things?fieldSelector=spec.color%3Dred`, partialList);
  get(`${group}/namespaces/wire/things?fieldSelector=spec.size%3D3`);
  get(`${group}/namespaces/wire/things?fieldSelector=metadata.name%3Dt1`, partialList);
  get(`${pods}?fieldSelector=spec.nodeName%3Dnowhere`, partialList);
  get(`${pods}?fieldSelector=spec.nodeName%3D`, partialList);
  for (const field of [
    'status.phase=Pending',
    'status.phase!=Pending',
    'spec.restartPolicy=Never',
    'spec.schedulerName=default-scheduler',
    'spec.serviceAccountName=default',
    'spec.hostNetwork=false',
    'status.podIP=',
    'status.nominatedNodeName=',
    'status.podIPs=',
    'spec.nodename=x',
  ])
    get(`${pods}?fieldSelector=${encodeURIComponent(field)}`, partialList);
  get(
    `/api/v1/pods?fieldSelector=metadata.namespace%3Dwire,spec.restartPolicy%3DNever`,
    partialList,
  );
}

/** Every listed kind, asked for a field it does not have and for those that some kinds do have. */
const kinds: readonly string[] = [
  '/api/v1/namespaces',
  '/api/v1/nodes',
  '/api/v1/persistentvolumes',
  '/api/v1/componentstatuses',
  ...[
    'bindings',
    'configmaps',
    'endpoints',
    'events',
    'limitranges',
    'persistentvolumeclaims',
    'pods',
    'podtemplates',
    'replicationcontrollers',
    'resourcequotas',
    'secrets',
    'serviceaccounts',
    'services',
  ].map((each) => `${core}/${each}`),
  ...[
    'mutatingadmissionpolicies',
    'mutatingadmissionpolicybindings',
    'mutatingwebhookconfigurations',
    'validatingadmissionpolicies',
    'validatingadmissionpolicybindings',
    'validatingwebhookconfigurations',
  ].map((each) => `/apis/admissionregistration.k8s.io/v1/${each}`),
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  '/apis/apiregistration.k8s.io/v1/apiservices',
  ...['controllerrevisions', 'daemonsets', 'deployments', 'replicasets', 'statefulsets'].map(
    (each) => `/apis/apps/v1/namespaces/wire/${each}`,
  ),
  '/apis/autoscaling/v2/namespaces/wire/horizontalpodautoscalers',
  '/apis/autoscaling/v1/namespaces/wire/horizontalpodautoscalers',
  '/apis/batch/v1/namespaces/wire/cronjobs',
  '/apis/batch/v1/namespaces/wire/jobs',
  '/apis/certificates.k8s.io/v1/certificatesigningrequests',
  '/apis/coordination.k8s.io/v1/namespaces/wire/leases',
  '/apis/discovery.k8s.io/v1/namespaces/wire/endpointslices',
  '/apis/events.k8s.io/v1/namespaces/wire/events',
  '/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas',
  '/apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations',
  ...['ingressclasses', 'ipaddresses', 'servicecidrs'].map(
    (each) => `/apis/networking.k8s.io/v1/${each}`,
  ),
  ...['ingresses', 'networkpolicies'].map(
    (each) => `/apis/networking.k8s.io/v1/namespaces/wire/${each}`,
  ),
  '/apis/node.k8s.io/v1/runtimeclasses',
  '/apis/policy/v1/namespaces/wire/poddisruptionbudgets',
  ...['clusterroles', 'clusterrolebindings'].map(
    (each) => `/apis/rbac.authorization.k8s.io/v1/${each}`,
  ),
  ...['roles', 'rolebindings'].map(
    (each) => `/apis/rbac.authorization.k8s.io/v1/namespaces/wire/${each}`,
  ),
  ...['deviceclasses', 'resourceslices'].map((each) => `/apis/resource.k8s.io/v1/${each}`),
  ...['resourceclaims', 'resourceclaimtemplates'].map(
    (each) => `/apis/resource.k8s.io/v1/namespaces/wire/${each}`,
  ),
  '/apis/scheduling.k8s.io/v1/priorityclasses',
  ...[
    'csidrivers',
    'csinodes',
    'storageclasses',
    'volumeattachments',
    'volumeattributesclasses',
  ].map((each) => `/apis/storage.k8s.io/v1/${each}`),
  '/apis/storage.k8s.io/v1/namespaces/wire/csistoragecapacities',
  `${group}/namespaces/wire/things`,
];

export function everyKind({ add, get }: Rows): void {
  for (const path of kinds) {
    const none = 'labelSelector=nobody%3Dhas';
    get(`${path}?${none}&fieldSelector=spec.unknown%3Dx`);
    get(`${path}?${none}&fieldSelector=metadata.namespace%3Dx,metadata.name%3Dy`);
    for (const field of [
      'spec.unschedulable',
      'status.phase',
      'type',
      'status.replicas',
      'status.successful',
      'spec.signerName',
      'involvedObject.kind',
      'reason',
      'spec.parentRef',
      'spec.nodeName',
      'name',
      'spec.driver',
    ])
      get(`${path}?${none}&fieldSelector=${field}%3Dx`, partialList);
    get(`${path}?${none}`, table);
    get(`${path}?${none}`, tableOld);
    get(`${path}?${none}`);
    get(`${path}?${none}`, 'application/yaml');
    get(`${path}?${none}`, protobuf);
    get(`${path}/absent`);
    for (const method of ['PUT', 'PATCH'])
      if (method === 'PUT' || !path.startsWith(group))
        add({ method, path, body: {} }, 'on a collection');
    add({ method: 'POST', path: `${path}/absent`, body: {} }, 'on an object');
  }
}
