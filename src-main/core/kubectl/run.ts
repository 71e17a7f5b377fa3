import { BrokenPipeError, deferred } from '#core/base';
import { ConnectionError, StatusError } from '#core/kube';
import { type CommandSpec, globalFlags } from './command.ts';
import { ConfigurationError } from './config/kubeconfig.ts';
import { AggregateCommandError, asError, CommandError, ExitError, UsageError } from './errors.ts';
import { Flags, HelpRequest, parseFlag, parseFlags } from './flags.ts';
import { helpText } from './help.ts';
import { completeWords, rootCommand } from './commands/index.ts';
import { Session } from './session.ts';
import type { KubectlIo } from './types.ts';

/**
 * Runs kubectl once.
 *
 * @param argv arguments without the program's name.
 * @returns the exit code: 0, 1, that of a command run by exec, or 130 after an interrupt.
 */
export async function runKubectl(argv: readonly string[], io: KubectlIo): Promise<number> {
  if (argv[0] === '__complete') return completeLine(argv.slice(1), io);
  const { spec, path, rest } = findCommand(argv);
  let session = new Session(io, new Flags(new Map(), new Map(), [], -1), path);
  let code: number;
  try {
    const flags = parseFlags([...globalFlags, ...(spec.flags ?? [])], rest, {
      interspersed: !spec.stopAtFirstArgument,
    });
    session = new Session(io, flags, path);
    if (spec.run) code = await runInterruptibly(session, spec.run(session), spec);
    else code = showGroup(session, spec, rest);
  } catch (error) {
    if (io.signal.aborted) code = spec.interruptCode?.(session.flags) ?? 130;
    else code = report(session, spec, error);
  }
  try {
    await session.flush();
  } catch (error) {
    if (!(error instanceof BrokenPipeError)) throw error;
    return 141;
  }
  return code;
}

/** A command that catches Ctrl-C ends at once with a code of its own. */
async function runInterruptibly(
  { flags, io }: Session,
  running: Promise<number>,
  spec: CommandSpec,
): Promise<number> {
  const code = spec.interruptCode?.(flags);
  if (code === undefined || !io.onInterrupt) return running;
  const interrupted = deferred<number>();
  const catching = io.onInterrupt(() => {
    interrupted.resolve(code);
  });
  try {
    return await Promise.race([running, interrupted.promise]);
  } finally {
    catching.dispose();
    running.catch(() => undefined);
  }
}

/** Answers a shell that asks how a line may go on. */
async function completeLine(words: readonly string[], io: KubectlIo): Promise<number> {
  const session = new Session(io, new Flags(new Map(), new Map(), [], -1), 'kubectl __complete');
  const code = await completeWords(session, words, findCommand);
  await session.flush();
  return code;
}

/** Finds the command: flags before it are passed on to it. */
export function findCommand(argv: readonly string[]): {
  spec: CommandSpec;
  path: string;
  rest: readonly string[];
} {
  let spec: CommandSpec = rootCommand;
  let path = 'kubectl';
  const rest: string[] = [];
  const takesValue = valueFlags();
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--') {
      rest.push(...argv.slice(i));
      break;
    }
    if (word.startsWith('-') && word !== '-') {
      rest.push(word);
      if (takesValue.has(word) && i + 1 < argv.length) rest.push(argv[++i] ?? '');
      continue;
    }
    const next = spec.commands?.find(
      ({ name, aliases }) => name === word || aliases?.includes(word),
    );
    if (!next) {
      rest.push(...argv.slice(i));
      break;
    }
    spec = next;
    path += ` ${next.name}`;
  }
  return { spec, path, rest };
}

function valueFlags(): Set<string> {
  const out = new Set<string>();
  for (const { name, short, noOpt } of globalFlags.map(parseFlag)) {
    if (noOpt !== undefined) continue;
    out.add(`--${name}`);
    if (short !== '') out.add(`-${short}`);
  }
  return out;
}

