import type { Clock, Disposable } from '#core/base';
import type { ClusterEvent } from './framework.ts';
import { KeyedHeap } from './heap.ts';
import { Nominator } from './nominator.ts';
import type { Profile } from './profile.ts';
import { type PodView, priorityOf, uidOf } from './views.ts';

/** A pod in the queue with the history of its tries. */
export interface QueuedPod {
  pod: PodView;
  /** When it came into the queue it is in, ms since the epoch. */
  queuedMs: number;
  readonly sequence: number;
  attempts: number;
  /** Tries that ended in a refusal, and those in a row that ended in an error. */
  refusals: number;
  errors: number;
  /** Plugins whose refusal keeps it out; none means that any event is worth a try. */
  rejectors: Set<string>;
  gated: boolean;
  backoffUntilMs: number;
}

export interface QueueOptions {
  readonly clock: Clock;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  profileOf(pod: PodView): Profile | undefined;
  /** Told when there may be something to pop. */
  onReady(): void;
}

/** A refused pod is tried again after this long even if nothing happened. */
const maxRefusedMs = 5 * 60_000;
const flushEveryMs = 30_000;
/** Retries of a pod that fails for ever are background work after this many. */
const foregroundErrors = 5;

function goesBefore(a: QueuedPod, b: QueuedPod): boolean {
  const byPriority = priorityOf(b.pod) - priorityOf(a.pod);
  if (byPriority !== 0) return byPriority < 0;
  return a.queuedMs < b.queuedMs || (a.queuedMs === b.queuedMs && a.sequence < b.sequence);
}

function endsBackoffBefore(a: QueuedPod, b: QueuedPod): boolean {
  return (
    a.backoffUntilMs < b.backoffUntilMs ||
    (a.backoffUntilMs === b.backoffUntilMs && goesBefore(a, b))
  );
}

/**
 * Pods that wait for a place: the active ones by priority, those that back off, and those that were refused
 * and wait for an event that may help.
 *
 * @see k8s.io/kubernetes/pkg/scheduler/backend/queue/scheduling_queue.go
 */
