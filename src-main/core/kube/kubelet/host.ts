import type { Disposable } from '#core/base';
import type { ImageService, RuntimeService } from './cri.ts';

/** The files of the node as the kubelet sees them; paths are absolute. Errors carry `code` as Node's do (ENOENT …). */
export interface HostFiles {
  exists(path: string): boolean;
  isDirectory(path: string): boolean;
  readFile(path: string): Uint8Array;
  /** Creates parents; replaces at once. */
  writeFile(path: string, content: Uint8Array | string, mode?: number): void;
  readdir(path: string): readonly string[];
  mkdir(path: string, mode?: number): void;
  symlink(target: string, path: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Mounts an empty file system in memory; a host without mounts leaves it out. */
  mountTmpfs?(path: string, options: { readonly mode: number; readonly sizeBytes?: number }): void;
  /** What a folder holds on its own file system, bytes; 0 for what is not there. */
  diskUsage?(path: string): number;
  /** Takes off what is mounted there, if anything is. */
  unmount?(path: string): void;
  chmod(path: string, mode: number): void;
  chown(path: string, uid: number, gid: number): void;
  /** Told after each change of the file, or of anything in the directory. */
  watch(path: string, listener: () => void): Disposable;
}

/** The machine a kubelet runs on. */
export interface NodeHost {
  readonly hostname: string;
  readonly files: HostFiles;
  readonly runtime: RuntimeService;
  readonly images: ImageService;
  readonly addresses: readonly string[];
  readonly capacity: {
    readonly cpuMilli: number;
    readonly memoryBytes: number;
    readonly ephemeralStorageBytes: number;
    readonly pods: number;
  };
  /** What is used of it all now; a host that does not know is never short of anything. */
  readonly usage?: () => {
    readonly memoryBytes: number;
    readonly diskBytes: number;
    readonly processes: number;
    readonly maxProcesses: number;
  };
  readonly system: {
    readonly machineId: string;
    readonly systemUuid: string;
    readonly bootId: string;
    readonly kernelVersion: string;
    readonly osImage: string;
    readonly architecture: string;
  };
  /** A HTTP or TCP request from the node itself, for probes. */
  probe(target: ProbeTarget): Promise<ProbeAnswer>;
}

export type ProbeTarget =
  | {
      readonly kind: 'http';
      readonly scheme: 'http' | 'https';
      readonly host: string;
      readonly port: number;
      readonly path: string;
      readonly headers: readonly { readonly name: string; readonly value: string }[];
      readonly timeoutMs: number;
    }
  | {
      readonly kind: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly timeoutMs: number;
    }
  | {
      readonly kind: 'grpc';
      readonly host: string;
      readonly port: number;
      readonly service: string;
      readonly timeoutMs: number;
    };

/** `error` is Go's text for a failed dial or time-out. */
export type ProbeAnswer =
  | { readonly kind: 'http'; readonly status: number; readonly body: string }
  | { readonly kind: 'ok' }
  | { readonly kind: 'error'; readonly error: string };
