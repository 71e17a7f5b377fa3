import type { Step } from '../patches/side.ts';

/** Webhooks are registered, requests are sent; what is answered and what the webhooks were sent is compared. */
export interface Scenario {
  readonly name: string;
  readonly configurations: readonly object[];
  readonly steps: readonly Step[];
}

type Fields = Readonly<Record<string, unknown>>;

const namespace = 'kijabi-hooks';
const registration = 'admissionregistration.k8s.io';
const widgets = 'widgets.hooks.example.com';

/** Where webhooks listen, and where nobody does. */
export const webhookPort = 29443;
const nobodyPort = 29444;

const everything = { apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*/*'] };
const configMaps = {
  apiGroups: [''],
  apiVersions: ['v1'],
  operations: ['CREATE', 'UPDATE'],
  resources: ['configmaps'],
};

/** A webhook at a path; `own` makes it see this test's namespace alone, and its widgets. */
function hook(name: string, path: string, more: Fields = {}): Fields {
  return {
    name: `${name}.example.com`,
    clientConfig: { url: `https://127.0.0.1:${webhookPort}${path}` },
    rules: [configMaps],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    timeoutSeconds: 5,
    ...more,
  };
}

const configuration =
  (kind: 'Validating' | 'Mutating') =>
  (name: string, ...webhooks: readonly Fields[]): object => ({
    apiVersion: `${registration}/v1`,
    kind: `${kind}WebhookConfiguration`,
    metadata: { name: `kijabi-${name}` },
    webhooks,
  });
const validating = configuration('Validating');
const mutating = configuration('Mutating');

const core = `/api/v1/namespaces/${namespace}`;
const path = (group: string, version: string, resource: string): string =>
  `/apis/${group}/${version}/namespaces/${namespace}/${resource}`;

const post = (url: string, body: unknown): Step => ({ method: 'POST', url, body });
const put = (url: string, body: unknown): Step => ({ method: 'PUT', url, body });
const get = (url: string): Step => ({ method: 'GET', url });
const remove = (url: string): Step => ({ method: 'DELETE', url });
const merge = (url: string, body: unknown): Step => ({
  method: 'PATCH',
  url,
  body,
  type: 'application/merge-patch+json',
});

const configMap = (name: string, more: Fields = {}): Fields => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...more,
});
const create = (query = ''): Step => post(`${core}/configmaps${query}`, configMap('x'));
const createAndDelete: readonly Step[] = [create(), remove(`${core}/configmaps/x`)];
const dryRun = create('?dryRun=All');

/** One webhook that is asked for a new ConfigMap. */
const answered = (
  kind: 'Validating' | 'Mutating',
  at: string,
  more: Fields = {},
  steps: readonly Step[] = [dryRun],
): Scenario => ({
  name: `${kind.toLowerCase()} ${at}${Object.keys(more).length === 0 ? '' : ` ${JSON.stringify(more)}`}`,
  configurations: [configuration(kind)('one', hook('one', at, more))],
  steps,
});

const widgetSchema = (field: string): object => ({
  openAPIV3Schema: {
    type: 'object',
    properties: {
      [field]: { type: 'string' },
      count: { type: 'integer' },
      size: { type: 'string', default: field === 'address' ? 'large' : 'small' },
      spec: { type: 'object', properties: { replicas: { type: 'integer' } } },
      status: { type: 'object', properties: { replicas: { type: 'integer' } } },
    },
  },
});
const definition = (conversion: Fields): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: widgets },
  spec: {
    group: 'hooks.example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList' },
    versions: [
      { name: 'v1', served: true, storage: true, field: 'host' },
      { name: 'v2', served: true, storage: false, field: 'address' },
      { name: 'v3', served: true, storage: false, field: 'host' },
    ].map(({ field, ...version }) => ({
      ...version,
      schema: widgetSchema(field),
      subresources: {
        status: {},
        scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
      },
    })),
    conversion,
  },
});
const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const widget = (version: string, fields: Fields): Fields => ({
  apiVersion: `hooks.example.com/${version}`,
  kind: 'Widget',
  metadata: { name: 'w' },
  ...fields,
});
const widgetsAt = (version: string): string => path('hooks.example.com', version, 'widgets');
const widgetRule = (version: string, resources: readonly string[] = ['widgets']): Fields => ({
  rules: [
    { apiGroups: ['hooks.example.com'], apiVersions: [version], operations: ['*'], resources },
  ],
});
const byWebhook = (at: string): Fields => ({
  strategy: 'Webhook',
  webhook: {
    conversionReviewVersions: ['v1'],
    clientConfig: { url: `https://127.0.0.1:${webhookPort}${at}` },
  },
});
/** The definition is there while `steps` are sent. */
const defined = (conversion: Fields, steps: readonly Step[]): readonly Step[] => [
  post(definitions, definition(conversion)),
  { ...get(`${definitions}/${widgets}`), until: '"type":"Established"' },
  { ...get('/apis/hooks.example.com/v2'), until: 'widgets/scale' },
  { ...get(widgetsAt('v2')), until: 'WidgetList' },
  ...steps,
  remove(`${definitions}/${widgets}`),
  { ...get(`${definitions}/${widgets}`), until: 'not found' },
];