export class SchedulingQueue implements Disposable {
  readonly nominator = new Nominator();
  readonly #options: QueueOptions;
  readonly #active = new KeyedHeap<QueuedPod>((item) => uidOf(item.pod), goesBefore);
  readonly #backoff = new KeyedHeap<QueuedPod>((item) => uidOf(item.pod), endsBackoffBefore);
  readonly #errorBackoff = new KeyedHeap<QueuedPod>((item) => uidOf(item.pod), endsBackoffBefore);
  readonly #refused = new Map<string, QueuedPod>();
  #sequence = 0;
  #errorTimer: { readonly atMs: number; readonly timer: Disposable } | undefined;
  #flushTimer: Disposable | undefined;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  start(): void {
    this.#flushTimer = this.#options.clock.setTimer(
      flushEveryMs,
      () => {
        this.#flushRefused();
        this.start();
      },
      { background: true },
    );
  }

  dispose(): void {
    this.#flushTimer?.dispose();
    this.#errorTimer?.timer.dispose();
  }

  /** A pod seen for the first time. */
  add(pod: PodView): void {
    const known = this.#find(uidOf(pod));
    if (known) known.pod = pod;
    this.#enter(
      known ?? {
        pod,
        queuedMs: this.#options.clock.now(),
        sequence: this.#sequence++,
        attempts: 0,
        refusals: 0,
        errors: 0,
        rejectors: new Set(),
        gated: false,
        backoffUntilMs: 0,
      },
      'active',
    );
    this.nominator.set(pod);
  }

  /** A waiting pod changed in these ways. */
  update(previous: PodView, pod: PodView, events: readonly ClusterEvent[]): void {
    const uid = uidOf(pod);
    this.nominator.update(previous, pod);
    for (const heap of [this.#active, this.#backoff, this.#errorBackoff]) {
      const item = heap.get(uid);
      if (!item) continue;
      item.pod = pod;
      heap.push(item);
      return;
    }
    const item = this.#refused.get(uid);
    if (!item) return;
    item.pod = pod;
    if (events.some((event) => this.#isWorthATry(item, event))) this.#leaveRefused(item);
  }

  delete(uid: string): void {
    this.nominator.delete(uid);
    this.#remove(uid);
  }

  /** The next pod to try; one that backs off when there is no other. */
  pop(): QueuedPod | undefined {
    this.#flushBackoff();
    const item = this.#active.pop() ?? this.#backoff.pop();
    if (!item) return undefined;
    item.attempts += 1;
    item.backoffUntilMs = 0;
    return item;
  }

  /** A pod that found no place, with the plugins that refused it (none: something went wrong). */
  requeue(item: QueuedPod, rejectors: ReadonlySet<string>): void {
    if (this.#find(uidOf(item.pod))) return;
    item.queuedMs = this.#options.clock.now();
    item.rejectors = new Set(rejectors);
    if (rejectors.size === 0) {
      item.errors += 1;
      this.#enter(item, 'backoff');
    } else {
      item.refusals += 1;
      item.errors = 0;
      this.#refused.set(uidOf(item.pod), item);
    }
  }

  /** Lets the refused pods in that an event may help. */
  move(event: ClusterEvent): void {
    for (const item of [...this.#refused.values()])
      if (this.#isWorthATry(item, event)) this.#leaveRefused(item);
  }

  /** Gives a pod a new try at once. */
  activate(uid: string): void {
    const item = this.#find(uid);
    if (!item || this.#active.get(uid)) return;
    this.#enter(item, 'active');
  }

  #find(uid: string): QueuedPod | undefined {
    return (
      this.#active.get(uid) ??
      this.#backoff.get(uid) ??
      this.#errorBackoff.get(uid) ??
      this.#refused.get(uid)
    );
  }

  #remove(uid: string): void {
    this.#active.delete(uid);
    this.#backoff.delete(uid);
    this.#errorBackoff.delete(uid);
    this.#refused.delete(uid);
  }

  #enter(item: QueuedPod, where: 'active' | 'backoff'): void {
    const uid = uidOf(item.pod);
    this.#remove(uid);
    const gate = this.#options.profileOf(item.pod)?.preEnqueue(item.pod);
    item.gated = gate !== undefined;
    if (gate) {
      if (gate.plugin) item.rejectors.add(gate.plugin);
      this.#refused.set(uid, item);
      return;
    }
    if (where === 'active') {
      if (item.attempts > 0) item.queuedMs = this.#options.clock.now();
      this.#active.push(item);
    } else {
      item.backoffUntilMs = this.#backoffEndMs(item);
      if (item.errors > 0) {
        this.#errorBackoff.push(item);
        this.#wakeForErrors();
        return;
      }
      this.#backoff.push(item);
    }
    this.#options.onReady();
  }

  #leaveRefused(item: QueuedPod): void {
    const backingOff = this.#backoffEndMs(item) > this.#options.clock.now();
    this.#enter(item, backingOff ? 'backoff' : 'active');
  }

  /** The end of a pod's back-off: 1 s, 2 s, 4 s … after its last try, on a full second. */
  #backoffEndMs(item: QueuedPod): number {
    const count = item.errors > 0 ? item.errors : item.refusals;
    if (count === 0) return 0;
    const { initialBackoffMs, maxBackoffMs } = this.#options;
    const durationMs = Math.min(initialBackoffMs * 2 ** (count - 1), maxBackoffMs);
    const endMs = item.queuedMs + durationMs;
    return endMs - (endMs % 1000);
  }

  #flushBackoff(): void {
    const nowMs = this.#options.clock.now();
    for (const heap of [this.#errorBackoff, this.#backoff])
      for (;;) {
        const item = heap.peek();
        if (!item || item.backoffUntilMs > nowMs) break;
        heap.pop();
        this.#active.push(item);
      }
  }

  #wakeForErrors(): void {
    const next = this.#errorBackoff.peek();
    if (!next || (this.#errorTimer && this.#errorTimer.atMs <= next.backoffUntilMs)) return;
    this.#errorTimer?.timer.dispose();
    const { clock } = this.#options;
    this.#errorTimer = {
      atMs: next.backoffUntilMs,
      timer: clock.setTimer(
        next.backoffUntilMs - clock.now(),
        () => {
          this.#errorTimer = undefined;
          this.#flushBackoff();
          this.#wakeForErrors();
          this.#options.onReady();
        },
        { background: next.errors > foregroundErrors },
      ),
    };
  }

  #flushRefused(): void {
    const nowMs = this.#options.clock.now();
    for (const item of [...this.#refused.values()])
      if (!item.gated && nowMs - item.queuedMs > maxRefusedMs) this.#leaveRefused(item);
  }

  #isWorthATry(item: QueuedPod, event: ClusterEvent): boolean {
    if (item.rejectors.size === 0) return true;
    const plugins =
      this.#options.profileOf(item.pod)?.interests(event.resource, event.action) ?? [];
    return plugins.some(
      ({ plugin, interest }) =>
        item.rejectors.has(plugin) && (interest.hint?.(item.pod, event) ?? true),
    );
  }
}
