import type { ResourceClaim } from '../../apis/index.ts';
import { controllerOf, type Result, WorkQueue } from '../../client/index.ts';
import { isReason, keyOf, objectKey, type ObjectKey } from '../../machinery/index.ts';
import { type Controller, type ControllerContext, mutableCopy, textOf } from '../shared/context.ts';
import { queueController } from '../shared/informer-queue.ts';
import { isPodTerminal, type PodView } from '../shared/pods.ts';

type Entry = NonNullable<NonNullable<PodView['spec']>['resourceClaims']>[number];

const claimAnnotation = 'resource.kubernetes.io/pod-claim-name';
/** Of a generated name, before its five random characters. */
const maxBaseLength = 57;

/**
 * Makes the claims that pods want from templates, notes their names in the pods, and deletes them when their pods are
 * done. Reservations are not touched: nothing allocates devices here.
 *
 * @see k8s.io/kubernetes/pkg/controller/resourceclaim
 */
export function createResourceClaimController(context: ControllerContext): Controller {
  const { client, informers, recorder, clock } = context;
  const pods = informers.for('pods');
  const claims = informers.for('resourceclaims.resource.k8s.io');
  const templates = informers.for('resourceclaimtemplates.resource.k8s.io');
  const resource = client.resource('resourceclaims.resource.k8s.io');
  const queue = new WorkQueue<ObjectKey>(clock);

  const ownedBy = (pod: PodView) =>
    claims
      .list(pod.metadata.namespace)
      .filter((claim) => controllerOf(claim)?.uid === pod.metadata.uid);

  /** The name of the claim of an entry; one that is there already is taken. */
  async function claimFor(pod: PodView, entry: Entry): Promise<string> {
    const present = ownedBy(pod).find(
      ({ metadata }) => metadata.annotations?.[claimAnnotation] === entry.name,
    );
    if (present) return present.metadata.name ?? '';
    const { namespace, name = '', uid = '' } = pod.metadata;
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
      return (await resource.create(draft)).metadata.name ?? '';
    } catch (error) {
      throw new Error(`create ResourceClaim : ${textOf(error)}`, { cause: error });
    }
  }

  async function reconcile(key: ObjectKey): Promise<Result> {
    const pod = pods.get(key);
    if (!pod) return {};
    if (isPodTerminal(pod)) {
      for (const { metadata } of ownedBy(pod))
        await resource.delete(metadata.namespace, metadata.name ?? '').catch((error: unknown) => {
          if (!isReason(error, 'NotFound')) throw error;
        });
      return {};
    }
    if (pod.metadata.deletionTimestamp) return {};
    const noted = pod.status?.resourceClaimStatuses ?? [];
    const statuses: { name: string; resourceClaimName?: string }[] = [];
    for (const entry of pod.spec?.resourceClaims ?? []) {
      if (entry.resourceClaimTemplateName === undefined) continue;
      const known = noted.find(({ name }) => name === entry.name)?.resourceClaimName;
      if (known !== undefined && claims.get(keyOf(pod.metadata.namespace, known))) {
        statuses.push({ name: entry.name, resourceClaimName: known });
        continue;
      }
      try {
        statuses.push({ name: entry.name, resourceClaimName: await claimFor(pod, entry) });
      } catch (error) {
        const text = `PodResourceClaim ${entry.name}: ${textOf(error)}`;
        recorder.event(pod, 'Warning', 'FailedResourceClaimCreation', text);
        throw new Error(text, { cause: error });
      }
    }
    const isNoted = statuses.every(({ name, resourceClaimName }) =>
      noted.some((each) => each.name === name && each.resourceClaimName === resourceClaimName),
    );
    if (isNoted) return {};
    const { namespace, name = '' } = pod.metadata;
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
    return {};
  }

  const enqueue = (pod: PodView): void => {
    if (pod.spec?.resourceClaims?.length) queue.add(objectKey(pod.metadata));
  };
  return queueController(context, {
    name: 'resourceclaim-controller',
    queue,
    reconcile,
    handlers: (own) => {
      own(pods.addHandler({ onAdd: enqueue, onUpdate: (_, pod) => enqueue(pod) }));
      own(
        claims.addHandler({
          onDelete: (claim) => {
            const owner = controllerOf(claim);
            if (owner?.kind === 'Pod') queue.add(keyOf(claim.metadata.namespace, owner.name));
          },
        }),
      );
    },
  });
}

/** Both names are shortened alike when together they are too long. */
function generatedBase(podName: string, claimName: string): string {
  const base = `${podName}-${claimName}-`;
  if (base.length <= maxBaseLength) return base;
  const cut = (text: string): string =>
    text.slice(0, Math.trunc((text.length * maxBaseLength) / base.length));
  return `${cut(podName)}-${cut(claimName)}`;
}
