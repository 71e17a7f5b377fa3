import type { SavedLab } from '#core/lab';

/** A lab and when it was saved, on its own clock. */
export interface SavedCluster {
  readonly lab: SavedLab;
  readonly nowMs: number;
}

/** A saved cluster as bytes: JSON with file contents in base64. */
export function encodeCluster(cluster: SavedCluster): Uint8Array {
  const text = JSON.stringify(cluster, (_, value: unknown) =>
    value instanceof Uint8Array ? { $bytes: Buffer.from(value).toString('base64') } : value,
  );
  return new TextEncoder().encode(text);
}

export function decodeCluster(bytes: Uint8Array): SavedCluster {
  return JSON.parse(new TextDecoder().decode(bytes), (_, value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    '$bytes' in value &&
    typeof value.$bytes === 'string'
      ? new Uint8Array(Buffer.from(value.$bytes, 'base64'))
      : value,
  ) as SavedCluster;
}
