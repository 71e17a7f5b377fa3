import type { FieldSpec } from './field-path.ts';

const podTemplates: readonly FieldSpec[] = [
  { path: 'spec/template', version: 'v1', kind: 'ReplicationController' },
  { path: 'spec/template', kind: 'Deployment' },
  { path: 'spec/template', kind: 'ReplicaSet' },
  { path: 'spec/template', kind: 'DaemonSet' },
  { path: 'spec/template', group: 'apps', kind: 'StatefulSet' },
  { path: 'spec/template', group: 'batch', kind: 'Job' },
  { path: 'spec/jobTemplate', group: 'batch', kind: 'CronJob' },
  { path: 'spec/jobTemplate/spec/template', group: 'batch', kind: 'CronJob' },
];
const inTemplates = (field: string): FieldSpec[] =>
  podTemplates.map((spec) => ({ ...spec, path: `${spec.path}/metadata/${field}`, create: true }));

export const metadataLabels: FieldSpec = { path: 'metadata/labels', create: true };

/** @see sigs.k8s.io/kustomize/api/internal/konfig/builtinpluginconsts/metadatalabels.go */
export const templateLabels: readonly FieldSpec[] = [
  metadataLabels,
  ...inTemplates('labels'),
  {
    path: 'spec/volumeClaimTemplates[]/metadata/labels',
    group: 'apps',
    kind: 'StatefulSet',
    create: true,
  },
];

export const commonAnnotations: readonly FieldSpec[] = [
  { path: 'metadata/annotations', create: true },
  ...inTemplates('annotations').map((spec) =>
    spec.kind === 'StatefulSet' ? { path: spec.path, kind: 'StatefulSet', create: true } : spec,
  ),
];

const spread = (kind: string): FieldSpec[] =>
  [
    'affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm',
    'affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution',
    'affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm',
    'affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution',
    'topologySpreadConstraints',
  ].map((path) => ({
    path: `spec/template/spec/${path}/labelSelector/matchLabels`,
    group: 'apps',
    kind,
  }));

/** @see sigs.k8s.io/kustomize/api/internal/konfig/builtinpluginconsts/commonlabels.go */
export const commonLabels: readonly FieldSpec[] = [
  { path: 'spec/selector', create: true, version: 'v1', kind: 'Service' },
  { path: 'spec/selector', create: true, version: 'v1', kind: 'ReplicationController' },
  { path: 'spec/selector/matchLabels', create: true, kind: 'Deployment' },
  ...spread('Deployment'),
  { path: 'spec/selector/matchLabels', create: true, kind: 'ReplicaSet' },
  { path: 'spec/selector/matchLabels', create: true, kind: 'DaemonSet' },
  { path: 'spec/selector/matchLabels', create: true, group: 'apps', kind: 'StatefulSet' },
  ...spread('StatefulSet'),
  { path: 'spec/selector/matchLabels', group: 'batch', kind: 'Job' },
  { path: 'spec/jobTemplate/spec/selector/matchLabels', group: 'batch', kind: 'CronJob' },
  { path: 'spec/selector/matchLabels', group: 'policy', kind: 'PodDisruptionBudget' },
  ...['podSelector', 'ingress/from/podSelector', 'egress/to/podSelector'].map((path) => ({
    path: `spec/${path}/matchLabels`,
    group: 'networking.k8s.io',
    kind: 'NetworkPolicy',
  })),
  ...templateLabels,
];

export const namespaceFields: readonly FieldSpec[] = [
  {
    path: 'spec/service/namespace',
    group: 'apiregistration.k8s.io',
    kind: 'APIService',
    create: true,
  },
  {
    path: 'spec/conversion/webhook/clientConfig/service/namespace',
    group: 'apiextensions.k8s.io',
    kind: 'CustomResourceDefinition',
  },
];

/** Beside the containers that are found wherever they stand. */
export const imageFields: readonly FieldSpec[] = ['spec', 'spec/template/spec'].flatMap((prefix) =>
  ['containers[]/image', 'initContainers[]/image', 'volumes[]/image/reference'].map((path) => ({
    path: `${prefix}/${path}`,
  })),
);

/** In the order in which messages list them. */
export const replicaKinds = ['Deployment', 'StatefulSet', 'ReplicaSet', 'ReplicationController'];

/** Fields that hold the name of another object. */
export interface NameReference {
  readonly target: Pick<FieldSpec, 'group' | 'version' | 'kind'>;
  readonly fields: readonly FieldSpec[];
}

const podSpecs: Readonly<Record<string, string>> = {
  Pod: 'spec',
  PodTemplate: 'template/spec',
  Deployment: 'spec/template/spec',
  ReplicaSet: 'spec/template/spec',
  DaemonSet: 'spec/template/spec',
  StatefulSet: 'spec/template/spec',
  Job: 'spec/template/spec',
  CronJob: 'spec/jobTemplate/spec/template/spec',
};
const inPods = (paths: readonly string[]): FieldSpec[] =>
  Object.entries(podSpecs).flatMap(([kind, prefix]) =>
    paths.map((path) => ({
      path: `${prefix}/${path}`,
      kind,
      ...(kind === 'Pod' ? { version: 'v1' } : {}),
    })),
  );
/** The kinds for which upstream's other tables know the pod's fields. */
const inWorkloads = (path: string): FieldSpec[] =>
  ['Pod', 'StatefulSet', 'Deployment', 'ReplicationController', 'CronJob', 'Job', 'DaemonSet'].map(
    (kind) => ({ path: `${podSpecs[kind] ?? 'spec/template/spec'}/${path}`, kind }),
  );
