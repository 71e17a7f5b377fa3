import { type JsonObject, Turns } from '#core/base';
import {
  internalError,
  isReason,
  parseYamlDocuments,
  statusOf,
  StatusError,
  YamlError,
} from '#core/kube';
import { type AnswerRunner, type DryRunOutcome, parseReference, type Study } from '#core/study';
import type { Engine } from './engine-port.ts';
import { type DiscoveredKind, discoverKinds, requestJson, resourcePath } from './kube-api.ts';
import type { StudyClusters } from './study-clusters.ts';

/** Simulated time a command may take, and what it set going may take to come to rest. */
const commandLimitMs = 60_000;
const settleLimitMs = 120_000;
const fieldManager = 'kijabi-check';

/** Tries answers out on the embedded clusters, one after the other. */
export function createAnswerRunner(
  engine: Engine,
  clusters: StudyClusters,
  study: Pick<Study, 'lesson'>,
): AnswerRunner {
  const turns = new Turns();

  return {
    runCommand: ({ host, setup, command, reads }) => {
      const outcome = turns.take(async () => {
        const clusterId = await clusters.takeCleanCards();
        if (setup !== undefined) {
          const { exitCode, stderr } = await engine.run(clusterId, host, setup, {
            timeoutMs: commandLimitMs,
          });
          if (exitCode !== 0) throw internalError(new Error(`the card's setup failed: ${stderr}`));
          await engine.settle(clusterId, settleLimitMs);
        }
        const result = await engine.run(clusterId, host, command, { timeoutMs: commandLimitMs });
        await engine.settle(clusterId, settleLimitMs);
        return { ...result, objects: await readObjects(engine, clusterId, reads) };
      });
      // While the answer is read, the cluster is made ready for the next one.
      void outcome.then(
        () => turns.take(() => clusters.cleanCards()).catch(() => undefined),
        () => undefined,
      );
      return outcome;
    },
    dryRun: async (place, manifest) => {
      if (place.kind === 'lesson') {
        const { clusterId } = await clusters.ofLesson(study.lesson(place.lessonId));
        return dryRun(engine, clusterId, manifest);
      }
      return turns.take(async () => {
        const { clusterId } = await clusters.ofCards();
        await clusters.cleanCards();
        return dryRun(engine, clusterId, manifest);
      });
    },
  };
}

async function readObjects(
  engine: Engine,
  clusterId: string,
  references: readonly string[],
): Promise<(JsonObject | null)[]> {
  if (references.length === 0) return [];
  const kinds = await discoverKinds(engine, clusterId);
  return Promise.all(
    references.map(async (reference) => {
      const { apiVersion, kind, namespace, name } = parseReference(reference);
      const row = findKind(kinds, apiVersion, kind);
      if (!row) return null;
      try {
        const url = resourcePath(row, namespace ?? null, name);
        return (await requestJson<JsonObject>(engine, clusterId, { method: 'GET', url })).body;
      } catch (error) {
        if (isReason(error, 'NotFound')) return null;
        throw error;
      }
    }),
  );
}

/**
 * What `kubectl apply` would hear: every document is sent as a dry run with strict field validation; an object
 * that is already there is applied over.
 */
async function dryRun(engine: Engine, clusterId: string, manifest: string): Promise<DryRunOutcome> {
  const refused = (message: string): DryRunOutcome => ({ accepted: false, message });
  let documents: readonly unknown[];
  try {
    documents = parseYamlDocuments(manifest);
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return refused(`error converting YAML to JSON: ${error.message}`);
  }
  if (documents.length === 0) return refused('no objects passed to apply');
  const kinds = await discoverKinds(engine, clusterId);
  const objects: JsonObject[] = [];
  for (const document of documents) {
    const { apiVersion, kind, metadata } = (document ?? {}) as {
      readonly apiVersion?: unknown;
      readonly kind?: unknown;
      readonly metadata?: { readonly name?: unknown; readonly namespace?: unknown } | null;
    };
    if (typeof apiVersion !== 'string' || typeof kind !== 'string') {
      const unset = [
        ...(typeof apiVersion === 'string' ? [] : ['apiVersion not set']),
        ...(typeof kind === 'string' ? [] : ['kind not set']),
      ];
      return refused(
        `error validating data: ${unset.length > 1 ? `[${unset.join(', ')}]` : unset.join('')}`,
      );
    }
    const row = findKind(kinds, apiVersion, kind);
    if (!row)
      return refused(
        `no matches for kind "${kind}" in version "${apiVersion}"\nensure CRDs are installed first`,
      );
    const namespace = row.namespaced ? textOf(metadata?.namespace, 'default') : null;
    try {
      objects.push(
        await send(engine, clusterId, row, namespace, textOf(metadata?.name, ''), document),
      );
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      return refused(statusOf(error).message ?? 'refused');
    }
  }
  return { accepted: true, objects };
}

async function send(
  engine: Engine,
  clusterId: string,
  row: DiscoveredKind,
  namespace: string | null,
  name: string,
  document: unknown,
): Promise<JsonObject> {
  const options = `dryRun=All&fieldValidation=Strict&fieldManager=${fieldManager}`;
  const body = JSON.stringify(document);
  try {
    const { body: made } = await requestJson<JsonObject>(engine, clusterId, {
      method: 'POST',
      url: `${resourcePath(row, namespace)}?${options}`,
      headers: { 'content-type': 'application/json' },
      body,
    });
    return made;
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
    const { body: applied } = await requestJson<JsonObject>(engine, clusterId, {
      method: 'PATCH',
      url: `${resourcePath(row, namespace, name)}?${options}&force=true`,
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body,
    });
    return applied;
  }
}

function findKind(
  kinds: readonly DiscoveredKind[],
  apiVersion: string,
  kind: string,
): DiscoveredKind | undefined {
  return kinds.find(
    (row) =>
      row.kind === kind &&
      (row.group === '' ? row.version : `${row.group}/${row.version}`) === apiVersion,
  );
}

const textOf = (value: unknown, otherwise: string): string =>
  typeof value === 'string' && value !== '' ? value : otherwise;
