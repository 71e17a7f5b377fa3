import { toHex32 } from './etcd-text.ts';

/** What `etcdctl snapshot save` writes. A real one is a bbolt file; ours is JSON behind a mark. */
export interface EtcdSnapshot {
  readonly revision: number;
  /** As the store's log has them, in order of key. */
  readonly entries: readonly EtcdSnapshotEntry[];
  readonly leases: readonly { readonly id: number; readonly ttlSeconds: number }[];
}

export interface EtcdSnapshotEntry {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: number;
}

const mark = 'kijabi-etcd-snapshot\n';
/** A bbolt file is made of pages, and an empty one has a few. */
const pageBytes = 4096;
const leastPages = 5;

export function encodeSnapshot(snapshot: EtcdSnapshot): string {
  const body = JSON.stringify(snapshot);
  const text = `${mark}${checksum(body)}\n${body}\n`;
  return text.padEnd(pageBytes * Math.max(leastPages, Math.ceil(text.length / pageBytes)), '\0');
}

/** @returns undefined when the text is no snapshot, or was damaged. */
export function decodeSnapshot(
  text: string,
): (EtcdSnapshot & { readonly hash: string }) | undefined {
  if (!text.startsWith(mark)) return undefined;
  const bodyAt = text.indexOf('\n', mark.length) + 1;
  const hash = text.slice(mark.length, bodyAt - 1);
  const body = text.slice(bodyAt, text.indexOf('\n', bodyAt));
  if (checksum(body) !== hash) return undefined;
  return { ...(JSON.parse(body) as EtcdSnapshot), hash };
}

/** FNV-1a, eight hexadecimal digits. */
export function checksum(text: string): string {
  let hash = 2166136261;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
  return toHex32(hash);
}
