import type { SavedLab } from '#core/lab';

/** A saved lab as bytes: JSON with file contents in base64. */
export function encodeLab(lab: SavedLab): Uint8Array {
  const text = JSON.stringify({ lab }, (_, value: unknown) =>
    value instanceof Uint8Array ? { $bytes: Buffer.from(value).toString('base64') } : value,
  );
  return new TextEncoder().encode(text);
}

export function decodeLab(bytes: Uint8Array): SavedLab {
  const { lab } = JSON.parse(new TextDecoder().decode(bytes), (_, value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    '$bytes' in value &&
    typeof value.$bytes === 'string'
      ? new Uint8Array(Buffer.from(value.$bytes, 'base64'))
      : value,
  ) as { readonly lab: SavedLab };
  return lab;
}
