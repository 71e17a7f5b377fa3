import { type Change, exportChanges, type MemoryFileSystem, applyChanges } from '#core/machines';

/** What running programs own: putting it back under their feet would only confuse them. */
const volatile = ['/var/lib/kubelet/pods', '/var/log', '/var/lib/containerd', '/run', '/tmp/.kube'];

/** Makes a machine's files what they were, touching only what differs. */
export function restoreFiles(files: MemoryFileSystem, wanted: readonly Change[]): void {
  const target = byPath(wanted);
  const current = byPath(exportChanges(files));
  // Children before parents, so that a folder is empty when it goes.
  for (const path of [...current.keys()].sort().reverse())
    if (!target.has(path) && !baseNode(files, path))
      files.remove(path, { recursive: true, force: true });
  // What the base system brings stands again as it was there, parents first.
  for (const path of [...current.keys()].sort()) {
    const node = target.has(path) ? undefined : baseNode(files, path);
    if (node) putBack(files, path, node);
  }
  applyChanges(
    files,
    [...target.values()].filter((change) => !same(change, current.get(change.path))),
  );
}

type BaseNode = NonNullable<MemoryFileSystem['volume']['base']>;

/** What the base system has at a path. */
function baseNode(files: MemoryFileSystem, path: string): BaseNode | undefined {
  let node = files.volume.base;
  for (const name of path.split('/').filter(Boolean)) node = node?.children?.get(name);
  return node;
}

function putBack(files: MemoryFileSystem, path: string, node: BaseNode): void {
  if (node.kind === 'directory') {
    if (!files.exists(path)) files.mkdir(path, { mode: node.mode });
    for (const [name, child] of node.children ?? [])
      if (!files.exists(`${path}/${name}`)) putBack(files, `${path}/${name}`, child);
  } else if (node.kind === 'symlink') {
    files.remove(path, { recursive: true, force: true });
    files.symlink(node.target ?? '', path);
    return;
  } else if (node.kind === 'file') files.writeFile(path, node.content ?? new Uint8Array(0));
  else return;
  files.chmod(path, node.mode);
  files.chown(path, node.uid, node.gid);
}

function byPath(changes: readonly Change[]): Map<string, Change> {
  return new Map(
    changes
      .filter(
        ({ path }) => !volatile.some((prefix) => path === prefix || path.startsWith(`${prefix}/`)),
      )
      .map((change) => [change.path, change]),
  );
}

function same(a: Change, b: Change | undefined): boolean {
  if (!b || a.op !== b.op) return false;
  if (a.op === 'link') return b.op === 'link' && a.to === b.to;
  if (a.op === 'remove' || b.op !== 'put') return a.op === b.op;
  return (
    a.kind === b.kind &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.target === b.target &&
    sameBytes(a.content, b.content)
  );
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === b) return true;
  if (!a || !b || a.length !== b.length) return false;
  return a.every((byte, i) => byte === b[i]);
}
