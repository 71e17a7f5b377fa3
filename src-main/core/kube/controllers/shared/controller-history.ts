import { type DeepReadonly, jsonClone, type JsonObject } from '#core/base';
import type { ControllerRevision, PodTemplateSpec } from '../../apis/index.ts';
import {
  controllerOf,
  controllerReference,
  type Informer,
  type KubeClient,
} from '../../client/index.ts';
import {
  canonicalJson,
  isReason,
  type LabelSelector,
  matchesSelector,
  type ObjectMeta,
} from '../../machinery/index.ts';
import { mutableCopy } from './context.ts';
import { semanticEqual, templateHash } from './hash.ts';

export type RevisionView = DeepReadonly<ControllerRevision>;

interface Owner {
  readonly metadata: DeepReadonly<ObjectMeta>;
}

/**
 * The template as a revision keeps it: a strategic patch that replaces the whole of it. Clients compare its text with
 * what they write themselves, so its keys are in order, as Go writes a map.
 */
export function templatePatch(template: DeepReadonly<PodTemplateSpec> | undefined): JsonObject {
  const patch = { spec: { template: { ...template, $patch: 'replace' } } };
  return JSON.parse(canonicalJson(patch)) as JsonObject;
}

/** The template a revision keeps. */
export function revisionTemplate(revision: RevisionView): PodTemplateSpec {
  const data = jsonClone(revision.data ?? {}) as unknown as {
    spec?: { template?: PodTemplateSpec & { $patch?: string } };
  };
  const template = { ...data.spec?.template };
  delete template.$patch;
  return template;
}

export function sortRevisions(revisions: readonly RevisionView[]): RevisionView[] {
  return [...revisions].sort(
    (a, b) =>
      a.revision - b.revision ||
      Date.parse(a.metadata.creationTimestamp ?? '') -
        Date.parse(b.metadata.creationTimestamp ?? '') ||
      ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1),
  );
}

/**
 * The revisions of an owner, oldest first. Those that nobody owns and that its selector matches become its own.
 *
 * @see pkg/controller/controller_ref_manager.go, ClaimControllerRevisions
 */
export async function claimRevisions(
  client: KubeClient,
  informer: Informer<ControllerRevision>,
  owner: Owner & { readonly spec?: { readonly selector?: DeepReadonly<LabelSelector> } },
  kind: string,
): Promise<RevisionView[]> {
  const { namespace, uid, deletionTimestamp } = owner.metadata;
  const claimed: RevisionView[] = [];
  for (const revision of informer.list(namespace)) {
    const controller = controllerOf(revision);
    if (controller?.uid === uid) claimed.push(revision);
    if (controller || deletionTimestamp || revision.metadata.deletionTimestamp) continue;
    if (!matchesSelector(owner.spec?.selector ?? {}, revision.metadata.labels)) continue;
    const draft = mutableCopy<ControllerRevision>(revision);
    draft.metadata.ownerReferences = [
      ...(draft.metadata.ownerReferences ?? []),
      controllerReference(owner, 'apps/v1', kind),
    ];
    try {
      claimed.push(await client.resource('controllerrevisions.apps').update(draft));
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
  return sortRevisions(claimed);
}

export interface HistoryOptions {
  readonly apiVersion: string;
  readonly kind: string;
  /** The label that carries the hash. */
  readonly hashLabel: string;
  readonly template: DeepReadonly<PodTemplateSpec> | undefined;
  readonly collisionCount: number;
  /** The owner's selector's labels and its own are not copied; the template's are. */
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface CurrentRevision {
  readonly revision: RevisionView;
  readonly collisionCount: number;
}

/**
 * The revision that equals the owner's template: a present one, brought to the front, or a new one.
 *
 * @see k8s.io/kubernetes/pkg/controller/history/controller_history.go
 */
export async function ensureRevision(
  client: KubeClient,
  owner: Owner,
  revisions: readonly RevisionView[],
  options: HistoryOptions,
): Promise<CurrentRevision> {
  const resource = client.resource('controllerrevisions.apps');
  const data = templatePatch(options.template);
  const next = Math.max(0, ...revisions.map(({ revision }) => revision)) + 1;
  const equal = revisions.filter((revision) => semanticEqual(revision.data, data)).at(-1);
  if (equal) {
    if (equal === revisions.at(-1))
      return { revision: equal, collisionCount: options.collisionCount };
    const draft = mutableCopy<ControllerRevision>(equal);
    draft.revision = next;
    return { revision: await resource.update(draft), collisionCount: options.collisionCount };
  }
  const { namespace, name: ownerName = '' } = owner.metadata;
  for (let collisionCount = options.collisionCount; ; collisionCount++) {
    const hash = templateHash(options.template ?? {}, collisionCount);
    const name = `${ownerName.slice(0, 223)}-${hash}`;
    try {
      const revision = await resource.create({
        apiVersion: 'apps/v1',
        kind: 'ControllerRevision',
        metadata: {
          name,
          ...(namespace ? { namespace } : {}),
          labels: { ...options.template?.metadata?.labels, [options.hashLabel]: hash },
          ...(options.annotations ? { annotations: { ...options.annotations } } : {}),
          ownerReferences: [controllerReference(owner, options.apiVersion, options.kind)],
        },
        data,
        revision: next,
      });
      return { revision, collisionCount };
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
      const present = await resource.get(namespace, name);
      if (semanticEqual(present.data, data)) return { revision: present, collisionCount };
    }
  }
}

/** Deletes the oldest revisions nobody uses beyond the limit. */
export async function truncateHistory(
  client: KubeClient,
  revisions: readonly RevisionView[],
  isLive: (revision: RevisionView) => boolean,
  limit: number,
): Promise<void> {
  const history = sortRevisions(revisions.filter((revision) => !isLive(revision)));
  for (const { metadata } of history.slice(0, Math.max(0, history.length - limit))) {
    try {
      await client
        .resource('controllerrevisions.apps')
        .delete(metadata.namespace, metadata.name ?? '');
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
}
