import type { HPAScalingRules, HorizontalPodAutoscalerSpec } from '../../apis/index.ts';

/** `--horizontal-pod-autoscaler-downscale-stabilization`. */
const stabilizationSeconds = 300;
/** Without a behavior a step up is at most a doubling, or to this many. */
const leastStepUp = 4;

interface Timed {
  readonly replicas: number;
  readonly atMs: number;
}

/** A condition that goes with a decision. */
export interface Verdict {
  readonly reason: string;
  readonly message: string;
}

export interface Decision {
  readonly replicas: number;
  /** For `AbleToScale`. */
  readonly able: Verdict;
  /** For `ScalingLimited`, which is true if `isLimited`. */
  readonly limited: Verdict;
  readonly isLimited: boolean;
}

export interface Wish {
  readonly current: number;
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  readonly behavior: HorizontalPodAutoscalerSpec['behavior'];
}

const verdict = (reason: string, message: string): Verdict => ({ reason, message });
const within = verdict('DesiredWithinRange', 'the desired count is within the acceptable range');
const tooFew = verdict(
  'TooFewReplicas',
  'the desired replica count is less than the minimum replica count',
);
const tooMany = verdict(
  'TooManyReplicas',
  'the desired replica count is more than the maximum replica count',
);
const upTooFast = verdict(
  'ScaleUpLimit',
  'the desired replica count is increasing faster than the maximum scale rate',
);
const downTooFast = verdict(
  'ScaleDownLimit',
  'the desired replica count is decreasing faster than the maximum scale rate',
);
const ready = verdict('ReadyForNewScale', 'recommended size matches current size');
const upHeld = verdict(
  'ScaleUpStabilized',
  'recent recommendations were lower than current one, applying the lowest recent recommendation',
);
const downHeld = verdict(
  'ScaleDownStabilized',
  'recent recommendations were higher than current one, applying the highest recent recommendation',
);

/**
 * What one autoscaler has recommended and done of late, and what it may therefore do now.
 *
 * @see k8s.io/kubernetes/pkg/controller/podautoscaler/horizontal.go, normalizeDesiredReplicas and
 * normalizeDesiredReplicasWithBehaviors
 */
export class ScalingHistory {
  #recommendations: Timed[];
  #added: Timed[] = [];
  #removed: Timed[] = [];

  /** @param replicas as it is found: a new autoscaler does not scale down at once. */
  constructor(replicas: number, nowMs: number) {
    this.#recommendations = [{ replicas, atMs: nowMs }];
  }

  decide(wish: Wish, nowMs: number): Decision {
    const decision = wish.behavior ? this.#byBehavior(wish, nowMs) : this.#byDefault(wish, nowMs);
    this.#recommendations = [
      ...this.#recommendations.filter(({ atMs }) => nowMs - atMs <= longestWindowMs(wish)),
      { replicas: wish.desired, atMs: nowMs },
    ];
    return decision;
  }

  /** A scaling that was done counts against the rates of a behavior. */
  note(from: number, to: number, behavior: Wish['behavior'], nowMs: number): void {
    if (!behavior) return;
    const keep = (events: readonly Timed[], rules: HPAScalingRules | undefined): Timed[] => {
      const longest = Math.max(0, ...(rules?.policies ?? []).map((policy) => policy.periodSeconds));
      return events.filter(({ atMs }) => nowMs - atMs <= longest * 1000);
    };
    this.#added = keep(this.#added, behavior.scaleUp);
    this.#removed = keep(this.#removed, behavior.scaleDown);
    if (to > from) this.#added.push({ replicas: to - from, atMs: nowMs });
    else this.#removed.push({ replicas: from - to, atMs: nowMs });
  }

  #byDefault({ current, desired, min, max }: Wish, nowMs: number): Decision {
    const recent = this.#recommendations.filter(
      ({ atMs }) => nowMs - atMs <= stabilizationSeconds * 1000,
    );
    const stabilized = Math.max(desired, ...recent.map(({ replicas }) => replicas));
    const able = stabilized === desired ? ready : downHeld;
    const step = Math.max(2 * current, leastStepUp);
    const ceiling = Math.min(max, step);
    let [replicas, limited] = [stabilized, within];
    if (stabilized < min) [replicas, limited] = [min, tooFew];
    else if (stabilized > ceiling)
      [replicas, limited] = [ceiling, max > step ? upTooFast : tooMany];
    return { replicas, able, limited, isLimited: replicas !== stabilized };
  }

  #byBehavior(wish: Wish, nowMs: number): Decision {
    const { current, desired } = wish;
    const { scaleUp, scaleDown } = wish.behavior ?? {};
    const since = (seconds: number): number[] =>
      this.#recommendations
        .filter(({ atMs }) => atMs > nowMs - seconds * 1000)
        .map(({ replicas }) => replicas);
    const lowest = Math.min(desired, ...since(scaleUp?.stabilizationWindowSeconds ?? 0));
    const highest = Math.max(
      desired,
      ...since(scaleDown?.stabilizationWindowSeconds ?? stabilizationSeconds),
    );
    const stabilized = Math.min(Math.max(current, lowest), highest);
    const held = desired >= current ? upHeld : downHeld;
    const able = stabilized === desired ? ready : held;
    const [replicas, limited] = this.#atRate({ ...wish, desired: stabilized }, nowMs);
    return { replicas, able, limited, isLimited: replicas !== stabilized };
  }

  #atRate({ current, desired, min, max, behavior }: Wish, nowMs: number): [number, Verdict] {
    if (desired > current) {
      const rate = Math.max(current, this.#limit('up', current, behavior?.scaleUp, nowMs));
      const ceiling = Math.min(max, rate);
      if (desired > ceiling) return [ceiling, max > rate ? upTooFast : tooMany];
    } else if (desired < current) {
      const rate = Math.min(current, this.#limit('down', current, behavior?.scaleDown, nowMs));
      const floor = Math.max(min, rate);
      if (desired < floor) return [floor, min < rate ? downTooFast : tooFew];
    }
    return [desired, within];
  }

  /** As far as the policies allow, from where each of their periods began. */
  #limit(
    direction: 'up' | 'down',
    current: number,
    rules: HPAScalingRules | undefined,
    nowMs: number,
  ): number {
    if (rules?.selectPolicy === 'Disabled') return current;
    const sign = direction === 'up' ? 1 : -1;
    const proposals = (rules?.policies ?? []).map(({ type, value, periodSeconds }) => {
      const changed = (events: readonly Timed[]): number =>
        events
          .filter(({ atMs }) => atMs > nowMs - periodSeconds * 1000)
          .reduce((sum, { replicas }) => sum + replicas, 0);
      const start = current - changed(this.#added) + changed(this.#removed);
      if (type === 'Pods') return start + sign * value;
      const exact = start * (1 + (sign * value) / 100);
      // Up is rounded up, or one replica would never become two.
      return direction === 'up' ? Math.ceil(exact) : Math.trunc(exact);
    });
    if (proposals.length === 0) return current;
    const takesLeast = rules?.selectPolicy === 'Min';
    return takesLeast === (direction === 'up') ? Math.min(...proposals) : Math.max(...proposals);
  }
}

function longestWindowMs({ behavior }: Wish): number {
  const up = behavior?.scaleUp?.stabilizationWindowSeconds ?? 0;
  const down = behavior?.scaleDown?.stabilizationWindowSeconds ?? stabilizationSeconds;
  return Math.max(up, down) * 1000;
}
