import { humanDuration } from '#core/kube';

/** How long ago a moment was; `<unknown>` when it is not known. */
export function shortAge(ms: number, nowMs: number): string {
  return ms === 0 || Number.isNaN(ms) ? '<unknown>' : humanDuration(nowMs - ms);
}
