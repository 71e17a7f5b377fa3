import type { Step } from '../patches/side.ts';
import {
  answered,
  autoscaler,
  autoscalerRule,
  autoscalersAt,
  bodyOf,
  byWebhook,
  condition,
  configMap,
  configMaps,
  core,
  create,
  createAndDelete,
  defined,
  dryRun,
  event,
  eventRule,
  everything,
  failures,
  get,
  hook,
  merge,
  mutating,
  namespace,
  nobodyPort,
  patches,
  path,
  post,
  put,
  remove,
  validating,
  widget,
  widgetRule,
  widgetsAt,
  type Scenario,
} from './fixtures.ts';

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
