/** What `etcdctl snapshot save` writes: the keys of one revision. A real one is a bbolt file; ours is JSON behind a mark. */
export interface EtcdSnapshot {
  readonly revision: number;
  readonly entries: readonly { readonly key: string; readonly value: string }[];
}

const mark = 'kijabi-etcd-snapshot\n';

export function encodeSnapshot(snapshot: EtcdSnapshot): string {
  const body = JSON.stringify(snapshot);
  return `${mark}${checksum(body)}\n${body}`;
}

/** @returns undefined when the text is no snapshot, or was damaged. */
export function decodeSnapshot(
  text: string,
): (EtcdSnapshot & { readonly hash: string }) | undefined {
  if (!text.startsWith(mark)) return undefined;
  const [hash = '', body = ''] = text.slice(mark.length).split('\n', 2);
  if (checksum(body) !== hash) return undefined;
  return { ...(JSON.parse(body) as EtcdSnapshot), hash };
}

/** FNV-1a, eight hexadecimal digits. */
function checksum(text: string): string {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return (hash >>> 0).toString(16).padStart(8, '0');
}
