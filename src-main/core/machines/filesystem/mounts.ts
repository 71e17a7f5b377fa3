import { fileError } from './errors.ts';
import type { Inode } from './volume.ts';

export interface Mount {
  /** Where it is seen, in this namespace. */
  readonly path: string;
  readonly root: Inode;
  /** The inode it hides; undefined for `/`. */
  readonly covered: Inode | undefined;
  readonly readOnly: boolean;
  readonly type: string;
  readonly source: string;
  /** As in /proc/mounts, without ro or rw. */
  readonly options: readonly string[];
}

/** The mounts of one mount namespace, in order of mounting; the first is `/`. */
export class MountTable {
  readonly #mounts: Mount[] = [];
  readonly #byCovered = new Map<object, Mount>();

  constructor(root: Mount) {
    this.#mounts.push(root);
  }

  get root(): Mount {
    return this.#mounts[0] as Mount;
  }

  list(): readonly Mount[] {
    return this.#mounts;
  }

  add(mount: Mount): void {
    this.#mounts.push(mount);
    if (mount.covered) this.#byCovered.set(identityOf(mount.covered), mount);
  }

  /** Replaces flags of the mount at `path`. @throws FileError EINVAL nothing is mounted there. */
  remount(path: string, readOnly: boolean): void {
    const index = this.#mounts.findLastIndex((mount) => mount.path === path);
    const old = this.#mounts[index];
    if (!old) throw fileError('EINVAL', path);
    const mount = { ...old, readOnly };
    this.#mounts[index] = mount;
    if (mount.covered) this.#byCovered.set(identityOf(mount.covered), mount);
  }

  /** @throws FileError EINVAL nothing is mounted there, EBUSY something is mounted below. */
  remove(path: string): void {
    const index = this.#mounts.findLastIndex((mount) => mount.path === path);
    const mount = this.#mounts[index];
    if (!mount?.covered) throw fileError('EINVAL', path);
    if (this.#mounts.some((other, at) => at > index && other.path.startsWith(`${path}/`)))
      throw fileError('EBUSY', path);
    this.#mounts.splice(index, 1);
    this.#byCovered.delete(identityOf(mount.covered));
  }

  /** What is mounted on this inode, the topmost first. */
  on(inode: Inode): Mount | undefined {
    let mount = this.#byCovered.get(identityOf(inode));
    for (let next = mount; next; next = this.#byCovered.get(identityOf(next.root))) mount = next;
    return mount;
  }
}

/** Inodes of virtual directories are made anew by each look; what they show stays. */
const identityOf = (inode: Inode): object => inode.virtual ?? inode;
