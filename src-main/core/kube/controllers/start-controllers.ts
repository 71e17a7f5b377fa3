import type { Clock, Disposable, Logger, Random } from '#core/base';
import { DisposableStore } from '#core/base';
import {
  createEventRecorder,
  createStepGate,
  type Informers,
  type KubeClient,
  scopedInformers,
  slicedClient,
} from '../client/index.ts';
import { createAdmissionPolicyStatusController } from './admissionpolicy/policy-status-controller.ts';
import {
  createCsrApprovingController,
  createCsrCleanerController,
  createCsrSigningController,
  type SignerPki,
} from './certificates/certificate-controllers.ts';
import { createClusterRoleAggregationController } from './clusterroleaggregation/clusterrole-aggregation-controller.ts';
import { createCronJobController } from './cronjob/cronjob-controller.ts';
import { createDaemonSetController } from './daemonset/daemonset-controller.ts';
import { createDeploymentController } from './deployment/deployment-controller.ts';
import { createDeviceTaintEvictionController } from './devicetainteviction/device-taint-eviction-controller.ts';
import { createDisruptionController } from './disruption/disruption-controller.ts';
import { createEndpointsController } from './endpointslice/endpoints-controller.ts';
import { createEndpointSliceController } from './endpointslice/endpointslice-controller.ts';
import { createGarbageCollector } from './garbagecollector/garbage-collector.ts';
import { createJobController } from './job/job-controller.ts';
import { createNamespaceController } from './namespace/namespace-controller.ts';
import {
  createNodeLifecycleController,
  type NodeLifecycleOptions,
} from './nodelifecycle/node-lifecycle-controller.ts';
import { createTaintEvictionController } from './nodelifecycle/taint-eviction-controller.ts';
import { createPodGarbageCollector } from './podgc/pod-garbage-collector.ts';
import {
  createReplicaSetController,
  createReplicationController,
} from './replicaset/replicaset-controller.ts';
import {
  createRootCaCertPublisher,
  createServiceAccountController,
} from './serviceaccount/serviceaccounts-controller.ts';
import { createStatefulSetController } from './statefulset/statefulset-controller.ts';
import { createTtlAfterFinishedController } from './ttlafterfinished/ttl-after-finished-controller.ts';
import { createPersistentVolumeBinder } from './volume/binder-controller.ts';
import {
  createClaimProtectionController,
  createVolumeAttributesClassProtectionController,
  createVolumeProtectionController,
} from './volume/protection-controllers.ts';
import { createHorizontalPodAutoscalerController } from './podautoscaler/hpa-controller.ts';
import { createResourceQuotaController } from './resourcequota/resourcequota-controller.ts';
import { createNodeIpamController } from './nodeipam/node-ipam-controller.ts';
import { createResourceClaimController } from './resourceclaim/resource-claim-controller.ts';
import { createServiceCidrController } from './servicecidr/service-cidr-controller.ts';
import { createTtlController } from './ttl/ttl-controller.ts';
import { createEphemeralVolumeController } from './volume/ephemeral-volume-controller.ts';
import { createExpandController } from './volume/expand-controller.ts';
import {
  type AttachDetachOptions,
  createAttachDetachController,
} from './attachdetach/attach-detach-controller.ts';
import { createBootstrapSigner } from './bootstrap/bootstrap-signer.ts';
import { createTokenCleaner } from './bootstrap/token-cleaner.ts';
import { createEndpointSliceMirroringController } from './endpointslice/mirroring-controller.ts';
import { createLegacyTokenCleaner } from './serviceaccount/legacy-token-cleaner.ts';
import {
  createServiceAccountTokenController,
  type TokensOptions,
} from './serviceaccount/tokens-controller.ts';
import type { Controller, ControllerContext } from './shared/context.ts';