const ofKinds = (path: string, ...kinds: readonly string[]): FieldSpec[] =>
  kinds.map((kind) => ({ path, kind }));
const rbac = 'rbac.authorization.k8s.io';
const admission = 'admissionregistration.k8s.io';

/** @see sigs.k8s.io/kustomize/api/internal/konfig/builtinpluginconsts/namereference.go */
export const nameReferences: readonly NameReference[] = [
  ...['Deployment', 'ReplicationController', 'ReplicaSet', 'StatefulSet'].map((kind) => ({
    target: { kind },
    fields: ofKinds('spec/scaleTargetRef/name', 'HorizontalPodAutoscaler'),
  })),
  {
    target: { kind: 'ConfigMap', version: 'v1' },
    fields: [
      ...inPods([
        'volumes/configMap/name',
        'containers/env/valueFrom/configMapKeyRef/name',
        'initContainers/env/valueFrom/configMapKeyRef/name',
        'containers/envFrom/configMapRef/name',
        'initContainers/envFrom/configMapRef/name',
        'volumes/projected/sources/configMap/name',
      ]),
      ...ofKinds('spec/configSource/configMap', 'Node'),
      ...ofKinds('rules/resourceNames', 'Role', 'ClusterRole'),
      ...ofKinds(
        'metadata/annotations/nginx.ingress.kubernetes.io\\/fastcgi-params-configmap',
        'Ingress',
      ),
    ],
  },
  {
    target: { kind: 'Secret', version: 'v1' },
    fields: [
      ...inPods([
        'volumes/secret/secretName',
        'containers/env/valueFrom/secretKeyRef/name',
        'initContainers/env/valueFrom/secretKeyRef/name',
        'containers/envFrom/secretRef/name',
        'initContainers/envFrom/secretRef/name',
        'imagePullSecrets/name',
        'volumes/projected/sources/secret/name',
      ]),
      ...ofKinds('spec/tls/secretName', 'Ingress'),
      ...['ingress', 'nginx.ingress'].flatMap((prefix) =>
        ofKinds(`metadata/annotations/${prefix}.kubernetes.io\\/auth-secret`, 'Ingress'),
      ),
      ...ofKinds('metadata/annotations/nginx.ingress.kubernetes.io\\/auth-tls-secret', 'Ingress'),
      ...ofKinds('imagePullSecrets/name', 'ServiceAccount'),
      ...['secretName', 'adminSecretName', 'userSecretName', 'secretRef'].flatMap((parameter) =>
        ofKinds(`parameters/${parameter}`, 'StorageClass'),
      ),
      ...ofKinds('rules/resourceNames', 'Role', 'ClusterRole'),
      ...ofKinds('spec/azureFile/secretName', 'PersistentVolume'),
    ],
  },
  {
    target: { kind: 'Service', version: 'v1' },
    fields: [
      { path: 'spec/serviceName', kind: 'StatefulSet', group: 'apps' },
      ...[
        'spec/rules/http/paths/backend/serviceName',
        'spec/backend/serviceName',
        'spec/rules/http/paths/backend/service/name',
        'spec/defaultBackend/service/name',
      ].flatMap((path) => ofKinds(path, 'Ingress')),
      { path: 'spec/service/name', kind: 'APIService', group: 'apiregistration.k8s.io' },
      ...['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].map((kind) => ({
        path: 'webhooks/clientConfig/service',
        kind,
        group: admission,
      })),
    ],
  },
  {
    target: { kind: 'Role', group: rbac },
    fields: [{ path: 'roleRef/name', kind: 'RoleBinding', group: rbac }],
  },
  {
    target: { kind: 'ClusterRole', group: rbac },
    fields: ['RoleBinding', 'ClusterRoleBinding'].map((kind) => ({
      path: 'roleRef/name',
      kind,
      group: rbac,
    })),
  },
  {
    target: { kind: 'ServiceAccount', version: 'v1' },
    fields: [
      ...['RoleBinding', 'ClusterRoleBinding'].map((kind) => ({
        path: 'subjects',
        kind,
        group: rbac,
      })),
      ...inWorkloads('serviceAccountName'),
    ],
  },
  {
    target: { kind: 'PersistentVolumeClaim', version: 'v1' },
    fields: inWorkloads('volumes/persistentVolumeClaim/claimName'),
  },
  {
    target: { kind: 'PersistentVolume', version: 'v1' },
    fields: [
      ...ofKinds('spec/volumeName', 'PersistentVolumeClaim'),
      ...ofKinds('rules/resourceNames', 'ClusterRole'),
    ],
  },
  {
    target: { kind: 'StorageClass', version: 'v1', group: 'storage.k8s.io' },
    fields: [
      ...ofKinds('spec/storageClassName', 'PersistentVolume', 'PersistentVolumeClaim'),
      ...ofKinds('spec/volumeClaimTemplates/spec/storageClassName', 'StatefulSet'),
    ],
  },
  {
    target: { kind: 'PriorityClass', version: 'v1', group: 'scheduling.k8s.io' },
    fields: inWorkloads('priorityClassName'),
  },
  {
    target: { kind: 'ValidatingAdmissionPolicy', group: admission },
    fields: [
      { path: 'spec/policyName', kind: 'ValidatingAdmissionPolicyBinding', group: admission },
    ],
  },
];
