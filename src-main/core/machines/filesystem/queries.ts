import { FileError, type FileSystem } from './types.ts';

/** Whether something has this path, be it a symlink that leads nowhere. */
export function isPresent(files: FileSystem, path: string): boolean {
  try {
    files.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof FileError) return false;
    throw error;
  }
}