/** What the flags of kube-controller-manager say; absent: upstream's default. */
export interface ControllerFlags extends NodeLifecycleOptions {
  /** PEM of `--root-ca-file`; absent: nothing is published. */
  readonly rootCa?: string;
  readonly terminatedPodThreshold?: number;
  /** Reads and signs certificate requests; absent: they are neither approved nor signed. */
  readonly pki?: SignerPki;
  /** PEM pair of `--cluster-signing-cert-file` and its key; absent: nothing is signed. */
  readonly clusterSigning?: { readonly certificate: string; readonly privateKey: string };
  readonly clusterSigningDurationMs?: number;
  /** Signs with `--service-account-private-key-file`; absent: token secrets stay empty. */
  readonly signServiceAccountToken?: TokensOptions['sign'];
  /** IPv4 network of `--cluster-cidr` when `--allocate-node-cidrs` is set; absent: nodes get no range. */
  readonly clusterCidr?: string;
  readonly nodeCidrMaskSize?: number;
  readonly attachDetach?: AttachDetachOptions;
  /** `--legacy-service-account-token-clean-up-period`. */
  readonly legacyTokenCleanUpPeriodMs?: number;
}

export interface ControllersOptions {
  /**
   * A client that acts as a service account of kube-system; for `kube-controller-manager` as the program itself
   * (`system:kube-controller-manager`), which makes the tokens the others would need.
   */
  readonly clientFor: (serviceAccountName: string) => KubeClient;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Whether `--controllers` lets a controller run; names as that flag has them. */
  readonly enabled: (name: string) => boolean;
  readonly flags?: ControllerFlags;
}

interface Row {
  readonly name: string;
  readonly account: string;
  /** Source of its events. */
  readonly component: string;
  /** Undefined when a flag it needs is not set. */
  readonly create: (context: ControllerContext, flags: ControllerFlags) => Controller | undefined;
}

