import type { Namespace, NamespaceCondition } from '../../apis/index.ts';
import { formatTime } from '../../machinery/index.ts';

/** What a round of deletion left behind. */
export interface ContentReport {
  readonly discoveryFailures: ReadonlyMap<string, string>;
  /** Of deletions alone. */
  readonly errors: string[];
  /** Absent while pods are still being removed: nothing else was looked at yet. */
  totals?: {
    /** `resource.group` → objects. */
    readonly remaining: ReadonlyMap<string, number>;
    readonly finalizers: ReadonlyMap<string, number>;
  };
}

const good: Readonly<Record<string, readonly [reason: string, message: string]>> = {
  NamespaceDeletionDiscoveryFailure: [
    'ResourcesDiscovered',
    'All resources successfully discovered',
  ],
  NamespaceDeletionGroupVersionParsingFailure: [
    'ParsedGroupVersions',
    'All legacy kube types successfully parsed',
  ],
  NamespaceDeletionContentFailure: [
    'ContentDeleted',
    'All content successfully deleted, may be waiting on finalization',
  ],
  NamespaceContentRemaining: ['ContentRemoved', 'All content successfully removed'],
  NamespaceFinalizersRemaining: [
    'ContentHasNoFinalizers',
    'All content-preserving finalizers finished',
  ],
};

/**
 * Brings the five deletion conditions up to date.
 *
 * @returns whether any changed.
 * @see k8s.io/kubernetes/pkg/controller/namespace/deletion/status_condition_utils.go
 */
export function updateConditions(draft: Namespace, report: ContentReport, nowMs: number): boolean {
  const bad = badConditions(report);
  const conditions = (draft.status ??= {}).conditions ?? [];
  let changed = false;
  for (const [type, [okReason, okMessage]] of Object.entries(good)) {
    const found = bad.get(type);
    const [status, reason, message] = found
      ? ['True', found[0], found[1]]
      : ['False', okReason, okMessage];
    const present = conditions.find((condition) => condition.type === type);
    if (!present) {
      const condition: NamespaceCondition = {
        type,
        status,
        lastTransitionTime: formatTime(nowMs),
        reason,
        message,
      };
      conditions.push(condition);
      changed = true;
    } else if (
      present.status !== status ||
      present.reason !== reason ||
      present.message !== message
    ) {
      if (present.status !== status) present.lastTransitionTime = formatTime(nowMs);
      Object.assign(present, { status, reason, message });
      changed = true;
    }
  }
  draft.status.conditions = conditions;
  return changed;
}

function badConditions(report: ContentReport): Map<string, readonly [string, string]> {
  const bad = new Map<string, readonly [string, string]>();
  if (report.discoveryFailures.size > 0) {
    const list = [...report.discoveryFailures].map(([group, why]) => `${group}: ${why}`).sort();
    bad.set('NamespaceDeletionDiscoveryFailure', [
      'DiscoveryFailed',
      `Discovery failed for some groups, ${list.length} failing: unable to retrieve the complete list of server APIs: ${list.join(', ')}`,
    ]);
  }
  if (report.errors.length > 0)
    bad.set('NamespaceDeletionContentFailure', [
      'ContentDeletionFailed',
      `Failed to delete all resource types, ${report.errors.length} remaining: ${[...report.errors].sort().join(', ')}`,
    ]);
  const { remaining, finalizers } = report.totals ?? {};
  if (remaining && remaining.size > 0) {
    const list = [...remaining].map(([name, count]) => `${name} has ${count} resource instances`);
    bad.set('NamespaceContentRemaining', [
      'SomeResourcesRemain',
      `Some resources are remaining: ${list.sort().join(', ')}`,
    ]);
  }
  if (finalizers && finalizers.size > 0) {
    const list = [...finalizers].map(([name, count]) => `${name} in ${count} resource instances`);
    bad.set('NamespaceFinalizersRemaining', [
      'SomeFinalizersRemain',
      `Some content in the namespace has finalizers remaining: ${list.sort().join(', ')}`,
    ]);
  }
  return bad;
}
