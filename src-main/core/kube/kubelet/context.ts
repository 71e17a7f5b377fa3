import type { Clock, Disposable, Logger, Random } from '#core/base';
import type { EventRecorder, Informers, KubeClient } from '../client/index.ts';
import type { KubeletConfiguration } from './configuration.ts';
import type { NodeHost } from './host.ts';
import { podReference, type PodView } from './pods.ts';

export type Severity = 'I' | 'W' | 'E';

/** What a part of the kubelet works with. */
export interface KubeletContext {
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly host: NodeHost;
  readonly config: KubeletConfiguration;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly version: string;
  /** When this kubelet started, ms since the epoch. */
  readonly startedMs: number;
  /** Absent: a kubelet that runs static pods alone. */
  readonly api?: { readonly client: KubeClient; readonly informers: Informers };
  readonly recorder: EventRecorder;
  /** A structured line of the kubelet's log: `"message" key="value"`. */
  readonly log: (
    severity: Severity,
    place: string,
    message: string,
    fields?: Readonly<Record<string, string | number>>,
  ) => void;
  /** A line as it stands. */
  readonly logText: (severity: Severity, place: string, text: string) => void;
}

/** `"message" key="value" …` as klog prints structured lines. */
export function structuredLine(
  message: string,
  fields: Readonly<Record<string, string | number>> = {},
): string {
  const pairs = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? JSON.stringify(value) : value}`,
  );
  return [JSON.stringify(message), ...pairs].join(' ');
}

/** An event on a pod, or on one of its containers. */
export function podEvent(
  context: KubeletContext,
  pod: PodView,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
  container?: string,
): void {
  context.recorder.event(podReference(pod, container), type, reason, message);
}

/** A timer that starts over, owned by whoever disposes it. */
export class Alarm implements Disposable {
  readonly #clock: Clock;
  readonly #callback: () => void;
  #timer: Disposable | undefined;
  #dueMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, callback: () => void) {
    this.#clock = clock;
    this.#callback = callback;
  }

  /** Rings at the time given, unless it is set to ring earlier. */
  setBefore(dueMs: number, background: boolean): void {
    if (dueMs >= this.#dueMs) return;
    this.dispose();
    this.#dueMs = dueMs;
    this.#timer = this.#clock.setTimer(
      dueMs - this.#clock.now(),
      () => {
        this.#dueMs = Number.POSITIVE_INFINITY;
        this.#callback();
      },
      { background },
    );
  }

  dispose(): void {
    this.#timer?.dispose();
    this.#dueMs = Number.POSITIVE_INFINITY;
  }
}

/** The text of whatever was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
