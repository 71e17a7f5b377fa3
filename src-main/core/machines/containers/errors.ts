import { CriError } from '#core/kube';
import { FileError } from '../filesystem/index.ts';
import type { SpawnError } from '../process/index.ts';

/** What a CRI client says when nobody listens on containerd's socket. */
export function unavailable(socketPath: string): CriError {
  return new CriError(
    'Unavailable',
    `connection error: desc = "transport: Error while dialing: dial unix ${socketPath}: connect: no such file or directory"`,
  );
}

export function containerNotFound(id: string): CriError {
  return new CriError(
    'NotFound',
    `an error occurred when try to find container "${id}": not found`,
  );
}

export function sandboxNotFound(id: string): CriError {
  return new CriError('NotFound', `an error occurred when try to find sandbox "${id}": not found`);
}

/** runc's words for a command it cannot run. @see github.com/opencontainers/runc/libcontainer/init_linux.go */
export function execReason(command: string, error: SpawnError): string {
  switch (error.code) {
    case 'ENOENT':
      return command.includes('/')
        ? `exec: "${command}": stat ${command}: no such file or directory`
        : `exec: "${command}": executable file not found in $PATH`;
    case 'EACCES':
      return `exec: "${command}": permission denied`;
    case 'EISDIR':
      return `exec: "${command}": is a directory`;
    case 'ENOEXEC':
      return `exec ${command}: exec format error`;
  }
}

/** The whole text of a container that cannot be started. */
export function startFailure(reason: string): CriError {
  return new CriError(
    'Unknown',
    `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ${reason}`,
  );
}

/** The whole text of a command that cannot be run in a container. */
export function execFailure(execId: string, reason: string): CriError {
  return new CriError(
    'Unknown',
    `failed to exec in container: failed to start exec "${execId}": OCI runtime exec failed: exec failed: unable to start container process: ${reason}`,
  );
}

/** Whether the path does not exist. */
export function isMissing(error: unknown): boolean {
  return error instanceof FileError && error.code === 'ENOENT';
}
