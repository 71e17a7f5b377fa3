import type { WireRequest } from '#tests/wire';

/** A request with a name of its own. */
export interface WireRow extends WireRequest {
  readonly name: string;
  /** Why the answer does not count: it prepares what later rows ask for. */
  readonly setup?: true;
}

const core = '/api/v1/namespaces/wire';
const configMaps = `${core}/configmaps`;
const pods = `${core}/pods`;
const group = '/apis/wire.example.com/v1';

const rows: WireRow[] = [];
const names = new Set<string>();
function add(row: WireRequest, note = '', setup = false): void {
  const accept = row.headers?.['accept'];
  const name = [row.method, row.path, accept && `accept=${accept}`, note].filter(Boolean).join(' ');
  if (names.has(name)) return;
  names.add(name);
  rows.push(setup ? { ...row, name, setup } : { ...row, name });
}
const get = (path: string, accept?: string): void =>
  add({ method: 'GET', path, ...(accept === undefined ? {} : { headers: { accept } }) });
const create = (path: string, body: object): void =>
  add({ method: 'POST', path, body }, JSON.stringify(body), true);

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const tableOld = 'application/json;as=Table;v=v1beta1;g=meta.k8s.io';
const partial = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const partialList = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
const protobuf = 'application/vnd.kubernetes.protobuf';

/** What is there to be read: a namespace with a few objects, and a custom resource. */
function fixtures(): void {
  const labels = { wire: 'yes' };
  create('/api/v1/namespaces', { metadata: { name: 'wire', labels } });
  create(`${core}/serviceaccounts`, { metadata: { name: 'default' } });
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    create(configMaps, {
      metadata: { name, labels: { ...labels, name, ...(name < 'c' ? { early: '' } : {}) } },
      data: { key: name },
    });
  create(pods, {
    metadata: { name: 'p1', labels },
    spec: { containers: [{ name: 'c', image: 'nginx:1.27' }], nodeName: 'nowhere' },
  });
  create(pods, {
    metadata: { name: 'p2', labels },
    spec: { containers: [{ name: 'c', image: 'nginx:1.27' }], restartPolicy: 'Never' },
  });
  create(`${core}/secrets`, {
    metadata: { name: 's1', labels },
    type: 'example.com/t',
    stringData: { a: 'b' },
  });
  create(`${core}/events`, {
    metadata: { name: 'e1', labels },
    involvedObject: { kind: 'Pod', namespace: 'wire', name: 'p1' },
    reason: 'Because',
    message: 'so it is',
    type: 'Normal',
  });
  create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'things.wire.example.com' },
    spec: {
      group: 'wire.example.com',
      scope: 'Namespaced',
      names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  properties: { size: { type: 'integer' }, color: { type: 'string' } },
                },
              },
            },
          },
          selectableFields: [{ jsonPath: '.spec.color' }],
          additionalPrinterColumns: [
            { name: 'Size', type: 'integer', jsonPath: '.spec.size', description: 'How large' },
            { name: 'Color', type: 'string', jsonPath: '.spec.color', priority: 1 },
          ],
        },
      ],
    },
  });
}

/** After the definition is established. */
function customFixtures(): void {
  for (const [name, color] of [
    ['t1', 'red'],
    ['t2', 'blue'],
  ] as const)
    create(`${group}/namespaces/wire/things`, {
      apiVersion: 'wire.example.com/v1',
      kind: 'Thing',
      metadata: { name, labels: { wire: 'yes' } },
      spec: { size: 3, color },
    });
}

