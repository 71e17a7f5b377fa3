import { parseQuantity } from '../machinery/index.ts';
import { podRequests } from './admission.ts';
import {
  binaryText,
  type Observations,
  type Starved,
  starvedBy,
  type Threshold,
  thresholdText,
} from './eviction-thresholds.ts';
import type { PodUsage } from './pod-usage.ts';
import { specOf, type PodView } from './pods.ts';

/** A pod that may be evicted, and what it uses. */
export interface Candidate {
  readonly pod: PodView;
  readonly usage: PodUsage;
}

const bytesOf = (text: string | undefined): number =>
  Number(parseQuantity(text ?? '0').nano / 1_000_000_000n);

function requestOf(pod: PodView, resource: Starved): number {
  if (resource === 'memory') return Number(podRequests(pod).memory);
  return specOf(pod).containers.reduce(
    (sum, { resources }) => sum + bytesOf(resources?.requests?.['ephemeral-storage']),
    0,
  );
}

/**
 * Who goes first: who uses more than was asked for, then who is less important, then who uses the most above the
 * request.
 *
 * @see pkg/kubelet/eviction/helpers.go, rankMemoryPressure and rankDiskPressureFunc
 */
export function ranked(candidates: readonly Candidate[], resource: Starved): Candidate[] {
  const excess = ({ pod, usage }: Candidate): number =>
    resource === 'pids'
      ? 0
      : (resource === 'memory' ? usage.memoryBytes : usage.storageBytes) - requestOf(pod, resource);
  const priority = ({ pod }: Candidate): number => specOf(pod).priority ?? 0;
  return [...candidates].sort(
    (a, b) =>
      (resource === 'pids' ? 0 : Number(excess(b) > 0) - Number(excess(a) > 0)) ||
      priority(a) - priority(b) ||
      excess(b) - excess(a),
  );
}

/** @see pkg/kubelet/eviction/helpers.go, evictionMessage */
export function evictionMessage(
  { pod, usage }: Candidate,
  resource: Starved,
  thresholds: readonly Threshold[],
  observations: Observations,
): string {
  let text = `The node was low on resource: ${resource}. `;
  const threshold = thresholds.find(({ signal }) => starvedBy[signal] === resource);
  const observed = threshold && observations[threshold.signal];
  if (threshold && observed) {
    const available =
      resource === 'pids' ? String(observed.available) : binaryText(observed.available);
    text += `Threshold quantity: ${thresholdText(threshold, observed.capacity)}, available: ${available}. `;
  }
  if (resource === 'pids') return text;
  const podRequest = specOf(pod).resources?.requests?.[resource];
  if (resource === 'memory' && podRequest !== undefined)
    text += `Pod ${pod.metadata.name ?? ''} was using ${binaryText(usage.memoryBytes)}, request is ${podRequest}, has larger consumption of memory. `;
  const containers = [...specOf(pod).containers, ...(specOf(pod).initContainers ?? [])];
  for (const { name, memoryBytes, storageBytes } of usage.containers) {
    const container = containers.find((item) => item.name === name);
    if (!container) continue;
    const request = container.resources?.requests?.[resource];
    const used = resource === 'memory' ? memoryBytes : storageBytes;
    if (used > bytesOf(request))
      text += `Container ${name} was using ${binaryText(used)}, request is ${request ?? '0'}, has larger consumption of ${resource}. `;
  }
  return text;
}
