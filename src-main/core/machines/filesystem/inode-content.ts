import { utf8 } from '#core/base';
import { fileError } from './errors.ts';
import type { FileStat, OpenFile } from './types.ts';
import type { Inode } from './volume.ts';

const empty = new Uint8Array(0);

/** What reads of a whole file give. @throws FileError */
export function contentOf(inode: Inode, path: string): Uint8Array {
  if (inode.device) return inode.device.read(0) ?? empty;
  if (inode.virtual?.kind === 'file') {
    const content = inode.virtual.read();
    return typeof content === 'string' ? utf8(content) : content;
  }
  if (inode.kind !== 'file') throw fileError('ENXIO', path);
  return inode.buffer.subarray(0, inode.size);
}

/** @throws FileError EACCES a virtual file that takes nothing. */
export function replaceContent(inode: Inode, bytes: Uint8Array, path: string): void {
  if (inode.device) inode.device.write(bytes);
  else if (inode.virtual?.kind === 'file') {
    if (!inode.virtual.write) throw fileError('EACCES', path);
    if (bytes.length > 0) inode.virtual.write(bytes);
  } else inode.volume.setContent(inode, bytes);
}

/** Tells the watchers of a file of its volume. */
export function noteChange(inode: Inode): void {
  if (inode.device || inode.virtual) return;
  if (inode.parent) inode.volume.notify(inode.parent, inode.name);
  else inode.volume.notify(inode, '');
}

/** An open description of a file or device, with a position of its own. */
export function openInode(inode: Inode, path: string, append: boolean): OpenFile {
  let snapshot: Uint8Array | undefined;
  return {
    kind: inode.kind,
    position: 0,
    read(length) {
      if (inode.device) return inode.device.read(length);
      if (inode.kind === 'directory') throw fileError('EISDIR', path);
      if (inode.virtual?.kind === 'file') snapshot ??= contentOf(inode, path);
      const bytes = snapshot ?? inode.buffer.subarray(0, inode.size);
      if (this.position >= bytes.length) return undefined;
      const part = bytes.subarray(this.position, this.position + length);
      this.position += part.length;
      return part;
    },
    write(bytes) {
      if (inode.device) return inode.device.write(bytes);
      if (inode.virtual?.kind === 'file') {
        if (!inode.virtual.write) throw fileError('EACCES', path);
        return inode.virtual.write(bytes);
      }
      if (append) this.position = inode.size;
      inode.volume.writeAt(inode, this.position, bytes);
      this.position += bytes.length;
      noteChange(inode);
    },
    stat: () => statOf(inode),
  };
}

/** The stat(2) of a file. */
export function statOf(inode: Inode): FileStat {
  return {
    kind: inode.kind,
    mode: inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    sizeBytes:
      inode.kind === 'directory' && !inode.virtual
        ? 4096
        : inode.kind === 'symlink'
          ? utf8(inode.target).length
          : inode.size,
    modifiedMs: inode.modifiedMs,
    inode: inode.number,
    links: inode.links,
    ...(inode.device ? { device: [inode.device.major, inode.device.minor] as const } : {}),
  };
}