const autoscaler = (version: string, spec: Fields): Fields => ({
  apiVersion: `autoscaling/${version}`,
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'h' },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
    maxReplicas: 5,
    ...spec,
  },
});
const autoscalersAt = (version: string): string =>
  path('autoscaling', version, 'horizontalpodautoscalers');
const autoscalerRule = (version: string, more: Fields = {}): Fields => ({
  rules: [
    {
      apiGroups: ['autoscaling'],
      apiVersions: [version],
      operations: ['*'],
      resources: ['horizontalpodautoscalers', 'horizontalpodautoscalers/status'],
    },
  ],
  ...more,
});
const eventRule = (group: string): Fields => ({
  rules: [{ apiGroups: [group], apiVersions: ['v1'], operations: ['*'], resources: ['events'] }],
});
const event: Fields = {
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name: 'e', namespace },
  involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace },
  reason: 'Told',
  message: 'something',
  type: 'Normal',
  count: 2,
  firstTimestamp: '2026-01-01T10:00:00Z',
  lastTimestamp: '2026-01-01T10:00:00Z',
  source: { component: 'tester' },
};
const bodyOf = (kind: string, more: Fields): Fields => ({ kind, ...more });

const failures = [
  '/text',
  '/empty',
  '/list',
  '/not-found',
  '/error',
  '/error-status',
  '/unavailable',
  '/teapot',
  '/bad-request',
  '/forbidden',
  '/status',
  '/no-response',
  '/wrong-uid',
  '/wrong-version',
  '/wrong-kind',
  '/no-kind',
  '/wrong-type',
];
const patches = [
  '/patch-a',
  '/patch-same',
  '/patch-none',
  '/patch-test',
  '/patch-missing',
  '/patch-parent',
  '/patch-type',
  '/patch-unknown',
  '/patch-name',
  '/patch-kind',
  '/patch-op',
  '/patch-object',
  '/patch-text',
  '/patch-not-base64',
  '/patch-no-type',
  '/patch-other-type',
  '/patch-empty-type',
  '/patch-only-type',
  '/patch-denied',
];
const condition = (expression: string, name = 'c'): Fields => ({ name, expression });

