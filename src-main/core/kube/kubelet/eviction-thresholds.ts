import { formatQuantity, parseQuantity, type Quantity } from '../machinery/index.ts';
import { durationMs, type KubeletConfiguration } from './configuration.ts';

export type Signal =
  'memory.available' | 'nodefs.available' | 'imagefs.available' | 'pid.available';
export type Starved = 'memory' | 'ephemeral-storage' | 'pids';
export type Pressure = 'MemoryPressure' | 'DiskPressure' | 'PIDPressure';

/** From when on pods are evicted. */
export interface Threshold {
  readonly signal: Signal;
  /** `100Mi`, or `10%` of the capacity. */
  readonly value: string;
  /** How much more than the value is to be available before it is enough again. */
  readonly minReclaim: string;
  /** A soft threshold has to be met for so long. */
  readonly graceMs: number;
}

/** What there is of a resource, and how much of it is free; bytes or numbers. */
export interface Observation {
  readonly capacity: number;
  readonly available: number;
}

export type Observations = Partial<Record<Signal, Observation>>;

export const starvedBy: Readonly<Record<Signal, Starved>> = {
  'memory.available': 'memory',
  'nodefs.available': 'ephemeral-storage',
  'imagefs.available': 'ephemeral-storage',
  'pid.available': 'pids',
};

export const pressureOf: Readonly<Record<Signal, Pressure>> = {
  'memory.available': 'MemoryPressure',
  'nodefs.available': 'DiskPressure',
  'imagefs.available': 'DiskPressure',
  'pid.available': 'PIDPressure',
};

function isSignal(name: string): name is Signal {
  return name in starvedBy;
}

/** @see pkg/kubelet/eviction/helpers.go, ParseThresholdConfig */
export function thresholdsOf(config: KubeletConfiguration): Threshold[] {
  const { evictionHard, evictionSoft = {}, evictionSoftGracePeriod = {} } = config;
  const minReclaim = config.evictionMinimumReclaim ?? {};
  const parse = (
    values: Readonly<Record<string, string>>,
    graceMs: (signal: string) => number,
  ): Threshold[] =>
    Object.entries(values).flatMap(([signal, value]) =>
      // `0%` and `100%` switch a threshold off; inodes are not counted here.
      !isSignal(signal) || value === '0%' || value === '100%'
        ? []
        : [{ signal, value, minReclaim: minReclaim[signal] ?? '0', graceMs: graceMs(signal) }],
    );
  return [
    ...parse(evictionHard, () => 0),
    ...parse(evictionSoft, (signal) => durationMs(evictionSoftGracePeriod[signal] ?? '0s')),
  ];
}

/** @returns bytes, or a number of processes. */
export function amountOf(value: string, capacity: number): number {
  if (value.endsWith('%')) return Math.floor((capacity * Number(value.slice(0, -1))) / 100);
  return Number(parseQuantity(value).nano / 1_000_000_000n);
}

/** Those whose signal is below their value; by `reclaiming` also those that have not yet recovered. */
export function metThresholds(
  thresholds: readonly Threshold[],
  observations: Observations,
  reclaiming: boolean,
): Threshold[] {
  return thresholds.filter(({ signal, value, minReclaim }) => {
    const observed = observations[signal];
    if (!observed) return false;
    const { capacity, available } = observed;
    const least = amountOf(value, capacity) + (reclaiming ? amountOf(minReclaim, capacity) : 0);
    return available < least;
  });
}

/** A number of bytes as messages show it: `50904Ki`. */
export function binaryText(bytes: number): string {
  return formatQuantity({ nano: BigInt(Math.round(bytes)) * 1_000_000_000n, format: 'BinarySI' });
}

/** The quantity of a threshold as messages show it. */
export function thresholdText({ value }: Threshold, capacity: number): string {
  return value.endsWith('%')
    ? binaryText(amountOf(value, capacity))
    : formatQuantity(parseQuantity(value) satisfies Quantity);
}
