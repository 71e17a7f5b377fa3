import type { Random } from '#core/base';
import type { Mount } from '#core/kube';
import {
  FileError,
  MemoryFileSystem,
  standardDevices,
  TreeBuilder,
  type TreeNode,
  virtualDirectory,
  type VirtualNode,
} from '../filesystem/index.ts';
import { baseNetworkTools, type Image, imageId } from '../images/index.ts';
import { ProgramRegistry } from '../process/index.ts';

/** What the small tools of an image's base are: its files and the programs they stand for. */
export interface BaseSystem {
  readonly tree: TreeNode;
  readonly programs: ProgramRegistry;
}

/** An image unpacked: a tree that any number of containers lie over. */
export interface Unpacked {
  readonly tree: TreeNode;
  readonly programs: ProgramRegistry;
}

/** Unpacks each image once. */
export class Unpacker {
  readonly #baseOf: (base: Image['base']) => BaseSystem;
  readonly #unpacked = new Map<Image, Unpacked>();

  constructor(baseOf: (base: Image['base']) => BaseSystem) {
    this.#baseOf = baseOf;
  }

  unpack(image: Image): Unpacked {
    const known = this.#unpacked.get(image);
    if (known) return known;
    const base = this.#baseOf(image.base);
    const programs = new ProgramRegistry(base.programs);
    const builder = new TreeBuilder(0, base.tree);
    for (const directory of ['/proc', '/sys', '/dev', '/etc', '/tmp', '/var/run'])
      builder.directory(directory, directory === '/tmp' ? { mode: 0o1777 } : {});
    if (image.workingDirectory !== '') builder.directory(image.workingDirectory);
    for (const [path, text] of Object.entries(image.files))
      builder.file(path, text, text.startsWith('#!') ? { mode: 0o755 } : {});
    for (const [path, program] of Object.entries(baseNetworkTools(image.base)))
      builder.file(path, programs.add(`${image.base}:${path}`, program), { mode: 0o755 });
    for (const [path, program] of Object.entries(image.programs))
      builder.file(path, programs.add(`${imageId(image)}:${path}`, program), { mode: 0o755 });
    const unpacked = { tree: builder.build(), programs };
    this.#unpacked.set(image, unpacked);
    return unpacked;
  }
}

export interface RootfsOptions {
  readonly tree: TreeNode;
  readonly host: MemoryFileSystem;
  readonly mounts: readonly Mount[];
  /** The tree of an image on the node. @throws MountError */
  readonly imageTree: (reference: string) => TreeNode;
  readonly readOnly: boolean;
  readonly proc: VirtualNode;
  readonly random: Random;
  readonly now: () => number;
  readonly hostname: string;
  /** Text of `/etc/resolv.conf`. */
  readonly resolvConf: string;
  /** The container's own cgroup. */
  readonly cgroup: VirtualNode;
}

/** A mount that cannot be made; runc's text. */
export class MountError extends Error {
  override readonly name = 'MountError';
}

/**
 * The tree a container sees: its image with a layer of its own above, the kernel's file systems, and the mounts.
 * @throws MountError
 */
export function buildRootfs(options: RootfsOptions): MemoryFileSystem {
  const { host, now, random } = options;
  const files = new MemoryFileSystem({
    now,
    base: options.tree,
    type: 'overlay',
    source: 'overlay',
  });
  files.mountVirtual('/proc', options.proc, { type: 'proc' });
  files.mountTmpfs('/dev', { sizeBytes: 64 * 1024 * 1024, mode: 0o755 });
  for (const [path, device] of Object.entries(standardDevices(random))) files.mknod(path, device);
  files.mountTmpfs('/dev/shm', { sizeBytes: 64 * 1024 * 1024, source: 'shm' });
  files.mountVirtual('/sys', sysFiles, { type: 'sysfs', readOnly: true });
  files.mountVirtual('/sys/fs/cgroup', options.cgroup, {
    type: 'cgroup2',
    source: 'cgroup',
    readOnly: true,
  });
  for (const [path, text] of [
    ['/etc/hostname', `${options.hostname}\n`],
    ['/etc/resolv.conf', options.resolvConf],
  ] as const) {
    if (options.mounts.some(({ containerPath }) => containerPath === path)) continue;
    files.mkdir('/etc', { recursive: true });
    files.writeFile(path, text);
  }
  for (const mount of options.mounts)
    if (mount.image) imageMount(files, mount, options);
    else bindMount(files, host, mount);
  if (options.readOnly) files.remount('/', true);
  return files;
}

/** An image's files below a path; nobody can write them. */
function imageMount(
  files: MemoryFileSystem,
  { containerPath, image }: Mount,
  { imageTree, now }: RootfsOptions,
): void {
  const { reference = '', subPath = '' } = image ?? {};
  const base = imageTree(reference);
  const source = new MemoryFileSystem({ now, base, type: 'overlay', source: 'overlay' });
  const path = `/${subPath}`;
  if (!source.exists(path))
    throw new MountError(
      `failed to mount image volume: image_sub_path ${JSON.stringify(subPath)} does not exist in image ${JSON.stringify(reference)}`,
    );
  files.bind(source, path, containerPath, { readOnly: true });
}

function bindMount(files: MemoryFileSystem, host: MemoryFileSystem, mount: Mount): void {
  const { hostPath, containerPath, readOnly } = mount;
  if (!host.exists(hostPath)) host.mkdir(hostPath, { recursive: true });
  const flags = readOnly ? '0x5001' : '0x5000';
  const failure = (reason: string): MountError =>
    new MountError(
      `error during container init: error mounting "${hostPath}" to rootfs at "${containerPath}": mount ${hostPath}:${containerPath} (via /proc/self/fd/6), flags: ${flags}: ${reason}`,
    );
  const isDirectory = host.stat(hostPath).kind === 'directory';
  try {
    if (
      files.exists(containerPath) &&
      (files.stat(containerPath).kind === 'directory') !== isDirectory
    )
      throw failure('not a directory');
    files.bind(host, hostPath, containerPath, { readOnly });
  } catch (error) {
    if (error instanceof FileError) throw failure(error.message.toLowerCase());
    throw error;
  }
}

const sysFiles = virtualDirectory({
  class: virtualDirectory({}),
  fs: virtualDirectory({ cgroup: virtualDirectory({}) }),
});