/** What is there for all scenarios. */
export const preparations: readonly Step[] = [
  post('/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  }),
  { ...get(`${core}/serviceaccounts/default`), until: '"uid"' },
  post(path('apps', 'v1', 'deployments'), {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd' },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'd' } },
      template: {
        metadata: { labels: { app: 'd' } },
        spec: { containers: [{ name: 'c', image: 'nginx' }] },
      },
    },
  }),
  post(`${core}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p' },
    spec: { schedulerName: 'nobody', containers: [{ name: 'c', image: 'nginx' }] },
  }),
];
/** What a scenario may leave behind. */
export const leftovers: readonly Step[] = [
  remove(`${core}/configmaps/x`),
  remove(`${autoscalersAt('v2')}/h`),
];
export const cleaning: readonly Step[] = [remove(`/api/v1/namespaces/${namespace}`)];

const everyRule = { rules: [everything] };

export const scenarios: readonly Scenario[] = [
  {
    name: 'bodies of writes',
    configurations: [validating('all', hook('all', '/allow', everyRule))],
    steps: [
      create('?fieldManager=me&fieldValidation=Strict'),
      create('?dryRun=All'),
      put(`${core}/configmaps/x`, configMap('x', { data: { a: '1' } })),
      merge(`${core}/configmaps/x`, { data: { b: '2' } }),
      {
        method: 'PATCH',
        url: `${core}/configmaps/x?fieldManager=applier&force=true`,
        type: 'application/apply-patch+yaml',
        body: configMap('x', { data: { c: '3' } }),
      },
      remove(`${core}/configmaps/x`),
      { ...remove(`${core}/configmaps/x`) },
      post(`${core}/configmaps`, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { generateName: 'g-', labels: { some: 'one' } },
      }),
      {
        ...remove(`${core}/configmaps?labelSelector=some%3Done`),
        body: bodyOf('DeleteOptions', { apiVersion: 'v1', propagationPolicy: 'Background' }),
      },
      merge(path('apps', 'v1', 'deployments/d/scale'), { spec: { replicas: 0 } }),
      put(path('apps', 'v1', 'deployments/d/scale'), {
        apiVersion: 'autoscaling/v1',
        kind: 'Scale',
        metadata: { name: 'd', namespace },
        spec: { replicas: 0 },
      }),
      post(`${core}/pods/p/eviction?dryRun=All`, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: 'p' },
      }),
      post(`${core}/serviceaccounts/default/token`, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: 600 },
      }),
      post(`${core}/pods/p/exec?command=true&stdout=true`, ''),
      merge(`/api/v1/namespaces/${namespace}`, { metadata: { annotations: { a: 'b' } } }),
      post(`${core}/pods/p/binding?dryRun=All`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: 'p' },
        target: { apiVersion: 'v1', kind: 'Node', name: 'node01' },
      }),
    ],
  },
  {
    name: 'the first version of the review',
    configurations: [
      validating('old', hook('old', '/allow', { admissionReviewVersions: ['v1beta1', 'v1'] })),
      mutating(
        'old',
        hook('old', '/patch-no-type', { admissionReviewVersions: ['v2', 'v1beta1'] }),
      ),
    ],
    steps: [dryRun],
  },
  {
    name: 'autoscalers in version 1, hooks in version 2',
    configurations: [
      mutating('h', hook('h', '/patch-metric-v2', autoscalerRule('v2'))),
      validating('h', hook('h', '/allow', autoscalerRule('v2'))),
    ],
    steps: [
      post(autoscalersAt('v1'), autoscaler('v1', { targetCPUUtilizationPercentage: 50 })),
      get(`${autoscalersAt('v1')}/h`),
      get(`${autoscalersAt('v2')}/h`),
      merge(`${autoscalersAt('v1')}/h`, { spec: { maxReplicas: 6 } }),
      merge(`${autoscalersAt('v1')}/h/status`, {
        status: { currentReplicas: 1, desiredReplicas: 1 },
      }),
      remove(`${autoscalersAt('v1')}/h`),
    ],
  },
  {
    name: 'autoscalers in version 2, hooks in version 1',
    configurations: [
      mutating(
        'h',
        hook('v1', '/patch-min-v1', autoscalerRule('v1')),
        hook('exact', '/deny', autoscalerRule('v1', { matchPolicy: 'Exact' })),
        hook('v2', '/allow', autoscalerRule('v2')),
        hook('any', '/allow', autoscalerRule('*')),
      ),
    ],
    steps: [post(`${autoscalersAt('v2')}?dryRun=All`, autoscaler('v2', { minReplicas: 2 }))],
  },
  {
    name: 'events of either group',
    configurations: [
      mutating('e', hook('e', '/patch-note', eventRule('events.k8s.io'))),
      validating('e', hook('e', '/allow', eventRule(''))),
    ],
    steps: [post(`${core}/events?dryRun=All`, event)],
  },
  {
    name: 'custom resources of three versions',
    configurations: [
      mutating(
        'w',
        hook('w2', '/patch-spare', widgetRule('v2')),
        hook('w3', '/patch-host', widgetRule('v3')),
        hook('exact', '/deny', { ...widgetRule('v3'), matchPolicy: 'Exact' }),
      ),
      validating(
        'w',
        hook('all', '/allow', widgetRule('v1')),
        hook('sub', '/allow', widgetRule('v2', ['widgets/*'])),
      ),
    ],
    steps: defined({ strategy: 'None' }, [
      post(widgetsAt('v1'), widget('v1', { host: 'a' })),
      get(`${widgetsAt('v1')}/w`),
      merge(`${widgetsAt('v2')}/w`, { address: 'b' }),
      merge(`${widgetsAt('v1')}/w/status`, { status: { replicas: 1 } }),
      merge(`${widgetsAt('v1')}/w/scale`, { spec: { replicas: 2 } }),
      remove(`${widgetsAt('v1')}/w`),
    ]),
  },
  {
    name: 'custom resources that a webhook converts',
    configurations: [
      mutating(
        'w',
        hook('w2', '/patch-address', widgetRule('v2')),
        hook('w1', '/count-label', widgetRule('v1')),
      ),
      validating(
        'w',
        hook('all', '/allow', widgetRule('v2')),
        hook('own', '/allow', widgetRule('v3')),
      ),
    ],
    steps: defined(byWebhook('/convert'), [
      post(widgetsAt('v1'), widget('v1', { host: 'a' })),
      merge(`${widgetsAt('v1')}/w`, { host: 'b' }),
      remove(`${widgetsAt('v1')}/w`),
    ]),
  },
  {
    name: 'custom resources that a webhook cannot convert',
    configurations: [
      validating('w', hook('w2', '/allow', { ...widgetRule('v2'), failurePolicy: 'Ignore' })),
    ],
    steps: defined(byWebhook('/convert-fail'), [
      post(`${widgetsAt('v1')}?dryRun=All`, widget('v1', { host: 'a' })),
    ]),
  },
  {
    name: 'custom resources that a hook cannot be asked about',
    configurations: [
      mutating('w', hook('w2', '/allow', { ...widgetRule('v2'), failurePolicy: 'Ignore' })),
    ],
    steps: defined(byWebhook('/convert-fail'), [
      post(`${widgetsAt('v1')}?dryRun=All`, widget('v1', { host: 'a' })),
    ]),
  },
  {
    name: 'custom resources that a hook breaks',
    configurations: [mutating('w', hook('w', '/patch-count', widgetRule('v1')))],
    steps: defined({ strategy: 'None' }, [
      post(`${widgetsAt('v1')}?dryRun=All`, widget('v1', { host: 'a' })),
      post(`${widgetsAt('v2')}?dryRun=All`, widget('v2', { address: 'a' })),
    ]),
  },
  ...[
    '/deny',
    '/deny-silently',
    '/deny-reason',
    '/deny-code',
    '/deny-low-code',
    '/deny-forbidden',
    '/deny-details',
    '/allow-status',
    '/warn',
    '/warn-long',
    '/warn-deny',
  ].flatMap((at) => [answered('Validating', at), answered('Mutating', at)]),
  ...failures.flatMap((at) => [
    answered('Validating', at),
    answered('Validating', at, { failurePolicy: 'Ignore' }),
  ]),
  ...patches.map((at) => answered('Mutating', at)),
  ...[
    '/patch-missing',
    '/patch-type',
    '/patch-op',
    '/patch-text',
    '/patch-other-type',
    '/patch-not-base64',
  ].map((at) => answered('Mutating', at, { failurePolicy: 'Ignore' })),
  answered('Validating', '/patch-a'),
  answered('Validating', '/patch-only-type'),
  answered(
    'Mutating',
    '/patch-a',
    { rules: [{ ...configMaps, operations: ['*'] }] },
    createAndDelete,
  ),
  answered('Validating', '/allow', {
    admissionReviewVersions: ['v1'],
    clientConfig: { url: `https://127.0.0.1:${nobodyPort}/x` },
  }),
  answered('Validating', '/allow', {
    clientConfig: { url: `https://127.0.0.1:${nobodyPort}/x` },
    failurePolicy: 'Ignore',
  }),
  answered('Validating', '/allow', {
    clientConfig: { service: { namespace, name: 'none', path: '/p' } },
  }),
  answered('Validating', '/slow', { timeoutSeconds: 1 }),
  answered('Mutating', '/slow', { timeoutSeconds: 1 }),
  answered('Validating', '/slow', { timeoutSeconds: 1, failurePolicy: 'Ignore' }),
  answered('Mutating', '/slow', { timeoutSeconds: 1, failurePolicy: 'Ignore' }),
  answered('Validating', '/slow-once', { timeoutSeconds: 30 }, [create('?dryRun=All&timeout=1s')]),
  answered('Mutating', '/slow-once', { timeoutSeconds: 30 }, [create('?dryRun=All&timeout=1s')]),
  answered('Mutating', '/slow-once', { timeoutSeconds: 30, failurePolicy: 'Ignore' }, [
    create('?dryRun=All&timeout=1s'),
  ]),
  answered('Validating', '/slow-once', { timeoutSeconds: 30, failurePolicy: 'Ignore' }, [
    create('?dryRun=All&timeout=1s'),
  ]),
  answered('Validating', '/allow', { timeoutSeconds: 30 }, [create('?dryRun=All&timeout=7s')]),
  {
    name: 'several that refuse',
    configurations: [
      validating('b', hook('b1', '/deny-first'), hook('b2', '/deny-second')),
      mutating('b', hook('b1', '/deny-second')),
    ],
    steps: [dryRun],
  },
  {
    name: 'side effects and dry runs',
    configurations: [
      validating(
        's',
        hook('none', '/allow', { sideEffects: 'None' }),
        hook('dry', '/allow', { sideEffects: 'NoneOnDryRun' }),
      ),
      mutating('s', hook('some', '/patch-a', { sideEffects: 'NoneOnDryRun' })),
    ],
    steps: [dryRun],
  },
  {
    name: 'order of configurations and hooks',
    configurations: [
      mutating('z', hook('z1', '/patch-b')),
      mutating('a', hook('a1', '/patch-a'), hook('a2', '/allow')),
      validating('z', hook('z1', '/allow')),
    ],
    steps: [dryRun],
  },
  {
    name: 'hooks that are asked again',
    configurations: [
      mutating(
        'a',
        hook('again', '/allow', { reinvocationPolicy: 'IfNeeded' }),
        hook('never', '/allow'),
      ),
      mutating('b', hook('label', '/count-label', { reinvocationPolicy: 'IfNeeded' })),
      mutating('c', hook('data', '/patch-a')),
    ],
    steps: [dryRun],
  },
  {
    name: 'hooks that have nothing to be asked again for',
    configurations: [
      mutating(
        'a',
        hook('again', '/allow', { reinvocationPolicy: 'IfNeeded' }),
        hook('same', '/patch-same'),
      ),
    ],
    steps: [dryRun],
  },
  {
    name: 'hooks that fit only after a change',
    configurations: [
      mutating(
        'a',
        hook('late', '/allow', {
          objectSelector: { matchLabels: { patched: 'yes' } },
          reinvocationPolicy: 'IfNeeded',
        }),
        hook('label', '/patch-label', { reinvocationPolicy: 'IfNeeded' }),
        hook('then', '/allow', { objectSelector: { matchLabels: { patched: 'yes' } } }),
      ),
    ],
    steps: [dryRun],
  },
  ...(['Fail', 'Ignore'] as const).map((failurePolicy) => ({
    name: `conditions, ${failurePolicy}`,
    configurations: [
      validating(
        'm',
        hook('error', '/deny', {
          failurePolicy,
          matchConditions: [condition('object.data.none == "x"')],
        }),
        hook('false', '/deny', {
          failurePolicy,
          matchConditions: [condition('object.data.none == "x"', 'a'), condition('false', 'b')],
        }),
      ),
    ],
    steps: [dryRun],
  })),
  {
    name: 'conditions with several errors',
    configurations: [
      mutating(
        'm',
        hook('error', '/deny', {
          matchConditions: [
            condition('object.data.none == "x"', 'a'),
            condition('object.metadata.labels["b"] == "c"', 'b'),
            condition('true', 'c'),
          ],
        }),
      ),
    ],
    steps: [
      dryRun,
      post(`${core}/configmaps?dryRun=All`, {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { generateName: 'g-' },
      }),
    ],
  },
  {
    name: 'conditions on what a request is',
    configurations: [
      validating(
        'm',
        hook('fits', '/deny', {
          matchConditions: [
            condition(
              'request.resource.resource == "configmaps" && request.operation == "CREATE"',
              'a',
            ),
            condition('request.userInfo.username.startsWith("kubernetes")', 'b'),
            condition(
              'authorizer.group("").resource("pods").namespace("default").check("list").allowed()',
              'c',
            ),
            condition(
              'oldObject == null && !has(request.subResource) || request.subResource == ""',
              'd',
            ),
          ],
        }),
      ),
    ],
    steps: [dryRun],
  },
  {
    name: 'conditions see the version of the rule',
    configurations: [
      validating(
        'm',
        hook('fits', '/allow', {
          ...autoscalerRule('v2'),
          matchConditions: [
            condition('object.apiVersion == "autoscaling/v2"', 'a'),
            condition('has(object.spec.metrics)', 'b'),
            condition('request.kind.version == "v2" && request.requestKind.version == "v1"', 'c'),
          ],
        }),
      ),
    ],
    steps: [
      post(
        `${autoscalersAt('v1')}?dryRun=All`,
        autoscaler('v1', { targetCPUUtilizationPercentage: 50 }),
      ),
    ],
  },
];
