import {
  type Rows,
  configMaps,
  group,
  partial,
  partialList,
  protobuf,
  table,
  tableOld,
} from './row.ts';

export function negotiation({ add, get }: Rows): void {
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

export function documents({ add, get, has }: Rows): void {
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
      if (!has(`GET ${path} accept=${accept}`)) get(path, accept);
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
