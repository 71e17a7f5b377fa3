import { type DeepReadonly, fromBase64, fromUtf8 } from '#core/base';
import type { Secret } from '../../apis/index.ts';

export const bootstrapTokenType = 'bootstrap.kubernetes.io/token';

/** When a bootstrap token ends, ms since the epoch; one with an unreadable date ends at once. */
export function expiryMs(secret: DeepReadonly<Secret>): number | undefined {
  const encoded = secret.data?.['expiration'];
  if (secret.type !== bootstrapTokenType || !encoded) return undefined;
  const ms = Date.parse(fromUtf8(fromBase64(encoded)));
  return Number.isNaN(ms) ? 0 : ms;
}
