import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { firstStreamId, type RpcClient } from '#contract';

interface Target {
  readonly clusterId: string;
  readonly host: string;
}

/** What is sent before the command has to have taken it in. */
const inputBytesUnderWay = 256 * 1024;
/** How much output arrives before the command hears of it. */
const outputBytesBetweenReports = 128 * 1024;
/** Exit codes of a program that a signal ended, 128 and the signal's number. */
const endedBy = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const;

/**
 * Runs one command on a machine: its streams and its exit code are this process's own, as they come. Ctrl-C goes to
 * the command; a second one, or an end of this process, leaves it alone with a hang-up.
 */
export async function runRemote(
  rpc: RpcClient,
  target: Target,
  command: string,
  { input = true }: { readonly input?: boolean } = {},
): Promise<number> {
  const { stdin, stdout, stderr } = process;
  const streamId = firstStreamId;
  const hangUp = new AbortController();
  let code: number | undefined;
  const leave = (signal: keyof typeof endedBy): void => {
    code ??= endedBy[signal];
    hangUp.abort();
  };
  let untoldBytes = 0;
  const taken = (bytes: number): void => {
    untoldBytes += bytes;
    if (untoldBytes < outputBytesBetweenReports) return;
    rpc.call('commands.taken', { streamId, bytes: untoldBytes }).catch(() => undefined);
    untoldBytes = 0;
  };
  const show = (output: NodeJS.WriteStream) => (bytes: Uint8Array) =>
    void output.write(bytes, () => taken(bytes.length));
  const subscriptions = [
    rpc.onTerminal(streamId, show(stdout)),
    rpc.onTerminal(streamId + 1, show(stderr)),
  ];
  for (const output of [stdout, stderr]) output.on('error', () => leave('SIGPIPE'));
  let interrupted = false;
  const onInterrupt = (): void => {
    if (interrupted) leave('SIGINT');
    interrupted = true;
    rpc.call('commands.signal', { streamId, signal: 'SIGINT' }).catch(() => leave('SIGINT'));
  };
  const onTerminate = (): void => leave('SIGTERM');
  const onHangUp = (): void => leave('SIGHUP');
  process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate).on('SIGHUP', onHangUp);
  const running = rpc.call(
    'commands.run',
    { ...target, command, streamId, input },
    { signal: hangUp.signal },
  );
  if (input) void sendInput(rpc, streamId);
  try {
    const { exitCode } = await running;
    await Promise.all([flushed(stdout), flushed(stderr)]);
    return exitCode;
  } catch (error) {
    if (code === undefined) throw error;
    return code;
  } finally {
    for (const subscription of subscriptions) subscription.dispose();
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate).off('SIGHUP', onHangUp);
    // A read under way would keep this process.
    if (input) stdin.destroy();
  }
}

/** Resolves when everything written has left this process, or nobody takes it any more. */
function flushed(output: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    output.once('error', () => resolve());
    output.write('', () => resolve());
  });
}

async function sendInput(rpc: RpcClient, streamId: number): Promise<void> {
  try {
    let underWay = 0;
    for await (const chunk of process.stdin) {
      const bytes = chunk as Buffer;
      rpc.writeTerminal(streamId, bytes);
      underWay += bytes.length;
      if (underWay < inputBytesUnderWay) continue;
      await rpc.call('commands.drained', { streamId });
      underWay = 0;
    }
    rpc.writeTerminal(streamId, new Uint8Array());
  } catch {
    // The command has ended and its input with it.
  }
}

/** A shell on a machine, or one command, in this terminal. @returns its exit code. */
export async function runShell(rpc: RpcClient, target: Target, command?: string): Promise<number> {
  const { stdin, stdout } = process;
  const size = (): { columns: number; rows: number } => ({
    columns: stdout.columns || 80,
    rows: stdout.rows || 24,
  });
  const { terminalId } = await rpc.call('terminals.open', {
    ...target,
    ...size(),
    ...(command === undefined ? {} : { command }),
  });
  const done = new Promise<number>((resolve) => {
    rpc.on('terminal.exit', (exit) => {
      if (exit.terminalId === terminalId) resolve(exit.exitCode);
    });
    rpc.onClose(() => {
      process.stderr.write(`\r\nConnection to ${target.host} closed by remote host.\r\n`);
      resolve(255);
    });
  });
  rpc.on('terminal.edit', (edit) => {
    if (edit.terminalId !== terminalId) return;
    void editHere(edit.path, edit.content).then((content) =>
      rpc.call('terminals.edited', { editId: edit.editId, content }),
    );
  });
  const suspended = { value: false };
  const onInput = (data: Buffer): void => {
    if (!suspended.value) rpc.writeTerminal(terminalId, data);
  };
  const onResize = (): void => {
    void rpc.call('terminals.resize', { terminalId, ...size() }).catch(() => undefined);
  };
  const editHere = async (path: string, content: string): Promise<string | null> => {
    suspended.value = true;
    stdin.setRawMode(false);
    stdin.pause();
    try {
      return await editInEditor(path, content);
    } finally {
      stdin.setRawMode(true);
      stdin.resume();
      suspended.value = false;
    }
  };
  const output = rpc.onTerminal(terminalId, (bytes) => void stdout.write(bytes));
  stdin.setRawMode(true);
  stdin.on('data', onInput);
  stdin.resume();
  stdout.on('resize', onResize);
  try {
    return await done;
  } finally {
    output.dispose();
    stdin.off('data', onInput);
    stdin.setRawMode(false);
    stdin.pause();
    stdout.off('resize', onResize);
  }
}

/** The editor of this computer, on a copy of the file. @returns null when it failed or is missing. */
async function editInEditor(path: string, content: string): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'kijabi-edit-'));
  const file = join(folder, basename(path));
  await writeFile(file, content, { mode: 0o600 });
  const editor = process.env['VISUAL'] || process.env['EDITOR'] || 'vi';
  try {
    const code = await new Promise<number>((resolve) => {
      // As git and kubectl do: EDITOR may hold flags, so a shell takes it apart.
      const child = spawn('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' });
      child.once('error', () => resolve(127));
      child.once('exit', (exitCode) => resolve(exitCode ?? 1));
    });
    return code === 0 ? await readFile(file, 'utf8') : null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
