/** A share in [0, 1] as whole percent; an em dash when there is none. */
export function formatPercent(share: number | null): string {
  return share === null ? '—' : `${Math.round(share * 100)}%`;
}
