import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { RpcClient } from '#contract';

/** Runs one command on a machine: its output and exit code become this process's own. */
export async function runRemote(
  rpc: RpcClient,
  target: { readonly clusterId: string; readonly host: string },
  command: string,
): Promise<number> {
  const stdin = process.stdin.isTTY ? undefined : await readStdin();
  const { exitCode, stdout, stderr } = await rpc.call('clusters.run', {
    ...target,
    command,
    ...(stdin === undefined ? {} : { stdin }),
  });
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return exitCode;
}

/** A shell on a machine in this terminal. @returns the shell's exit code. */
export async function runShell(
  rpc: RpcClient,
  target: { readonly clusterId: string; readonly host: string },
): Promise<number> {
  const { stdin, stdout } = process;
  const size = (): { columns: number; rows: number } => ({
    columns: stdout.columns || 80,
    rows: stdout.rows || 24,
  });
  const { terminalId } = await rpc.call('terminals.open', { ...target, ...size() });
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

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
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
