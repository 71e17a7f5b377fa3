import { FileError } from './types.ts';

const texts: Readonly<Record<FileError['code'], string>> = {
  ENOENT: 'No such file or directory',
  EEXIST: 'File exists',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  ENOTEMPTY: 'Directory not empty',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
  ELOOP: 'Too many levels of symbolic links',
  EINVAL: 'Invalid argument',
  EXDEV: 'Invalid cross-device link',
  ENOSPC: 'No space left on device',
  EBUSY: 'Device or resource busy',
  EBADF: 'Bad file descriptor',
  ENXIO: 'No such device or address',
  ENAMETOOLONG: 'File name too long',
  ETXTBSY: 'Text file busy',
};

/** glibc's text for an errno name. */
export function strerror(code: FileError['code']): string {
  return texts[code];
}

/** A FileError with strerror's text. */
export function fileError(code: FileError['code'], path: string): FileError {
  return new FileError(code, path, texts[code]);
}
