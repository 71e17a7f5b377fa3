import type { ByteSource } from '#core/base';
import type { CommandResult, CommandSession } from '#core/kube';

/** What a protocol offers a command, whichever it is. Absent: the client did not ask for the stream. */
export interface CommandChannels {
  readonly stdin?: ByteSource;
  readonly stdout?: OutputChannel;
  readonly stderr?: OutputChannel;
  /** JSON texts `{"Width":…,"Height":…}`, one after another. */
  readonly resize?: ByteSource;
  /** The last words, on the error stream. */
  finish(result: CommandResult): Promise<void>;
  /** Ends the connection after what was written. */
  close(): void;
  /** Settles when the client is gone. */
  readonly closed: Promise<void>;
}

export interface OutputChannel {
  write(bytes: Uint8Array): Promise<void>;
  end(): void;
}

/** Carries a command's streams until it ends or the client goes away. */
export async function serveCommand(
  session: CommandSession,
  channels: CommandChannels,
): Promise<void> {
  let isGone = false;
  void channels.closed.then(() => {
    isGone = true;
    session.close();
  });
  void pumpStdin(session, channels);
  void pumpResizes(session, channels);
  const outputs = Promise.all([
    pumpOutput(session.stdout, channels.stdout),
    pumpOutput(session.stderr, channels.stderr),
  ]);
  const result = await session.result.catch((error: unknown): CommandResult => ({
    status: 'Failure',
    message: error instanceof Error ? error.message : String(error),
  }));
  // The last output goes before the status: kubectl stops reading at the status.
  await Promise.race([outputs, channels.closed]);
  if (!isGone) await channels.finish(result);
  channels.stdout?.end();
  channels.stderr?.end();
  channels.close();
}

async function pumpStdin({ stdin }: CommandSession, channels: CommandChannels): Promise<void> {
  if (!stdin) return;
  try {
    for (let bytes = await channels.stdin?.read(); bytes; bytes = await channels.stdin?.read())
      await stdin.write(bytes);
  } catch {
    // The process closed its end. The rest is read and dropped, so that the connection goes on.
    while (await channels.stdin?.read());
  }
  stdin.end();
}

async function pumpOutput(
  source: ByteSource | undefined,
  channel: OutputChannel | undefined,
): Promise<void> {
  for (let bytes = await source?.read(); bytes; bytes = await source?.read())
    await channel?.write(bytes);
}

async function pumpResizes(session: CommandSession, { resize }: CommandChannels): Promise<void> {
  let text = '';
  for (let bytes = await resize?.read(); bytes; bytes = await resize?.read()) {
    text += Buffer.from(bytes).toString();
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      applySize(session, text.slice(0, end + 1));
      text = text.slice(end + 1);
    }
    if (text.length > 1024) return;
  }
}

function applySize(session: CommandSession, text: string): void {
  const width = Number(/"width"\s*:\s*(\d+)/i.exec(text)?.[1] ?? 0);
  const height = Number(/"height"\s*:\s*(\d+)/i.exec(text)?.[1] ?? 0);
  // A terminal that does not know its size says 0; programs then take it for an ordinary one.
  session.resize(width > 0 ? width : 80, height > 0 ? height : 24);
}

/**
 * The Status that goes on the error stream.
 * @see k8s.io/cri-streaming/pkg/streaming/remotecommand/exec.go, ServeExec
 */
export function statusText(result: CommandResult): string {
  switch (result.status) {
    case 'Success':
      return JSON.stringify({ metadata: {}, status: 'Success' });
    case 'NonZeroExitCode':
      return JSON.stringify({
        metadata: {},
        status: 'Failure',
        message: result.message,
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: String(result.exitCode) }] },
      });
    case 'Failure':
      return JSON.stringify({
        metadata: {},
        status: 'Failure',
        message: `Internal error occurred: ${result.message}`,
        reason: 'InternalError',
        details: { causes: [{ message: result.message }] },
        code: 500,
      });
  }
}

/** What clients older than v4 of the protocol get: the message alone, and nothing on success. */
export function plainText(result: CommandResult): string {
  if (result.status === 'Success') return '';
  return result.status === 'Failure'
    ? `Internal error occurred: ${result.message}`
    : result.message;
}
