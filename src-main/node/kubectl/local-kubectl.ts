import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { seededRandom } from '#core/base';
import { type KubectlIo, type KubectlTty, runKubectl } from '#core/kubectl';
import { socketChannel } from '#node/https';
import { httpsTransport } from './https-transport.ts';
import { localFiles } from './local-files.ts';
import { sinkOf, sourceOf } from './local-streams.ts';

/**
 * The built-in kubectl as a program of this computer: it reads its files, runs its editor, and talks to the server
 * of the kubeconfig.
 * @param argv arguments without the program's name.
 * @returns the exit code.
 */
export async function runLocalKubectl(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const interrupt = new AbortController();
  const onInterrupt = (): void => {
    // What does not end by itself is ended.
    if (interrupt.signal.aborted) process.exit(130);
    interrupt.abort(new Error('interrupted'));
  };
  process.on('SIGINT', onInterrupt);
  try {
    return await runKubectl(argv, localIo(env, interrupt.signal));
  } finally {
    process.off('SIGINT', onInterrupt);
  }
}

function localIo(env: Readonly<Record<string, string>>, signal: AbortSignal): KubectlIo {
  const { stdin, stdout, stderr } = process;
  return {
    stdin: sourceOf(stdin),
    stdout: sinkOf(stdout),
    stderr: sinkOf(stderr),
    env,
    cwd: process.cwd(),
    files: localFiles,
    clock: {
      now: () => Date.now(),
      setTimer: (delayMs, callback) => {
        const timer = setTimeout(callback, delayMs);
        return { dispose: () => clearTimeout(timer) };
      },
    },
    random: seededRandom(randomUUID()),
    tty: stdin.isTTY ? localTty() : undefined,
    signal,
    connect: httpsTransport,
    runProgram,
    listenLocal,
    pid: process.pid,
  };
}

function localTty(): KubectlTty {
  const { stdin, stdout } = process;
  return {
    get columns() {
      return stdout.columns || 80;
    },
    get rows() {
      return stdout.rows || 24;
    },
    setRaw: (raw) => void stdin.setRawMode(raw),
    onResize: (listener) => {
      stdout.on('resize', listener);
      return { dispose: () => void stdout.off('resize', listener) };
    },
  };
}

/** An editor or diff, on our terminal. */
function runProgram(argv: readonly string[]): Promise<number | null> {
  const [program = '', ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit' });
    child.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ENOENT' ? null : 126);
    });
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

const listenLocal: NonNullable<KubectlIo['listenLocal']> = (address, port, onConnection) =>
  new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      onConnection({
        input: socketChannel(socket, new Uint8Array()),
        output: { ...sinkOf(socket), end: () => void socket.end() },
        close: () => socket.destroy(),
      });
    });
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`listen tcp4 ${address}:${port}: bind: address already in use`)
          : error,
      );
    });
    server.listen(port, address, () => {
      const bound = server.address();
      resolve({
        port: typeof bound === 'object' && bound ? bound.port : port,
        dispose: () => void server.close(),
      });
    });
  });
