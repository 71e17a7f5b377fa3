import type { KindStrategy } from '../kind-strategy.ts';
import * as core from '../tables/core.ts';
import * as policies from '../tables/policies.ts';
import type { Table } from '../tables/table.ts';
import * as workloads from '../tables/workloads.ts';
import {
  controllerRevisionStrategy,
  daemonSetStrategy,
  deploymentStrategy,
  replicaSetStrategy,
  statefulSetStrategy,
} from './apps/strategies.ts';
import { horizontalPodAutoscalerStrategy } from './autoscaling/strategies.ts';
import { cronJobStrategy, jobStrategy } from './batch/strategies.ts';
import { apiServiceStrategy } from './cluster/api-service.ts';
import { clusterStrategies } from './cluster/strategies.ts';
import {
  endpointsStrategy,
  namespaceStrategy,
  nodeStrategy,
  replicationControllerStrategy,
} from './core/cluster.ts';
import { configMapStrategy, secretStrategy, serviceAccountStrategy } from './core/config.ts';
import { eventStrategies } from './core/event.ts';
import { limitRangeStrategy, resourceQuotaStrategy } from './core/limits.ts';
import { podStrategy, podTemplateStrategy } from './core/pod.ts';
import { serviceStrategy } from './core/service.ts';
import { persistentVolumeClaimStrategy, persistentVolumeStrategy } from './core/storage.ts';
import { endpointSliceStrategy } from './networking/endpoint-slice.ts';
import {
  ingressClassStrategy,
  ingressStrategy,
  networkPolicyStrategy,
} from './networking/strategies.ts';
import { ipAddressStrategy } from './networking/ip-address.ts';
import { serviceCidrStrategy } from './networking/service-cidr.ts';
import { podDisruptionBudgetStrategy } from './policy/strategies.ts';
import { rbacStrategies } from './rbac/strategies.ts';
import { deviceStrategies } from './resource/strategies.ts';

const strategies: readonly KindStrategy[] = [
  apiServiceStrategy,
  configMapStrategy,
  controllerRevisionStrategy,
  cronJobStrategy,
  daemonSetStrategy,
  deploymentStrategy,
  endpointSliceStrategy,
  endpointsStrategy,
  horizontalPodAutoscalerStrategy,
  ingressClassStrategy,
  ingressStrategy,
  jobStrategy,
  limitRangeStrategy,
  namespaceStrategy,
  networkPolicyStrategy,
  nodeStrategy,
  persistentVolumeClaimStrategy,
  persistentVolumeStrategy,
  podDisruptionBudgetStrategy,
  podStrategy,
  podTemplateStrategy,
  replicaSetStrategy,
  replicationControllerStrategy,
  resourceQuotaStrategy,
  secretStrategy,
  serviceAccountStrategy,
  serviceCidrStrategy,
  serviceStrategy,
  statefulSetStrategy,
  ...clusterStrategies,
  ...deviceStrategies,
  ...eventStrategies,
  ipAddressStrategy,
  ...rbacStrategies,
];

