import type { DomainReadiness } from '#contract';

/**
 * The exam's estimate: readiness weighted by the domains' shares. Domains without evidence count as zero, so
 * that the figure never flatters.
 * @returns in [0, 1]; null when no domain has evidence.
 */
export function overallReadiness(domains: readonly DomainReadiness[]): number | null {
  if (domains.every(({ readiness }) => readiness === null)) return null;
  const weights = domains.reduce((sum, { weight }) => sum + weight, 0);
  if (weights === 0) return null;
  return domains.reduce((sum, each) => sum + each.weight * (each.readiness ?? 0), 0) / weights;
}
