import type { WireRequest } from '#tests/wire';

/** A request with a name of its own. */
export interface WireRow extends WireRequest {
  readonly name: string;
  /** Why the answer does not count: it prepares what later rows ask for. */
  readonly setup?: true;
}

export const core = '/api/v1/namespaces/wire';
export const configMaps = `${core}/configmaps`;
export const pods = `${core}/pods`;
export const group = '/apis/wire.example.com/v1';

export const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
export const tableOld = 'application/json;as=Table;v=v1beta1;g=meta.k8s.io';
export const partial = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
export const partialList = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
export const protobuf = 'application/vnd.kubernetes.protobuf';

/** Rows as they are written down; what is asked twice stands once. */
export interface Rows {
  readonly add: (row: WireRequest, note?: string) => void;
  readonly get: (path: string, accept?: string) => void;
  /** A request that prepares others. */
  readonly create: (path: string, body: object) => void;
  /** Whether there is a row of this name: method, path, `accept=`. */
  readonly has: (name: string) => boolean;
}

/** @returns what `write` wrote, in its order. */
export function collectRows(write: (rows: Rows) => void): readonly WireRow[] {
  const rows = new Map<string, WireRow>();
  const put = (row: WireRequest, note: string, setup: { setup?: true }): void => {
    const accept = row.headers?.['accept'];
    const parts = [row.method, row.path, accept && `accept=${accept}`, note];
    const name = parts.filter(Boolean).join(' ');
    if (!rows.has(name)) rows.set(name, { ...row, name, ...setup });
  };
  write({
    add: (row, note = '') => put(row, note, {}),
    get: (path, accept) =>
      put(
        { method: 'GET', path, ...(accept === undefined ? {} : { headers: { accept } }) },
        '',
        {},
      ),
    create: (path, body) =>
      put({ method: 'POST', path, body }, JSON.stringify(body), { setup: true }),
    has: (name) => rows.has(name),
  });
  return [...rows.values()];
}
