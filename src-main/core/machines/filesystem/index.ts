export { applyChanges, type Change, exportChanges } from './changes.ts';
export { standardDevices } from './devices.ts';
export { fileError, strerror } from './errors.ts';
export { MemoryFileSystem, type MemoryFileSystemOptions } from './memory-file-system.ts';
export type { Mount, MountTable } from './mounts.ts';
export { basename, dirname, joinPath, resolvePath } from './paths.ts';
export { isPresent } from './queries.ts';
export { type Device, TreeBuilder, type TreeNode, type TreeOwner } from './tree.ts';
export {
  type Credentials,
  FileError,
  type FileStat,
  type FileSystem,
  type FileSystemStat,
  type OpenFile,
  type OpenOptions,
} from './types.ts';
export { virtualDirectory, virtualFile, type VirtualNode, virtualTree } from './virtual.ts';
