import type { Clock, Random } from '#core/base';
import { createEscalationCheck, type RbacAuthorizer } from '../authorization/index.ts';
import type { AdmissionPlugin, Authorizer, Pki, ServerState } from '../types.ts';
import { forbid } from './attributes.ts';
import {
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
} from './certificates.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceExists, namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import {
  defaultIngressClass,
  defaultStorageClass,
  denyServiceExternalIps,
  persistentVolumeClaimResize,
  storageObjectInUseProtection,
} from './object-defaults.ts';
import {
  alwaysPullImages,
  defaultTolerationSeconds,
  priority,
  runtimeClass,
  taintNodesByCondition,
} from './pod-defaults.ts';
import { podSecurity } from './pod-security/plugin.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { mutatingAdmissionPolicy } from './policies/mutating.ts';
import type { ResourceOfKind } from './policies/params.ts';
import { validatingAdmissionPolicy } from './policies/validating.ts';
import { resourceQuota, type UpdateStatus } from './quota/plugin.ts';
import type { CallWebhook } from '../outbound/index.ts';
import { serviceAccount } from './service-account.ts';
import { mutatingAdmissionWebhook, validatingAdmissionWebhook } from './webhooks/plugin.ts';

/** What admission stands on, and kube-apiserver's flags. */
export interface AdmissionOptions {
  readonly state: ServerState;
  readonly clock: Clock;
  readonly random: Random;
  readonly pki: Pki;
  readonly authorizer: Authorizer;
  /** Given when RBAC is on: writes of roles and bindings are checked for escalation. */
  readonly rbac?: RbacAuthorizer;
  readonly updateStatus: UpdateStatus;
  readonly callWebhook: CallWebhook;
  readonly resourceOfKind: ResourceOfKind;
  /** `--enable-admission-plugins`. */
  readonly enabled?: readonly string[];
  /** `--disable-admission-plugins`. */
  readonly disabled?: readonly string[];
  /** `--default-not-ready-toleration-seconds`; default 300. */
  readonly notReadyTolerationSeconds?: number;
  /** `--default-unreachable-toleration-seconds`; default 300. */
  readonly unreachableTolerationSeconds?: number;
}

/** Every name the flags know, in the order of execution. @see pkg/kubeapiserver/options/plugins.go */
const allPlugins = [
  'AlwaysAdmit',
  'NamespaceAutoProvision',
  'NamespaceLifecycle',
  'NamespaceExists',
  'LimitPodHardAntiAffinityTopology',
  'LimitRanger',
  'ServiceAccount',
  'NodeRestriction',
  'TaintNodesByCondition',
  'AlwaysPullImages',
  'ImagePolicyWebhook',
  'PodSecurity',
  'PodNodeSelector',
  'Priority',
  'DefaultTolerationSeconds',
  'PodTolerationRestriction',
  'EventRateLimit',
  'ExtendedResourceToleration',
  'DefaultStorageClass',
  'StorageObjectInUseProtection',
  'PodGroupProtection',
  'OwnerReferencesPermissionEnforcement',
  'PersistentVolumeClaimResize',
  'RuntimeClass',
  'CertificateApproval',
  'CertificateSigning',
  'ClusterTrustBundleAttest',
  'CertificateSubjectRestriction',
  'DefaultIngressClass',
  'DenyServiceExternalIPs',
  'PodTopologyLabels',
  'PodGroupWorkloadExists',
  'NodeDeclaredFeatureValidator',
  'JobValidation',
  'PodResizeValidator',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionWebhook',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionWebhook',
  'ResourceQuota',
  'AlwaysDeny',
] as const;

/** Every name that `--enable-admission-plugins` takes. */
export const knownAdmissionPlugins: readonly string[] = allPlugins;

type PluginName = (typeof allPlugins)[number];

