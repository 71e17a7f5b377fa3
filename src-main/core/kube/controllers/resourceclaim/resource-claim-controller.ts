import type { ResourceClaim } from '../../apis/index.ts';
import { controllerOf, type Result, WorkQueue } from '../../client/index.ts';
import { keyOf, objectKey, type ObjectKey } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import { queueController } from '../shared/informer-queue.ts';
import type { PodView } from '../shared/pods.ts';
import { claimRelease } from './claim-release.ts';
import {
  claimKeysOf,
  claimNameOf,
  ClaimsOfPods,
  type ClaimView,
  type Entry,
  isDone,
  isReservedFor,
} from './claims-of-pods.ts';

const claimAnnotation = 'resource.kubernetes.io/pod-claim-name';
/** Of a generated name, before its five random characters. */
const maxBaseLength = 57;

/**
 * Makes the claims that pods want from templates and notes their names in the pods, reserves what is allocated for pods
 * that were bound without the scheduler, and releases what pods that are gone or done had reserved.
 *
 * @see k8s.io/kubernetes/pkg/controller/resourceclaim
 */
export function createResourceClaimController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const pods = informers.for('pods');
  const claims = informers.for('resourceclaims.resource.k8s.io');
  const templates = informers.for('resourceclaimtemplates.resource.k8s.io');
  const resource = client.resource('resourceclaims.resource.k8s.io');
  const known = new ClaimsOfPods(informers);
  const podQueue = new WorkQueue<ObjectKey>(clock);
  const claimQueue = new WorkQueue<ObjectKey>(clock);
  const release = claimRelease(context);
  /** Names of claims that were made, by entry and uid of the pod: one that somebody deletes is not made again. */
  const made = new Map<string, string>();

  /** The name of the claim of an entry; one that is there already is taken. */
  async function claimFor(pod: PodView, entry: Entry): Promise<string> {
    const present = known
      .madeFor(pod)
      .find(({ metadata }) => metadata.annotations?.[claimAnnotation] === entry.name);
    const { namespace, name = '', uid = '' } = pod.metadata;
    const remembered = present?.metadata.name ?? made.get(`${uid}/${entry.name}`);
    if (remembered !== undefined) return remembered;
    const templateName = entry.resourceClaimTemplateName ?? '';
    const template = templates.get(keyOf(namespace, templateName));
    if (!template)
      throw new Error(
        `resource claim template "${templateName}": resourceclaimtemplate.resource.k8s.io "${templateName}" not found`,
      );
    const { labels, annotations } = template.spec.metadata ?? {};
    const draft: ResourceClaim = {
      apiVersion: 'resource.k8s.io/v1',
      kind: 'ResourceClaim',
      metadata: {
        generateName: generatedBase(name, entry.name),
        ...(namespace === undefined ? {} : { namespace }),
        annotations: { ...annotations, [claimAnnotation]: entry.name },
        ...(labels ? { labels: { ...labels } } : {}),
        ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true }],
      },
      spec: mutableCopy<ResourceClaim['spec']>(template.spec.spec),
    };
    try {
      const created = (await resource.create(draft)).metadata.name ?? '';
      made.set(`${uid}/${entry.name}`, created);
      return created;
    } catch (error) {
      throw new Error(`create ResourceClaim : ${textOf(error)}`, { cause: error });
    }
  }

  const isForPod = (pod: PodView, claim: ClaimView | undefined): claim is ClaimView =>
    claim !== undefined && controllerOf(claim)?.uid === pod.metadata.uid;

  /** Claims made now, by entry. */
  async function makeClaims(pod: PodView): Promise<{ name: string; resourceClaimName: string }[]> {
    const statuses: { name: string; resourceClaimName: string }[] = [];
    for (const entry of pod.spec?.resourceClaims ?? []) {
      if (entry.resourceClaimTemplateName === undefined) continue;
      const noted = pod.status?.resourceClaimStatuses?.find(({ name }) => name === entry.name);
      // Noted without a name: the claim is not needed.
      if (noted && noted.resourceClaimName === undefined) continue;
      const name = claimNameOf(pod, entry);
      if (name && isForPod(pod, claims.get(keyOf(pod.metadata.namespace, name)))) continue;
      try {
        statuses.push({ name: entry.name, resourceClaimName: await claimFor(pod, entry) });
      } catch (error) {
        const text = `PodResourceClaim ${entry.name}: ${textOf(error)}`;
        recorder.event(pod, 'Warning', 'FailedResourceClaimCreation', text);
        throw new Error(text, { cause: error });
      }
    }
    return statuses;
  }

  /** Reserves claims of a pod that somebody else than the scheduler bound. */
  async function reserveClaims(pod: PodView): Promise<void> {
    const { namespace, name: podName = '', uid = '' } = pod.metadata;
    for (const entry of pod.spec?.resourceClaims ?? []) {
      const name = claimNameOf(pod, entry);
      const claim = name ? claims.get(keyOf(namespace, name)) : undefined;
      if (!claim) return;
      if (entry.resourceClaimTemplateName !== undefined && !isForPod(pod, claim)) return;
      if (!claim.status?.allocation || isReservedFor(claim, uid)) continue;
      const copy = mutableCopy<ResourceClaim>(claim);
      const { reservedFor = [] } = copy.status ?? {};
      await resource.updateStatus({
        ...copy,
        status: {
          ...copy.status,
          reservedFor: [...reservedFor, { resource: 'pods', name: podName, uid }],
        },
      });
    }
  }

  async function reconcilePod(key: ObjectKey): Promise<Result> {
    const pod = pods.get(key);
    if (!pod || pod.metadata.deletionTimestamp) return {};
    const statuses = await makeClaims(pod);
    const { namespace, name = '' } = pod.metadata;
    if (statuses.length > 0)
      await client.resource('pods').patch(
        namespace,
        name,
        'apply',
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name, namespace },
          status: { resourceClaimStatuses: statuses },
        },
        { subresource: 'status', fieldManager: 'ResourceClaimController', force: true },
      );
    // Before that the scheduler reserves.
    if (pod.spec?.nodeName) await reserveClaims(pod);
    return {};
  }

  const enqueuePod = (pod: PodView, isGone = false): void => {
    const entries = pod.spec?.resourceClaims ?? [];
    if (entries.length === 0 && !pod.status?.extendedResourceClaimStatus) return;
    if (isGone) for (const { name } of entries) made.delete(`${pod.metadata.uid ?? ''}/${name}`);
    if (isGone || isDone(pod)) for (const key of claimKeysOf(pod)) claimQueue.add(key);
    if (!isGone && !pod.metadata.deletionTimestamp) podQueue.add(objectKey(pod.metadata));
  };
  const enqueueClaim = (claim: ClaimView): void => {
    claimQueue.add(objectKey(claim.metadata));
    for (const pod of known.podsOf(claim)) enqueuePod(pod);
  };
  const controllers = [
    queueController(context, {
      name: 'resourceclaim-controller',
      queue: podQueue,
      reconcile: reconcilePod,
      handlers: (own) => {
        own(
          pods.addHandler({
            onAdd: (pod) => enqueuePod(pod),
            onUpdate: (_, pod) => enqueuePod(pod),
            onDelete: (pod) => enqueuePod(pod, true),
          }),
        );
        own(
          templates.addHandler({
            onAdd: ({ metadata }) => {
              for (const pod of pods.list(metadata.namespace))
                if (
                  pod.spec?.resourceClaims?.some(
                    (entry) => entry.resourceClaimTemplateName === metadata.name,
                  )
                )
                  enqueuePod(pod);
            },
          }),
        );
      },
    }),
    queueController(context, {
      name: 'resourceclaim-controller',
      queue: claimQueue,
      reconcile: async (key) => {
        await release(key);
        return {};
      },
      handlers: (own) => {
        own(
          claims.addHandler({
            onAdd: enqueueClaim,
            onUpdate: (_, claim) => enqueueClaim(claim),
            onDelete: (claim) => {
              for (const pod of known.podsOf(claim)) enqueuePod(pod);
            },
          }),
        );
      },
    }),
  ];
  return {
    start: () => {
      for (const controller of controllers) controller.start();
    },
    dispose: () => {
      for (const controller of controllers) controller.dispose();
    },
  };
}

/** Both names are shortened alike when together they are too long. */
function generatedBase(podName: string, claimName: string): string {
  const base = `${podName}-${claimName}-`;
  if (base.length <= maxBaseLength) return base;
  const cut = (text: string): string =>
    text.slice(0, Math.trunc((text.length * maxBaseLength) / base.length));
  return `${cut(podName)}-${cut(claimName)}`;
}
