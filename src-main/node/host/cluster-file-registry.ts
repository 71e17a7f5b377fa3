import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import type { ClusterRegistry, ClusterSpec } from '#core/app';
import type { Logger } from '#core/base';

/** The registry as a small JSON file, replaced as a whole so that a crash leaves the old or the new one. */
export function fileClusterRegistry(file: string, logger: Logger): ClusterRegistry {
  let specs = read(file, logger);
  const write = (): void => {
    const temporary = `${file}.new`;
    const handle = openSync(temporary, 'w', 0o600);
    writeSync(handle, `${JSON.stringify(specs, null, 2)}\n`);
    fsyncSync(handle);
    closeSync(handle);
    renameSync(temporary, file);
  };
  return {
    list: () => specs,
    put: (spec) => {
      specs = [...specs.filter(({ clusterId }) => clusterId !== spec.clusterId), spec];
      write();
    },
    remove: (clusterId) => {
      const left = specs.filter((spec) => spec.clusterId !== clusterId);
      if (left.length === specs.length) return;
      specs = left;
      write();
    },
  };
}

function read(file: string, logger: Logger): readonly ClusterSpec[] {
  if (!existsSync(file)) return [];
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!Array.isArray(value)) throw new Error('a list is expected');
    return value as ClusterSpec[];
  } catch (error) {
    const kept = `${file}.unreadable`;
    renameSync(file, kept);
    logger.log('error', 'the list of clusters could not be read; it is kept aside', {
      file: kept,
      error: String(error),
    });
    return [];
  }
}