const rows: readonly Row[] = [
  {
    name: 'serviceaccount-controller',
    account: 'service-account-controller',
    component: 'serviceaccount-controller',
    create: (context) => createServiceAccountController(context),
  },
  {
    name: 'root-ca-certificate-publisher-controller',
    account: 'root-ca-cert-publisher',
    component: 'root-ca-cert-publisher',
    create: (context, { rootCa }) =>
      rootCa === undefined ? undefined : createRootCaCertPublisher(context, { rootCa }),
  },
  {
    name: 'namespace-controller',
    account: 'namespace-controller',
    component: 'namespace-controller',
    create: (context) => createNamespaceController(context),
  },
  {
    name: 'garbage-collector-controller',
    account: 'generic-garbage-collector',
    component: 'garbage-collector-controller',
    create: (context) => createGarbageCollector(context),
  },
  {
    name: 'replicaset-controller',
    account: 'replicaset-controller',
    component: 'replicaset-controller',
    create: (context) => createReplicaSetController(context),
  },
  {
    name: 'replicationcontroller-controller',
    account: 'replication-controller',
    component: 'replication-controller',
    create: (context) => createReplicationController(context),
  },
  {
    name: 'deployment-controller',
    account: 'deployment-controller',
    component: 'deployment-controller',
    create: (context) => createDeploymentController(context),
  },
  {
    name: 'endpointslice-controller',
    account: 'endpointslice-controller',
    component: 'endpoint-slice-controller',
    create: (context) => createEndpointSliceController(context),
  },
  {
    name: 'endpoints-controller',
    account: 'endpoint-controller',
    component: 'endpoint-controller',
    create: (context) => createEndpointsController(context),
  },
  {
    name: 'node-lifecycle-controller',
    account: 'node-controller',
    component: 'node-controller',
    create: (context, flags) => createNodeLifecycleController(context, flags),
  },
  {
    name: 'taint-eviction-controller',
    account: 'node-controller',
    component: 'taint-eviction-controller',
    create: (context) => createTaintEvictionController(context),
  },
  {
    name: 'pod-garbage-collector-controller',
    account: 'pod-garbage-collector',
    component: 'pod-garbage-collector-controller',
    create: (context, { terminatedPodThreshold }) =>
      createPodGarbageCollector(
        context,
        terminatedPodThreshold === undefined ? {} : { terminatedPodThreshold },
      ),
  },
  {
    name: 'statefulset-controller',
    account: 'statefulset-controller',
    component: 'statefulset-controller',
    create: (context) => createStatefulSetController(context),
  },
  {
    name: 'daemonset-controller',
    account: 'daemon-set-controller',
    component: 'daemonset-controller',
    create: (context) => createDaemonSetController(context),
  },
  {
    name: 'job-controller',
    account: 'job-controller',
    component: 'job-controller',
    create: (context) => createJobController(context),
  },
  {
    name: 'cronjob-controller',
    account: 'cronjob-controller',
    component: 'cronjob-controller',
    create: (context) => createCronJobController(context),
  },
  {
    name: 'ttl-after-finished-controller',
    account: 'ttl-after-finished-controller',
    component: 'ttl-after-finished-controller',
    create: (context) => createTtlAfterFinishedController(context),
  },
  {
    name: 'clusterrole-aggregation-controller',
    account: 'clusterrole-aggregation-controller',
    component: 'clusterrole-aggregation-controller',
    create: (context) => createClusterRoleAggregationController(context),
  },
  {
    name: 'disruption-controller',
    account: 'disruption-controller',
    component: 'controllermanager',
    create: (context) => createDisruptionController(context),
  },
  {
    name: 'persistentvolume-binder-controller',
    account: 'persistent-volume-binder',
    component: 'persistentvolume-controller',
    create: (context) => createPersistentVolumeBinder(context),
  },
  {
    name: 'persistentvolume-attach-detach-controller',
    account: 'attachdetach-controller',
    component: 'attachdetach-controller',
    create: (context, { attachDetach }) => createAttachDetachController(context, attachDetach),
  },
  {
    name: 'persistentvolumeclaim-protection-controller',
    account: 'pvc-protection-controller',
    component: 'pvc-protection-controller',
    create: (context) => createClaimProtectionController(context),
  },
  {
    name: 'persistentvolume-protection-controller',
    account: 'pv-protection-controller',
    component: 'pv-protection-controller',
    create: (context) => createVolumeProtectionController(context),
  },
  {
    name: 'volumeattributesclass-protection-controller',
    account: 'volumeattributesclass-protection-controller',
    component: 'volumeattributesclass-protection-controller',
    create: (context) => createVolumeAttributesClassProtectionController(context),
  },
  {
    name: 'certificatesigningrequest-cleaner-controller',
    account: 'certificate-controller',
    component: 'certificate-controller',
    create: (context) => createCsrCleanerController(context),
  },
  {
    name: 'certificatesigningrequest-approving-controller',
    account: 'certificate-controller',
    component: 'certificate-controller',
    create: (context, { pki }) =>
      pki ? createCsrApprovingController(context, { pki }) : undefined,
  },
  {
    name: 'certificatesigningrequest-signing-controller',
    account: 'certificate-controller',
    component: 'certificate-controller',
    create: (context, { pki, clusterSigning: issuer, clusterSigningDurationMs }) =>
      pki && issuer
        ? createCsrSigningController(context, {
            pki,
            issuer,
            ...(clusterSigningDurationMs === undefined
              ? {}
              : { durationMs: clusterSigningDurationMs }),
          })
        : undefined,
  },
  {
    name: 'horizontal-pod-autoscaler-controller',
    account: 'horizontal-pod-autoscaler',
    component: 'horizontal-pod-autoscaler',
    create: (context) => createHorizontalPodAutoscalerController(context),
  },
  {
    name: 'resourcequota-controller',
    account: 'resourcequota-controller',
    component: 'resourcequota-controller',
    create: (context) => createResourceQuotaController(context),
  },
  {
    name: 'node-ipam-controller',
    account: 'node-controller',
    component: 'cidrAllocator',
    create: (context, { clusterCidr, nodeCidrMaskSize }) =>
      clusterCidr === undefined
        ? undefined
        : createNodeIpamController(context, {
            clusterCidr,
            ...(nodeCidrMaskSize === undefined ? {} : { maskSize: nodeCidrMaskSize }),
          }),
  },
  {
    name: 'validatingadmissionpolicy-status-controller',
    account: 'validatingadmissionpolicy-status-controller',
    component: 'validatingadmissionpolicy-status-controller',
    create: (context) => createAdmissionPolicyStatusController(context),
  },
  {
    name: 'resourceclaim-controller',
    account: 'resource-claim-controller',
    component: 'resource_claim',
    create: (context) => createResourceClaimController(context),
  },
  {
    name: 'device-taint-eviction-controller',
    account: 'device-taint-eviction-controller',
    component: 'device-taint-eviction-controller',
    create: (context) => createDeviceTaintEvictionController(context),
  },
  {
    name: 'ttl-controller',
    account: 'ttl-controller',
    component: 'ttl-controller',
    create: (context) => createTtlController(context),
  },
  {
    name: 'persistentvolume-expander-controller',
    account: 'expand-controller',
    component: 'volume_expand',
    create: (context) => createExpandController(context),
  },
  {
    name: 'ephemeral-volume-controller',
    account: 'ephemeral-volume-controller',
    component: 'ephemeral_volume',
    create: (context) => createEphemeralVolumeController(context),
  },
  {
    name: 'bootstrap-signer-controller',
    account: 'bootstrap-signer',
    component: 'bootstrap-signer',
    create: (context) => createBootstrapSigner(context),
  },
  {
    name: 'token-cleaner-controller',
    account: 'token-cleaner',
    component: 'token-cleaner',
    create: (context) => createTokenCleaner(context),
  },
  {
    name: 'legacy-serviceaccount-token-cleaner-controller',
    account: 'legacy-service-account-token-cleaner',
    component: 'legacy-service-account-token-cleaner',
    create: (context, { legacyTokenCleanUpPeriodMs: cleanUpPeriodMs }) =>
      createLegacyTokenCleaner(context, cleanUpPeriodMs === undefined ? {} : { cleanUpPeriodMs }),
  },
  {
    name: 'service-cidr-controller',
    account: 'service-cidrs-controller',
    component: 'service-cidr-controller',
    create: (context) => createServiceCidrController(context),
  },
  {
    name: 'endpointslice-mirroring-controller',
    account: 'endpointslicemirroring-controller',
    component: 'endpoint-slice-mirroring-controller',
    create: (context) => createEndpointSliceMirroringController(context),
  },
  {
    name: 'serviceaccount-token-controller',
    account: 'kube-controller-manager',
    component: 'serviceaccount-token-controller',
    create: (context, { signServiceAccountToken: sign, rootCa }) =>
      sign &&
      createServiceAccountTokenController(context, {
        sign,
        ...(rootCa === undefined ? {} : { rootCa }),
      }),
  },
];

/** Every controller there is, as `--controllers` names them. */
export const controllerNames: readonly string[] = rows.map(({ name }) => name);

/**
 * Starts the enabled controllers and the informers they read.
 *
 * @see k8s.io/kubernetes/cmd/kube-controller-manager/app/controllermanager.go
 */
export function startControllers(options: ControllersOptions): Disposable {
  const { informers, clock, random, logger, flags = {} } = options;
  const owned = new DisposableStore();
  const gate = createStepGate(clock);
  for (const { name, account, component, create } of rows) {
    if (!options.enabled(name)) continue;
    const client = slicedClient(options.clientFor(account), gate);
    const controller = create(
      {
        client,
        informers: scopedInformers(informers),
        recorder: createEventRecorder(client, { component, clock, random, logger }),
        clock,
        random,
        logger,
      },
      flags,
    );
    if (!controller) continue;
    owned.add(controller);
    controller.start();
  }
  informers.start();
  return owned;
}