const enabledByDefault: ReadonlySet<string> = new Set<PluginName>([
  'NamespaceLifecycle',
  'LimitRanger',
  'ServiceAccount',
  'TaintNodesByCondition',
  'PodSecurity',
  'Priority',
  'DefaultTolerationSeconds',
  'DefaultStorageClass',
  'StorageObjectInUseProtection',
  'PersistentVolumeClaimResize',
  'RuntimeClass',
  'CertificateApproval',
  'CertificateSigning',
  'CertificateSubjectRestriction',
  'DefaultIngressClass',
  'PodTopologyLabels',
  'MutatingAdmissionPolicy',
  'MutatingAdmissionWebhook',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionWebhook',
  'ResourceQuota',
]);

/**
 * The plugins of a server in the order of execution: all `admit`s run before all `validate`s. Names the flags
 * know but that are not modelled (ImagePolicyWebhook, EventRateLimit …) do nothing.
 * @throws Error with kube-apiserver's text for a name it does not know.
 */
export function createAdmissionChain(options: AdmissionOptions): AdmissionPlugin[] {
  const { state, clock, random, authorizer, pki } = options;
  for (const [flag, names] of [
    ['enable-admission-plugins', options.enabled],
    ['disable-admission-plugins', options.disabled],
  ] as const)
    for (const name of names ?? [])
      if (!(allPlugins as readonly string[]).includes(name))
        throw new Error(`${flag} plugin ${JSON.stringify(name)} is unknown`);
  const both = (options.enabled ?? []).filter((name) => options.disabled?.includes(name));
  if (both.length > 0)
    throw new Error(
      `[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`,
    );

  const webhooks = { state, clock, random, authorizer, callWebhook: options.callWebhook };
  const policies = { state, random, authorizer, resourceOf: options.resourceOfKind };
  const makers: Partial<Record<PluginName, () => AdmissionPlugin>> = {
    NamespaceLifecycle: () => namespaceLifecycle(state),
    NamespaceExists: () => namespaceExists(state),
    LimitRanger: () => limitRanger(state),
    ServiceAccount: () => serviceAccount(state, clock, random),
    NodeRestriction: () => nodeRestriction(state),
    TaintNodesByCondition: () => taintNodesByCondition(),
    AlwaysPullImages: () => alwaysPullImages(),
    PodSecurity: () => podSecurity(state),
    Priority: () => priority(state),
    DefaultTolerationSeconds: () =>
      defaultTolerationSeconds(
        options.notReadyTolerationSeconds ?? 300,
        options.unreachableTolerationSeconds ?? 300,
      ),
    DefaultStorageClass: () => defaultStorageClass(state),
    StorageObjectInUseProtection: () => storageObjectInUseProtection(),
    PersistentVolumeClaimResize: () => persistentVolumeClaimResize(state),
    RuntimeClass: () => runtimeClass(state),
    CertificateApproval: () => certificateApproval(authorizer),
    CertificateSigning: () => certificateSigning(authorizer),
    CertificateSubjectRestriction: () => certificateSubjectRestriction(pki),
    DefaultIngressClass: () => defaultIngressClass(state),
    DenyServiceExternalIPs: () => denyServiceExternalIps(),
    PodTopologyLabels: () => podTopologyLabels(state),
    MutatingAdmissionWebhook: () => mutatingAdmissionWebhook(webhooks),
    MutatingAdmissionPolicy: () => mutatingAdmissionPolicy(policies),
    ValidatingAdmissionPolicy: () => validatingAdmissionPolicy(policies),
    ValidatingAdmissionWebhook: () => validatingAdmissionWebhook(webhooks),
    ResourceQuota: () => resourceQuota(state, clock, options.updateStatus),
    AlwaysDeny: () => alwaysDeny,
  };
  const chosen = allPlugins.filter(
    (name) =>
      (enabledByDefault.has(name) && !options.disabled?.includes(name)) ||
      options.enabled?.includes(name),
  );
  const plugins = chosen.flatMap((name) => makers[name]?.() ?? []);
  return options.rbac ? [...plugins, createEscalationCheck(options.rbac, authorizer)] : plugins;
}

const alwaysDeny: AdmissionPlugin = {
  name: 'AlwaysDeny',
  validate(request) {
    throw forbid(request, 'admission control is denying all modifications');
  },
};
