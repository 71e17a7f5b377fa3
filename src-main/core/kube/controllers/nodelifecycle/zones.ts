import { type Clock } from '#core/base';
import { TokenBucket } from '../../client/index.ts';
import type { NodeView } from '../shared/nodes.ts';

export type ZoneState = 'Initial' | 'Normal' | 'PartialDisruption' | 'FullDisruption';

/** Region and zone of a node; empty in a cluster without zones. */
export function zoneOf(node: NodeView): string {
  const labels = node.metadata.labels ?? {};
  const region = labels['topology.kubernetes.io/region'] ?? '';
  const zone = labels['topology.kubernetes.io/zone'] ?? '';
  return region === '' && zone === '' ? '' : `${region}:${zone}`;
}

export function zoneState(ready: number, notReady: number, threshold: number): ZoneState {
  if (ready === 0 && notReady > 0) return 'FullDisruption';
  if (notReady > 2 && notReady / (notReady + ready) >= threshold) return 'PartialDisruption';
  return 'Normal';
}

/** Nodes of one zone to be tainted, at the rate the zone's health allows. */
export class TaintLimiter {
  readonly #clock: Clock;
  readonly waiting = new Set<string>();
  #qps: number;
  #bucket: TokenBucket;

  constructor(clock: Clock, qps: number) {
    this.#clock = clock;
    this.#qps = qps;
    this.#bucket = new TokenBucket(clock, qps, 1);
  }

  setRate(qps: number): void {
    if (qps === this.#qps) return;
    this.#qps = qps;
    this.#bucket = new TokenBucket(this.#clock, Math.max(qps, 1e-9), 1);
  }

  /** The next node that may be tainted now. */
  take(): string | undefined {
    if (this.#qps === 0) return undefined;
    for (const name of this.waiting) {
      if (!this.#bucket.tryTake()) return undefined;
      this.waiting.delete(name);
      return name;
    }
    return undefined;
  }
}
