/** A `v1.Toleration`, as far as it meets taints. */
export interface TolerationMatch {
  readonly key?: string | undefined;
  readonly operator?: string | undefined;
  readonly value?: string | undefined;
  readonly effect?: string | undefined;
}

/** A `v1.Taint`, as far as tolerations meet it. */
export interface TaintMatch {
  readonly key: string;
  readonly value?: string | undefined;
  readonly effect: string;
}

/**
 * Whether a toleration tolerates a taint. `Lt` and `Gt` tolerate nothing: their feature gate,
 * TaintTolerationComparisonOperators, is alpha and off.
 *
 * @see k8s.io/api/core/v1/toleration.go, ToleratesTaint
 */
export function tolerates(toleration: TolerationMatch, taint: TaintMatch): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? '') {
    case '':
    case 'Equal':
      return (toleration.value ?? '') === (taint.value ?? '');
    case 'Exists':
      return true;
    default:
      return false;
  }
}

/**
 * The first taint of some effects that no toleration tolerates.
 *
 * @see k8s.io/component-helpers/scheduling/corev1/helpers.go, FindMatchingUntoleratedTaint
 */
export function untoleratedTaint<T extends TaintMatch>(
  taints: readonly T[] | undefined,
  tolerations: readonly TolerationMatch[] | undefined,
  effects: readonly string[],
): T | undefined {
  return taints?.find(
    (taint) =>
      effects.includes(taint.effect) &&
      !tolerations?.some((toleration) => tolerates(toleration, taint)),
  );
}

/**
 * The tolerations a pod uses to stay with taints, the first that does for each; undefined when one is not tolerated.
 *
 * @see k8s.io/kubernetes/pkg/apis/core/v1/helper/helpers.go, GetMatchingTolerations
 */
export function usedTolerations<T extends TolerationMatch>(
  taints: readonly TaintMatch[],
  tolerations: readonly T[],
): T[] | undefined {
  const used: T[] = [];
  for (const taint of taints) {
    const found = tolerations.find((toleration) => tolerates(toleration, taint));
    if (!found) return undefined;
    used.push(found);
  }
  return used;
}
