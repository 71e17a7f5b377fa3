import { type KubectlFiles, runKubectl } from '#core/kubectl';
import {
  createResolver,
  FileError,
  type FileSystem,
  ListenError,
  type Program,
  type ProgramContext,
  SpawnError,
} from '#core/machines';
import { apiTransport } from './api-transport.ts';

/** kubectl on one machine: the built-in client over the machine's own files, network and terminal. */
export function kubectl(): Program {
  // As ~/.kube/cache: what one command has found out about a server, the next need not ask again.
  const discoveryCache = new Map<string, unknown>();
  return (context) => {
    const { files, net, clock, random, signal, stdin, stdout, stderr, env, cwd, tty, process } =
      context;
    const resolver = createResolver({ files, net, clock, random, signal });
    return runKubectl(context.argv.slice(1), {
      stdin,
      stdout,
      stderr,
      env,
      cwd,
      files: goFiles(files),
      clock,
      random,
      tty,
      signal,
      onInterrupt: (handler) => process.onSignal('SIGINT', handler),
      pid: process.pid,
      discoveryCache,
      connect: (config) =>
        apiTransport(config, {
          net,
          files,
          clock,
          signal,
          resolve: (host) => resolver.lookup(host),
        }),
      runProgram: (argv) => runProgram(context, argv),
      listenLocal: (address, port, onConnection) => {
        try {
          const chosen = port === 0 ? 30_000 + random.integer(20_000) : port;
          const listening = net.listen(chosen, { kind: 'tcp', accept: onConnection }, { address });
          return Promise.resolve({ port: chosen, dispose: () => listening.dispose() });
        } catch (error) {
          if (!(error instanceof ListenError)) throw error;
          return Promise.reject(
            new Error(`listen tcp4 ${address}:${port}: bind: address already in use`),
          );
        }
      },
    });
  };
}

/** The machine's files with Go's words for what goes wrong. */
function goFiles(files: FileSystem): KubectlFiles {
  return {
    exists: (path) => files.exists(path),
    stat: (path) => files.stat(path),
    lstat: (path) => files.lstat(path),
    readlink: (path) => files.readlink(path),
    readdir: (path) => files.readdir(path),
    mkdir: (path, options) => files.mkdir(path, options),
    remove: (path, options) => files.remove(path, options),
    writeFile: (path, bytes, mode) => files.writeFile(path, bytes, mode),
    readFile: (path) => {
      try {
        return files.readFile(path);
      } catch (error) {
        if (!(error instanceof FileError)) throw error;
        const text = error.message.charAt(0).toLowerCase() + error.message.slice(1);
        throw new Error(`${error.code === 'EISDIR' ? 'read' : 'open'} ${path}: ${text}`);
      }
    },
  };
}

/** Starts a program of the machine on the same terminal and streams. */
async function runProgram(
  { process, stdin, stdout, stderr, env, cwd, tty }: ProgramContext,
  argv: readonly string[],
): Promise<number | null> {
  try {
    const options = { stdin, stdout, stderr, env, cwd, ...(tty ? { tty } : {}) };
    return await process.spawn(argv, options).exit;
  } catch (error) {
    if (!(error instanceof SpawnError)) throw error;
    return error.code === 'ENOENT' && !argv[0]?.includes('/') ? null : 126;
  }
}