function showGroup(session: Session, spec: CommandSpec, rest: readonly string[]): number {
  const [unknown] = session.args;
  if (unknown === undefined || rest.length === 0) {
    const help = helpText(spec, session.command);
    if (spec === rootCommand) session.out(help);
    else session.err(help);
    return spec === rootCommand ? 0 : 1;
  }
  if (spec === rootCommand) {
    const similar = similarCommands(unknown);
    session.err(
      `error: unknown command "${unknown}" for "kubectl"\n${similar.length > 0 ? `\nDid you mean this?\n${similar.map((name) => `\t${name}\n`).join('')}` : ''}`,
    );
    return 1;
  }
  session.err(
    `error: unknown command "${unknown}"\nSee '${session.command} -h' for help and examples\n`,
  );
  return 1;
}

/** Commands within two edits of the word, or that begin with it; in the order of kubectl's list. */
function similarCommands(word: string): string[] {
  return (rootCommand.commands ?? [])
    .map(({ name }) => name)
    .filter(
      (name) => editDistance(word.toLowerCase(), name) <= 2 || name.startsWith(word.toLowerCase()),
    );
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++)
      current.push(
        Math.min(
          (previous[j] ?? 0) + 1,
          (current[j - 1] ?? 0) + 1,
          (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
        ),
      );
    previous = current;
  }
  return previous[b.length] ?? 0;
}

function report(session: Session, spec: CommandSpec, error: unknown): number {
  if (error instanceof HelpRequest) {
    session.out(helpText(spec, session.command));
    return 0;
  }
  if (error instanceof ExitError) {
    if (error.message !== '') session.err(`${error.message}\n`);
    return error.code;
  }
  if (error instanceof UsageError) {
    const help =
      spec.failureCode === undefined ? "--help' for usage." : "-h' for help and examples";
    const hint = error.hint ?? `See '${session.command} ${help}`;
    session.err(`${error.before}error: ${error.message}\n${hint}\n`);
    return spec.failureCode ?? 1;
  }
  if (error instanceof BrokenPipeError) return 141;
  const message = messageOf(asError(error), session);
  session.err(message.endsWith('\n') ? message : `${message}\n`);
  return spec.failureCode ?? 1;
}

/** @see k8s.io/kubectl/pkg/cmd/util/helpers.go, checkErr */
function messageOf(error: Error, session: Session): string {
  if (error instanceof AggregateCommandError)
    return error.errors.map((each) => standardMessage(each, session) ?? each.message).join('\n');
  if (error instanceof ConfigurationError) return `Error in configuration: ${error.message}`;
  if (error instanceof StatusError && error.status.reason === 'Invalid')
    return invalidMessage(error);
  const standard = standardMessage(error, session);
  if (standard !== undefined) return standard;
  if (error instanceof CommandError)
    return error.message.startsWith('error: ') ? error.message : `error: ${error.message}`;
  return `error: ${error.message}`;
}

function invalidMessage(error: StatusError): string {
  const { details, message = '' } = error.status;
  if (!details) return message;
  const head =
    details.kind || details.name
      ? `The ${details.kind ?? ''} ${JSON.stringify(details.name ?? '')} is invalid`
      : 'The request is invalid';
  const causes = details.causes ?? [];
  if (causes.length === 0) return `${head}: ${message}`;
  const texts = [...new Set(causes.map((cause) => `${cause.field ?? ''}: ${cause.message ?? ''}`))];
  return texts.length === 1
    ? `${head}: ${texts[0] ?? ''}\n`
    : `${head}: \n${texts.map((each) => `* ${each}`).join('\n')}\n`;
}

/** Texts for failures of the API and of the connection; undefined for others. */
function standardMessage(error: Error, session: Session): string | undefined {
  if (error instanceof StatusError) {
    const { reason, message = '', code } = error.status;
    if (reason === 'Unauthorized')
      return `error: You must be logged in to the server (${message.trim() === 'Unauthorized' || message === '' ? 'Unauthorized' : message})`;
    if (reason && code !== 0) return `Error from server (${reason}): ${message}`;
    return `Error from server: ${message}`;
  }
  if (error instanceof ConnectionError) {
    if (error.code === 'ECONNREFUSED') {
      const host = session.api.server.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
      return `The connection to the server ${host} was refused - did you specify the right host or port?`;
    }
    return `Unable to connect to the server: ${error.message}`;
  }
  return undefined;
}