function paging(): void {
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

function versions(): void {
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

function watches(): void {
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

function selectors(): void {
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

function everyKind(): void {
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

function negotiation(): void {
  const accepts = [
    '*/*',
    'application/*',
    'text/*',
    'text/html',
    'text/plain',
    'application/json',
    'application/json;charset=utf-8',
    'application/yaml',
    'text/yaml',
    'application/x-yaml',
    protobuf,
    'application/cbor',
    'application/xml',
    '',
    ' ',
    ';',
    'garbage',
    'application/json;q=0',
    'application/json;q=0.1,application/yaml;q=0.9',
    'application/yaml;q=x,application/json',
    'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'text/html,*/*;q=0.1',
    'APPLICATION/JSON',
    'application/json, application/yaml',
    'application/yaml, application/json',
    table,
    tableOld,
    partial,
    partialList,
    'application/json;as=Table;v=v2;g=meta.k8s.io',
    'application/json;as=Table;g=meta.k8s.io',
    'application/json;as=Table;v=v1',
    'application/json;as=Tabel;v=v1;g=meta.k8s.io',
    'application/json;as=Table;v=v1;g=other',
    'application/json;as=PartialObjectMetadata;v=v1beta1;g=meta.k8s.io',
    'application/json;as=PartialObjectMetadataList;v=v1beta1;g=meta.k8s.io',
    'application/yaml;as=Table;v=v1;g=meta.k8s.io',
    'application/yaml;as=PartialObjectMetadata;v=v1;g=meta.k8s.io',
    `${protobuf};as=Table;v=v1;g=meta.k8s.io`,
    `${protobuf};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`,
    `${protobuf};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io`,
    `${protobuf};as=PartialObjectMetadata;v=v1beta1;g=meta.k8s.io`,
    `${table},application/json`,
    `${table},${tableOld},application/json`,
    `application/json;as=Table;v=v3;g=meta.k8s.io,${protobuf}`,
    'application/json;pretty=1',
    'application/json;stream=watch',
    'application/json;foo=bar',
    'application/json;as=',
    'application/json; as=Table; v=v1; g=meta.k8s.io',
    'application/vnd.kubernetes.protobuf, application/json',
    'application/json;as=Table;v=v1;g=meta.k8s.io;q=0.1,application/json;q=0.5',
    'application/json;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io',
  ];
  for (const accept of accepts) {
    get(`${configMaps}/a`, accept);
    get(`${configMaps}?labelSelector=name%3Da`, accept);
    get(`${configMaps}/absent`, accept);
    get(`${group}/namespaces/wire/things/t1`, accept);
    get(`${group}/namespaces/wire/things`, accept);
  }
  for (const accept of ['*/*', 'text/html', protobuf, 'application/yaml', table, 'garbage']) {
    for (const path of [
      '/version',
      '/api',
      '/apis',
      '/api/v1',
      '/apis/apps',
      '/apis/apps/v1',
      '/healthz',
      '/nothing',
      '/',
      '/openapi/v3',
      '/apis/wire.example.com',
      '/apis/wire.example.com/v1',
      '/api/v1/nothing',
      '/apis/none.example.com/v1/x',
      '/openid/v1/jwks',
      '/.well-known/openid-configuration',
    ])
      if (!(path === '/api/v1')) get(path, accept);
  }
  for (const include of ['None', 'Object', 'Metadata', 'other', '']) {
    get(`${configMaps}/a?includeObject=${include}`, table);
    get(`${configMaps}?labelSelector=name%3Da&includeObject=${include}`, table);
    get(`${configMaps}?labelSelector=name%3Da&includeObject=${include}`);
  }
  for (const pretty of ['', '0', '1', 'true', 'false', 'x', 'TRUE']) {
    get(`${configMaps}/a?pretty=${pretty}`);
    get(`${configMaps}/absent?pretty=${pretty}`);
    get(`/apis/apps?pretty=${pretty}`);
  }
  for (const agent of [
    'curl/8.5.0',
    'Mozilla/5.0 (X11)',
    'Wget/1.2',
    'kubectl/v1.36.3',
    'Go-http-client/2.0',
    'mozilla/5.0',
    'x',
  ])
    for (const path of [
      `${configMaps}/a`,
      `${configMaps}/absent`,
      `${configMaps}?labelSelector=name%3Da`,
    ])
      add({ method: 'GET', path, headers: { 'user-agent': agent } }, agent);
}

function odd(): void {
  const paths = [
    '/',
    '/api',
    '/api/',
    '/apis',
    '/apis/',
    '/api/v1/',
    '/api/v2',
    '/api/v2/pods',
    '/apis/apps',
    '/apis/apps/',
    '/apis/apps/v1',
    '/apis/apps/v1/',
    '/apis/apps/v2',
    '/apis/apps/v1/x',
    '/apis/apps/v2/deployments',
    '/apis/nothing',
    '/apis/nothing/v1',
    '/apis/nothing/v1/x',
    '/apis/wire.example.com',
    '/apis/wire.example.com/v1',
    '/apis/wire.example.com/v2',
    '/apis/wire.example.com/v2/things',
    '/apis/wire.example.com/v1/nothings',
    '//',
    '//api',
    '//api/v1/namespaces/wire',
    '/api//v1/namespaces/wire',
    '/api/v1//namespaces/wire',
    '/api/v1/namespaces//wire',
    '/api/v1/namespaces/wire/',
    `${configMaps}/`,
    `${configMaps}/a/`,
    `${configMaps}//a`,
    `${configMaps}/a/b`,
    `${configMaps}/a/b/c`,
    `${configMaps}/a/status`,
    `${pods}/p1/nothing`,
    `${pods}/p1/status/x`,
    '/api/v1/namespaces/wire/../wire/configmaps/a',
    '/./api/v1/namespaces/wire',
    '/api/v1/namespaces/wire/configmaps/.',
    '/api/v1/namespaces/wire/configmaps/..',
    '/api/v1/namespaces/wire/configmaps/%2e%2e',
    '/api/v1/namespaces/wire/configmaps/%2E',
    '/api/v1/namespaces/wire/configmaps/a%2fb',
    '/api/v1/namespaces/wire/configmaps/%zz',
    '/api/v1/namespaces/wire/configmaps/%',
    '/api/v1/namespaces/wire/configmaps/%C3%A9',
    '/api/v1/namespaces/wire/configmaps/A',
    '/api/v1/namespaces/wire/configmaps/a%20',
    '/api/v1/namespaces/%2e%2e/configmaps',
    '/api/v1/namespaces/wire%2fconfigmaps',
    '/api/v1/nam%65spaces/wire',
    '/api/v1/namespaces/wire/configmaps/a?',
    '/api/v1/namespaces/wire/configmaps/a?x',
    '/api/v1/namespaces/wire/configmaps/a?%zz=1',
    '/api/v1/namespaces/wire/configmaps/a?a=%zz',
    '/api/v1/namespaces/wire/configmaps/a?a;b',
    '/api/v1/namespaces/wire/configmaps?labelSelector=name=a&labelSelector=name=b',
    '/api/v1/namespaces/wire/configmaps/a?pretty=true&pretty=false',
    '/api/v1/configmaps/a',
    '/api/v1/pods/p1',
    '/api/v1/namespaces/wire/nodes',
    '/api/v1/namespaces/wire/nodes/x',
    '/api/v1/namespaces/wire/namespaces',
    '/api/v1/nothing',
    '/api/v1/namespaces/wire/nothing',
    '/api/v1/namespaces/wire/nothing/x',
    '/api/v1/namespaces/none',
    '/api/v1/namespaces/none/configmaps',
    '/api/v1/namespaces/none/configmaps/a',
    '/api/v1/nodes/none/proxy',
    '/api/v1/watch',
    '/api/v1/proxy',
    '/api/v1/proxy/nodes/x',
    '/api/v1/redirect/x',
    '/api/v1/namespaces/wire/status',
    '/api/v1/namespaces/wire/finalize',
    '/healthz',
    '/healthz/',
    '/healthz/ping',
    '/healthz/etcd',
    '/healthz/log',
    '/healthz/nothing',
    '/healthz?verbose',
    '/healthz?verbose=true',
    '/healthz?verbose=false',
    '/livez',
    '/livez/',
    '/livez/ping',
    '/livez/nothing',
    '/livez?verbose',
    '/livez?exclude=etcd',
    '/livez?verbose&exclude=etcd',
    '/livez?exclude=nothing',
    '/livez?verbose&exclude=nothing',
    '/livez?exclude=etcd&exclude=ping&verbose',
    '/livez?exclude=etcd,ping&verbose',
    '/readyz',
    '/readyz?verbose',
    '/readyz/shutdown',
    '/readyz/etcd-readiness',
    '/readyz/informer-sync',
    '/readyz/poststarthook/rbac/bootstrap-roles',
    '/livez/poststarthook/rbac/bootstrap-roles',
    '/healthz/poststarthook/rbac/bootstrap-roles',
    '/healthz/poststarthook',
    '/livez/autoregister-completion',
    '/version',
    '/version/',
    '/version/x',
    '/logs',
    '/logs/',
    '/logs/x',
    '/debug',
    '/.well-known/openid-configuration',
    '/openid/v1/jwks',
    '/openid',
    '/openid/v1',
    '/.well-known',
    '/.well-known/x',
    '/swagger.json',
    '/swaggerapi',
    '/swagger-ui',
    '/ui',
    '/openapi',
    '/openapi/',
    '/openapi/v1',
    '/openapi/v3/',
    '/openapi/v3/nothing',
    '/openapi/v3/api/v2',
    '/openapi/v2/',
    '/metrics/',
    '/metrics/slis/x',
    '/index.html',
    '/favicon.ico',
    '/robots.txt',
    '/nothing',
    '/nothing/',
    '/API',
    '/Api/v1',
  ];
  for (const path of paths) get(path);
  for (const method of [
    'HEAD',
    'OPTIONS',
    'POST',
    'PUT',
    'PATCH',
    'DELETE',
    'TRACE',
    'PROPFIND',
    'FOO',
  ])
    for (const path of [
      '/',
      '/api',
      '/apis',
      '/version',
      '/healthz',
      '/livez',
      '/nothing',
      '/openapi/v3',
      '/openapi/v2',
      '/openid/v1/jwks',
      '/apis/apps',
      '/api/v1',
      '/apis/nothing/v1/x',
      `${configMaps}/absent`,
      configMaps,
      `${pods}/p1/log`,
      '/api/v1/nothing',
      `${group}/namespaces/wire/things/absent`,
      '/apis/authentication.k8s.io/v1/tokenreviews',
      '/api/v1/componentstatuses',
    ])
      if (
        !(path === '/openapi/v2') &&
        !(method === 'DELETE' && path === configMaps) &&
        !(method === 'HEAD' && path === '/openapi/v2') &&
        method !== 'FOO'
      )
        add({
          method,
          path: method === 'POST' && path === configMaps ? `${path}?dryRun=All` : path,
          ...(['POST', 'PUT', 'PATCH'].includes(method) ? { body: {} } : {}),
        });
  for (const path of [
    '/',
    '/api',
    '/version',
    '/healthz',
    '/livez',
    '/readyz',
    '/metrics',
    '/nothing',
    configMaps,
    `${configMaps}/a`,
    '/openapi/v3',
    '/openid/v1/jwks',
    '/.well-known/openid-configuration',
    '/api/v1/nothing',
    '/apis/nothing/v1/x',
    `${pods}/p1/exec?command=x`,
    `${pods}/p1/log`,
  ])
    add({ method: 'GET', path, anonymous: true }, 'anonymous');
  for (const authorization of [
    'Bearer x',
    'Bearer ',
    'Bearer',
    'Basic eDp5',
    'bearer x',
    'Bearer a b',
    'Token x',
    'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.',
    'Negotiate x',
  ])
    add(
      { method: 'GET', path: '/version', anonymous: true, headers: { authorization } },
      authorization,
    );
  for (const path of [`${configMaps}/a`, '/nothing', '/api'])
    for (const user of ['joe', '', 'system:admin'])
      add({ method: 'GET', path, headers: { 'impersonate-user': user } }, `as ${user}`);
  add(
    { method: 'GET', path: `${configMaps}/a`, headers: { 'impersonate-group': 'x' } },
    'group without user',
  );
  add(
    { method: 'GET', path: `${configMaps}/a`, headers: { 'impersonate-uid': 'x' } },
    'uid without user',
  );
}

function documents(): void {
  for (const path of [
    '/openapi/v3/api',
    '/openapi/v3/apis',
    '/openapi/v3/version',
    '/openapi/v3/openid/v1/jwks',
    '/openapi/v3/.well-known/openid-configuration',
    '/openapi/v3/logs',
    '/openapi/v3/apis/wire.example.com',
  ])
    get(path);
  get('/openapi/v3/api/v1?hash=WRONG', 'text/html');
  get('/openapi/v3/api/v1?hash=WRONG');
  for (const accept of [
    'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList',
    'application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList',
    'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json',
    'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList;profile=nopeer',
    `${protobuf};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`,
    `${protobuf};g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList`,
    'application/yaml;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
    protobuf,
    'application/yaml',
    'application/cbor',
  ])
    for (const path of ['/api', '/apis', '/apis/', '/apis/apps'])
      if (!names.has(`GET ${path} accept=${accept}`)) get(path, accept);
  for (const path of [
    '/api',
    '/apis/apps',
    '/apis/apps/v1',
    '/api/v1',
    '/apis/wire.example.com/v1',
    '/version',
  ])
    add({ method: 'GET', path, headers: { accept: protobuf } }, 'protobuf document');
}

/** The rows in the order they are sent; after `setup` rows the server gets a moment. */
export function wireRows(): readonly WireRow[] {
  rows.length = 0;
  names.clear();
  fixtures();
  customFixtures();
  paging();
  versions();
  watches();
  selectors();
  everyKind();
  negotiation();
  odd();
  documents();
  return rows;
}
