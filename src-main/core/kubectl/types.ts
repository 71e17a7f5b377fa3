import type { ByteSink, ByteSource, Clock, Disposable, Random } from '#core/base';
import type { Connection, Transport } from '#core/kube';

/** What kubectl needs of a file system; a machine's own has it. Paths are absolute. */
export interface KubectlFiles {
  /** @throws Error the file cannot be read; its message is Go's (`open x: no such file or directory`). */
  readFile(path: string): Uint8Array;
  writeFile(path: string, bytes: Uint8Array, mode?: number): void;
  mkdir(path: string, options?: { recursive?: boolean; mode?: number }): void;
  exists(path: string): boolean;
  stat(path: string): KubectlFileStat;
  /** Does not follow a last symlink; without it there are none. */
  lstat?(path: string): KubectlFileStat;
  readlink?(path: string): string;
  /** Names in the folder, sorted. */
  readdir(path: string): readonly string[];
  remove(path: string, options?: { recursive?: boolean; force?: boolean }): void;
}

export interface KubectlFileStat {
  readonly kind: string;
  /** Permission bits, when they are known. */
  readonly mode?: number;
  readonly modifiedMs?: number;
}

/** What a connection to an API server needs; PEM texts, not paths. */
export interface ConnectionConfig {
  /** `https://host:port`, with a path prefix if there is one. */
  readonly server: string;
  readonly ca?: string;
  readonly clientCertificate?: string;
  readonly clientKey?: string;
  readonly token?: string;
  /** Path of a file whose content is sent as bearer token, read again at each request. */
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly insecure: boolean;
  readonly tlsServerName?: string;
  readonly proxy?: string;
}

export interface KubectlTty {
  readonly columns: number;
  readonly rows: number;
  setRaw(raw: boolean): void;
  onResize(listener: () => void): Disposable;
}

/** Everything a run of kubectl may touch. */
export interface KubectlIo {
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  readonly env: Readonly<Record<string, string>>;
  /** Absolute. */
  readonly cwd: string;
  readonly files: KubectlFiles;
  readonly clock: Clock;
  readonly random: Random;
  /** Present when stdin is a terminal. */
  readonly tty?: KubectlTty | undefined;
  /** Aborted by Ctrl-C, or when the process dies: whatever streams ends. */
  readonly signal: AbortSignal;
  /** Catches Ctrl-C, which then no longer ends the process, until disposed. */
  readonly onInterrupt?: (handler: () => void) => Disposable;
  /** A way to the server; called once for each connection configuration. */
  readonly connect: (config: ConnectionConfig) => Transport;
  /** Runs a program beside kubectl (an editor, diff) on its streams; its exit code, or null when there is none of that name. */
  readonly runProgram?: (argv: readonly string[]) => Promise<number | null>;
  /** Listens on a local port (0 chooses one). @throws Error the port is taken. */
  readonly listenLocal?: (
    address: string,
    port: number,
    onConnection: (connection: Connection) => void,
  ) => Promise<Disposable & { readonly port: number }>;
  /** Lives as long as the machine: what discovery found, by server, as `~/.kube/cache` keeps it. */
  readonly discoveryCache?: Map<string, unknown>;
  /** For the head of log lines; 1 when absent. */
  readonly pid?: number;
}
