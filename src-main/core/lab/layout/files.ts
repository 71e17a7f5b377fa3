/** A file to be laid on a machine before it boots. */
export interface LaidFile {
  readonly path: string;
  readonly content: string;
  /** Permission bits. */
  readonly mode: number;
}

export const publicFile = (path: string, content: string): LaidFile => ({
  path,
  content,
  mode: 0o644,
});
export const secretFile = (path: string, content: string): LaidFile => ({
  path,
  content,
  mode: 0o600,
});
