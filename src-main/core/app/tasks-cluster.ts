import { isReason } from '#core/kube';
import {
  type ClusterObject,
  ClusterDownError,
  type ObjectReference,
  type SeededCluster,
} from '#core/exam';
import type { Engine, EngineRequest } from './engine-port.ts';
import { type DiscoveredKind, discoverKinds, requestJson, resourcePath } from './kube-api.ts';

const probeTimeoutMs = 3000;
const settleStepMs = 2000;
const commandTimeoutMs = 30_000;

/** A cluster of the engine as seeding and grading see it. Made anew for each use: it remembers discovery. */
export function createTaskCluster(engine: Engine, clusterId: string): SeededCluster {
  let kinds: Promise<readonly DiscoveredKind[]> | undefined;

  const ask = async <T>(request: EngineRequest): Promise<T> => {
    try {
      return (await requestJson<T>(engine, clusterId, request)).body;
    } catch (error) {
      throw translated(error);
    }
  };
  const kindOf = async (
    reference: Pick<ObjectReference, 'apiVersion' | 'kind'>,
  ): Promise<DiscoveredKind | undefined> => {
    kinds ??= discoverKinds(engine, clusterId);
    const known = await kinds.catch((error: unknown) => {
      kinds = undefined;
      throw translated(error);
    });
    return known.find(
      ({ group, version, kind }) =>
        kind === reference.kind &&
        reference.apiVersion === (group === '' ? version : `${group}/${version}`),
    );
  };

  const podsChange = async (): Promise<boolean> => {
    try {
      const { items } = await ask<{ items: readonly PodView[] }>({
        method: 'GET',
        url: '/api/v1/pods',
      });
      return items.some(isOnItsWay);
    } catch (error) {
      if (error instanceof ClusterDownError) return false;
      throw error;
    }
  };

  return {
    get: async (reference) => {
      const kind = await kindOf(reference);
      if (!kind) return undefined;
      const url = resourcePath(kind, reference.namespace ?? null, reference.name);
      return findOrUndefined(ask<ClusterObject>({ method: 'GET', url }));
    },
    list: async (reference, selector) => {
      const kind = await kindOf(reference);
      if (!kind) return [];
      const query = selector ? `?labelSelector=${escapeQuery(selector)}` : '';
      const url = `${resourcePath(kind, reference.namespace ?? null)}${query}`;
      return (await ask<{ items: readonly ClusterObject[] }>({ method: 'GET', url })).items;
    },
    canI: async ({ user, groups = [], ...attributes }) => {
      const review = await ask<{ status?: { allowed?: boolean } }>({
        method: 'POST',
        url: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            user,
            groups: [...serviceAccountGroups(user), ...groups],
            resourceAttributes: attributes,
          },
        }),
      });
      return review.status?.allowed === true;
    },
    probe: (request) =>
      hurry(engine, clusterId, engine.probe(clusterId, { ...request, timeoutMs: probeTimeoutMs })),
    readFile: (host, path) => engine.readFile(clusterId, host, path),
    unit: (host, name) => engine.unit(clusterId, host, name),
    run: (host, command) =>
      hurry(
        engine,
        clusterId,
        engine.run(clusterId, host, command, { timeoutMs: commandTimeoutMs }),
      ),
    settle: async (limitMs) => {
      await engine.settle(clusterId, limitMs);
      // Probes are periodic work that settling does not wait for, but a pod may be about to become Ready by one.
      let spentMs = 0;
      for (; spentMs < limitMs && (await podsChange()); spentMs += settleStepMs)
        await engine.advance(clusterId, settleStepMs);
      if (spentMs > 0) await engine.settle(clusterId, limitMs);
    },
    apply: async (object) => {
      const {
        apiVersion,
        kind: kindName,
        metadata,
      } = object as {
        apiVersion: string;
        kind: string;
        metadata: { name: string; namespace?: string };
      };
      const kind = await kindOf({ apiVersion, kind: kindName });
      if (!kind) throw new Error(`the cluster does not serve ${apiVersion} ${kindName}`);
      const namespace = kind.namespaced ? (metadata.namespace ?? 'default') : null;
      const url = resourcePath(kind, namespace, metadata.name);
      // Asked first, because a merge is no whole object and would not pass as a new one.
      const exists =
        (await findOrUndefined(ask<ClusterObject>({ method: 'GET', url }))) !== undefined;
      await ask({
        method: exists ? 'PATCH' : 'POST',
        url: exists ? url : resourcePath(kind, namespace),
        headers: {
          'content-type': exists ? 'application/merge-patch+json' : 'application/json',
        },
        body: JSON.stringify(object),
      });
    },
    writeFile: (host, path, content, mode) =>
      engine.writeFile(clusterId, host, path, content, mode),
    advance: async (milliseconds) => {
      await engine.advance(clusterId, milliseconds);
    },
  };
}

/** Small enough that signatures and other work outside simulated time keep up with it. */
const hurryStepMs = 10;
/** Simulated time in which controllers, proxies and name servers take in what a reset changed. */
const resetRestMs = 5000;

/** Brings a cluster back to a mark and lets it come to rest. */
export async function rewind(engine: Engine, clusterId: string, mark: string): Promise<void> {
  await engine.reset(clusterId, mark);
  await engine.advance(clusterId, resetRestMs);
}

/** Lets simulated time pass as fast as it can until the work is done: nobody waits three seconds for a time-out. */
export async function hurry<T>(engine: Engine, clusterId: string, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = (): void => void (isDone = true);
  work.then(done, done);
  while (!isDone) await engine.advance(clusterId, hurryStepMs);
  return work;
}

interface PodView {
  readonly metadata: { readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly {
      readonly state?: { readonly waiting?: { readonly reason?: string } };
    }[];
  };
}

/** What a container waits in without hope until somebody mends it. */
const stuck = /BackOff$|^Err|^Create|^Invalid|Error$/;

/** Whether a pod has been placed and is neither Ready nor stuck. */
function isOnItsWay({ metadata, spec, status }: PodView): boolean {
  if (metadata.deletionTimestamp !== undefined) return true;
  if (spec.nodeName === undefined || /Succeeded|Failed|Unknown/.test(status?.phase ?? ''))
    return false;
  if (status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'))
    return false;
  return !status?.containerStatuses?.some(({ state }) => stuck.test(state?.waiting?.reason ?? ''));
}

async function findOrUndefined<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

/** An API server that does not answer is a state of the cluster, not a fault of the grader. */
function translated(error: unknown): unknown {
  return isReason(error, 'ServiceUnavailable') && error instanceof Error
    ? new ClusterDownError(error.message, { cause: error })
    : error;
}

/** @see k8s.io/apiserver/pkg/authentication/serviceaccount MakeGroupNames */
function serviceAccountGroups(user: string): readonly string[] {
  const [, namespace] = /^system:serviceaccount:([^:]+):[^:]+$/.exec(user) ?? [];
  return namespace === undefined
    ? ['system:authenticated']
    : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'];
}

function escapeQuery(text: string): string {
  return new URLSearchParams([['q', text]]).toString().slice(2);
}