/** Kinds that print more than their name and when they were made. */
const tables: Readonly<Record<string, Table>> = {
  '/ComponentStatus': core.componentStatusTable,
  '/ConfigMap': core.configMapTable,
  '/Endpoints': core.endpointsTable,
  '/Event': core.eventTable,
  '/Namespace': core.namespaceTable,
  '/Node': core.nodeTable,
  '/PersistentVolume': core.persistentVolumeTable,
  '/PersistentVolumeClaim': core.persistentVolumeClaimTable,
  '/Pod': workloads.podTable,
  '/PodTemplate': workloads.podTemplateTable,
  '/ReplicationController': workloads.replicationControllerTable,
  '/ResourceQuota': core.resourceQuotaTable,
  '/Secret': core.secretTable,
  '/Service': core.serviceTable,
  '/ServiceAccount': core.nameAndAgeTable,
  'admissionregistration.k8s.io/MutatingAdmissionPolicy': policies.mutatingAdmissionPolicyTable,
  'admissionregistration.k8s.io/MutatingAdmissionPolicyBinding':
    policies.admissionPolicyBindingTable,
  'admissionregistration.k8s.io/MutatingWebhookConfiguration': policies.webhooksTable,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicy': policies.validatingAdmissionPolicyTable,
  'admissionregistration.k8s.io/ValidatingAdmissionPolicyBinding':
    policies.admissionPolicyBindingTable,
  'admissionregistration.k8s.io/ValidatingWebhookConfiguration': policies.webhooksTable,
  'apps/ControllerRevision': workloads.controllerRevisionTable,
  'apps/DaemonSet': workloads.daemonSetTable,
  'apps/Deployment': workloads.deploymentTable,
  'apps/ReplicaSet': workloads.replicaSetTable,
  'apps/StatefulSet': workloads.statefulSetTable,
  'autoscaling/HorizontalPodAutoscaler': policies.horizontalPodAutoscalerTable,
  'autoscaling/Scale': core.scaleTable,
  'batch/CronJob': workloads.cronJobTable,
  'batch/Job': workloads.jobTable,
  'certificates.k8s.io/CertificateSigningRequest': policies.certificateSigningRequestTable,
  'coordination.k8s.io/Lease': policies.leaseTable,
  'discovery.k8s.io/EndpointSlice': policies.endpointSliceTable,
  'events.k8s.io/Event': core.eventTable,
  'flowcontrol.apiserver.k8s.io/FlowSchema': policies.flowSchemaTable,
  'flowcontrol.apiserver.k8s.io/PriorityLevelConfiguration': policies.priorityLevelTable,
  'networking.k8s.io/IPAddress': policies.ipAddressTable,
  'networking.k8s.io/Ingress': policies.ingressTable,
  'networking.k8s.io/IngressClass': policies.ingressClassTable,
  'networking.k8s.io/NetworkPolicy': policies.networkPolicyTable,
  'networking.k8s.io/ServiceCIDR': policies.serviceCidrTable,
  'node.k8s.io/RuntimeClass': policies.runtimeClassTable,
  'policy/PodDisruptionBudget': policies.podDisruptionBudgetTable,
  'rbac.authorization.k8s.io/ClusterRoleBinding': policies.roleBindingTable,
  'rbac.authorization.k8s.io/RoleBinding': policies.roleBindingTable,
  'resource.k8s.io/DeviceClass': core.nameAndAgeTable,
  'resource.k8s.io/ResourceClaim': policies.resourceClaimTable,
  'resource.k8s.io/ResourceClaimTemplate': core.nameAndAgeTable,
  'resource.k8s.io/ResourceSlice': policies.resourceSliceTable,
  'scheduling.k8s.io/PriorityClass': policies.priorityClassTable,
  'storage.k8s.io/CSIDriver': policies.csiDriverTable,
  'storage.k8s.io/CSINode': policies.csiNodeTable,
  'storage.k8s.io/StorageClass': policies.storageClassTable,
  'storage.k8s.io/VolumeAttachment': policies.volumeAttachmentTable,
  'storage.k8s.io/VolumeAttributesClass': policies.volumeAttributesClassTable,
};

const byKind = new Map<string, KindStrategy>();
for (const key of Object.keys(tables)) {
  const slash = key.indexOf('/');
  byKind.set(key, { group: key.slice(0, slash), kind: key.slice(slash + 1) });
}
for (const strategy of strategies) byKind.set(`${strategy.group}/${strategy.kind}`, strategy);
for (const [key, strategy] of byKind) {
  const table = tables[key];
  if (table) byKind.set(key, { ...strategy, table });
}

/** What is particular to a built-in kind, all its versions; nothing for kinds treated generically. */
export function strategyFor(group: string, kind: string): KindStrategy | undefined {
  return byKind.get(`${group}/${kind}`);
}
