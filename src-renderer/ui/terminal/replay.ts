/**
 * What `terminals.attach` sends again, out of all bytes that came while it was asked. Bytes written just before
 * the core heard the question arrive twice, once by themselves and once as part of the replay; the replay is
 * what came last.
 * @param replayedBytes length of the replay; undefined when the core does not tell, then everything counts.
 */
export function replayOf(
  chunks: readonly Uint8Array[],
  replayedBytes: number | undefined,
): Uint8Array {
  const total = chunks.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return replayedBytes === undefined ? bytes : bytes.subarray(Math.max(0, total - replayedBytes));
}
