import type { Step } from '../patches/side.ts';

/** Webhooks are registered, requests are sent; what is answered and what the webhooks were sent is compared. */
export interface Scenario {
  readonly name: string;
  readonly configurations: readonly object[];
  readonly steps: readonly Step[];
}

/** Objects, registrations and requests that the scenarios are made of. */
type Fields = Readonly<Record<string, unknown>>;

export const namespace = 'kijabi-hooks';
const registration = 'admissionregistration.k8s.io';
const widgets = 'widgets.hooks.example.com';

/** Where webhooks listen, and where nobody does. */
export const webhookPort = 29443;
export const nobodyPort = 29444;

export const everything = {
  apiGroups: ['*'],
  apiVersions: ['*'],
  operations: ['*'],
  resources: ['*/*'],
};
export const configMaps = {
  apiGroups: [''],
  apiVersions: ['v1'],
  operations: ['CREATE', 'UPDATE'],
  resources: ['configmaps'],
};

/** A webhook at a path; `own` makes it see this test's namespace alone, and its widgets. */
export function hook(name: string, path: string, more: Fields = {}): Fields {
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
export const validating = configuration('Validating');
export const mutating = configuration('Mutating');

export const core = `/api/v1/namespaces/${namespace}`;
export const path = (group: string, version: string, resource: string): string =>
  `/apis/${group}/${version}/namespaces/${namespace}/${resource}`;

export const post = (url: string, body: unknown): Step => ({ method: 'POST', url, body });
export const put = (url: string, body: unknown): Step => ({ method: 'PUT', url, body });
export const get = (url: string): Step => ({ method: 'GET', url });
export const remove = (url: string): Step => ({ method: 'DELETE', url });
export const merge = (url: string, body: unknown): Step => ({
  method: 'PATCH',
  url,
  body,
  type: 'application/merge-patch+json',
});

export const configMap = (name: string, more: Fields = {}): Fields => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...more,
});
export const create = (query = ''): Step => post(`${core}/configmaps${query}`, configMap('x'));
export const createAndDelete: readonly Step[] = [create(), remove(`${core}/configmaps/x`)];
export const dryRun = create('?dryRun=All');

/** One webhook that is asked for a new ConfigMap. */
export const answered = (
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
export const widget = (version: string, fields: Fields): Fields => ({
  apiVersion: `hooks.example.com/${version}`,
  kind: 'Widget',
  metadata: { name: 'w' },
  ...fields,
});
export const widgetsAt = (version: string): string => path('hooks.example.com', version, 'widgets');
export const widgetRule = (
  version: string,
  resources: readonly string[] = ['widgets'],
): Fields => ({
  rules: [
    { apiGroups: ['hooks.example.com'], apiVersions: [version], operations: ['*'], resources },
  ],
});
export const byWebhook = (at: string): Fields => ({
  strategy: 'Webhook',
  webhook: {
    conversionReviewVersions: ['v1'],
    clientConfig: { url: `https://127.0.0.1:${webhookPort}${at}` },
  },
});
/** The definition is there while `steps` are sent. */
export const defined = (conversion: Fields, steps: readonly Step[]): readonly Step[] => [
  post(definitions, definition(conversion)),
  { ...get(`${definitions}/${widgets}`), until: '"type":"Established"' },
  { ...get('/apis/hooks.example.com/v2'), until: 'widgets/scale' },
  { ...get(widgetsAt('v2')), until: 'WidgetList' },
  ...steps,
  remove(`${definitions}/${widgets}`),
  { ...get(`${definitions}/${widgets}`), until: 'not found' },
];

export const autoscaler = (version: string, spec: Fields): Fields => ({
  apiVersion: `autoscaling/${version}`,
  kind: 'HorizontalPodAutoscaler',
  metadata: { name: 'h' },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
    maxReplicas: 5,
    ...spec,
  },
});
export const autoscalersAt = (version: string): string =>
  path('autoscaling', version, 'horizontalpodautoscalers');
export const autoscalerRule = (version: string, more: Fields = {}): Fields => ({
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
export const eventRule = (group: string): Fields => ({
  rules: [{ apiGroups: [group], apiVersions: ['v1'], operations: ['*'], resources: ['events'] }],
});
export const event: Fields = {
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
export const bodyOf = (kind: string, more: Fields): Fields => ({ kind, ...more });

export const failures = [
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
export const patches = [
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
export const condition = (expression: string, name = 'c'): Fields => ({ name, expression });
