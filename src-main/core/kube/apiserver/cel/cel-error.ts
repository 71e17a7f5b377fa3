/** An expression failed while it ran; the message is cel-go's. */
export class CelError extends Error {
  override readonly name = 'CelError';
}
