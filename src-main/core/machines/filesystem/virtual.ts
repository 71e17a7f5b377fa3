/** A file made when it is read: `/proc`, `/sys`. */
export type VirtualNode =
  | {
      readonly kind: 'file';
      readonly mode?: number;
      read(): string | Uint8Array;
      /** Absent: writing is EACCES. @throws FileError EINVAL. */
      write?(content: Uint8Array): void;
    }
  | { readonly kind: 'symlink'; readonly mode?: number; target(): string }
  | {
      readonly kind: 'directory';
      readonly mode?: number;
      list(): Iterable<string>;
      lookup(name: string): VirtualNode | undefined;
    };

/** A virtual file of what `read` returns. */
export function virtualFile(
  read: () => string | Uint8Array,
  write?: (content: Uint8Array) => void,
): VirtualNode {
  return write ? { kind: 'file', mode: 0o644, read, write } : { kind: 'file', read };
}

/** A virtual directory of fixed names, made of a nested record; `more` adds names that come and go. */
export function virtualDirectory(
  entries: Readonly<Record<string, VirtualNode>>,
  more?: { list(): Iterable<string>; lookup(name: string): VirtualNode | undefined },
): VirtualNode {
  return {
    kind: 'directory',
    list: () => [...Object.keys(entries), ...(more?.list() ?? [])],
    lookup: (name) => (Object.hasOwn(entries, name) ? entries[name] : more?.lookup(name)),
  };
}

/** A tree of virtual files from paths: `{'kernel/hostname': …}`. */
export function virtualTree(files: Readonly<Record<string, VirtualNode>>): VirtualNode {
  const here: Record<string, VirtualNode> = {};
  const below = new Map<string, Record<string, VirtualNode>>();
  for (const [path, node] of Object.entries(files)) {
    const slash = path.indexOf('/');
    if (slash < 0) here[path] = node;
    else {
      const name = path.slice(0, slash);
      const group = below.get(name) ?? {};
      group[path.slice(slash + 1)] = node;
      below.set(name, group);
    }
  }
  for (const [name, group] of below) here[name] = virtualTree(group);
  return virtualDirectory(here);
}
