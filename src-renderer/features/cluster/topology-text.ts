/** The part of a topology that asks for load balancers, with addresses or without. */
const part = /\+lb(?:=[^+]*)?(?=\+|$)/;

export const hasLoadBalancers = (topology: string): boolean => part.test(topology.trim());

/** A topology with or without load balancers, and otherwise the same. */
export function withLoadBalancers(topology: string, wanted: boolean): string {
  const text = topology.trim();
  if (hasLoadBalancers(text) === wanted) return text;
  return wanted ? `${text}+lb` : text.replace(part, '');
}
