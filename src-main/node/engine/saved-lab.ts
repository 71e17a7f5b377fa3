import { fromUtf8, utf8 } from '#core/base';
import type { LabKeys, SavedLab } from '#core/lab';
import type { BlobStore } from '#node/sqlite';

type Changes = SavedLab['files'][string];

/** The blob of a cluster's file that holds the keys, and in older files those of all machines' files as well. */
export const keysBlob = 'lab';

const filesPrefix = 'files/';

/** The blob that holds what was changed on a machine's files. */
export const filesBlob = (hostname: string): string => `${filesPrefix}${hostname}`;

export const encodeKeys = (keys: LabKeys): Uint8Array =>
  utf8(JSON.stringify({ lab: { ...keys, files: {} } }));

/** JSON with file contents in base64. */
export function encodeChanges(changes: Changes): Uint8Array {
  return utf8(
    JSON.stringify(
      changes.map((change) =>
        change.op === 'put' && change.content
          ? { ...change, content: { $bytes: Buffer.from(change.content).toString('base64') } }
          : change,
      ),
    ),
  );
}

/** What a cluster's file holds of its lab; undefined if it was never saved. */
export function readSavedLab(blobs: BlobStore): SavedLab | undefined {
  const bytes = blobs.get(keysBlob);
  if (!bytes) return undefined;
  const { lab } = decode(bytes) as { readonly lab: SavedLab };
  const files = { ...lab.files };
  for (const name of blobs.list(filesPrefix))
    files[name.slice(filesPrefix.length)] = decode(blobs.get(name) ?? new Uint8Array()) as Changes;
  return { ...lab, files };
}

function decode(bytes: Uint8Array): unknown {
  return JSON.parse(fromUtf8(bytes), (_, value: unknown) =>
    typeof value === 'object' &&
    value !== null &&
    '$bytes' in value &&
    typeof value.$bytes === 'string'
      ? new Uint8Array(Buffer.from(value.$bytes, 'base64'))
      : value,
  );
}
