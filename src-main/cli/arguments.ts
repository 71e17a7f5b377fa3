import { parseArgs } from 'node:util';
import { UsageError, usage } from './usage.ts';

export interface Arguments {
  readonly data: string | undefined;
  readonly json: boolean;
  /** First word, and the second where the command has two: `cluster up`. */
  readonly command: string;
  readonly operands: readonly string[];
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
}

type Flags = Readonly<Record<string, { readonly type: 'string' | 'boolean' }>>;
interface CommandSyntax {
  readonly flags?: Flags;
  /** Least and most number of operands. */
  readonly operands: readonly [number, number];
}

const cluster = { cluster: { type: 'string' } } as const;
const seed = { seed: { type: 'string' } } as const;

const commands: Readonly<Record<string, CommandSyntax>> = {
  'cluster up': { flags: { topology: { type: 'string' } }, operands: [0, 1] },
  'cluster down': { flags: { all: { type: 'boolean' } }, operands: [0, 1] },
  'cluster list': { operands: [0, 0] },
  'cluster kubeconfig': { operands: [0, 1] },
  'task list': { operands: [0, 0] },
  'task start': { flags: seed, operands: [1, 1] },
  'task check': { operands: [0, 1] },
  'task solve': { operands: [0, 1] },
  'task reset': { operands: [0, 1] },
  'task end': { operands: [0, 1] },
  'exam list': { operands: [0, 0] },
  'exam start': { flags: seed, operands: [1, 1] },
  'exam report': { operands: [0, 1] },
  clock: { flags: { ...cluster, speed: { type: 'string' } }, operands: [0, 2] },
  backup: { operands: [0, 0] },
  restore: { operands: [0, 1] },
  doctor: { operands: [0, 0] },
  daemon: { operands: [0, 0] },
};

const common: Flags = { data: { type: 'string' }, json: { type: 'boolean' } };

/**
 * Reads a command line. For `ssh` and `kubectl`, flags after the first operand belong to the remote command.
 * @throws UsageError
 */
export function readArguments(argv: readonly string[]): Arguments {
  const { data, json, rest } = leadingFlags(argv);
  const [word, ...after] = rest;
  if (word === undefined || word === '--help' || word === '-h' || word === 'help')
    return { data, json, command: 'help', operands: [], flags: {} };
  if (word === 'kubectl') return { data, json, command: word, operands: after, flags: {} };
  if (word === 'ssh') return { ...readSsh(after), data, json };
  const command = word in commands ? word : `${word} ${after[0] ?? ''}`.trim();
  const syntax = commands[command];
  if (!syntax) throw new UsageError(unknownCommand(word, after[0]));
  const { values, positionals } = parse(command === word ? after : after.slice(1), {
    ...common,
    ...syntax.flags,
  });
  const [least, most] = syntax.operands;
  if (positionals.length < least)
    throw new UsageError(`"kijabi ${command}" needs ${least} argument${least === 1 ? '' : 's'}`);
  if (positionals.length > most)
    throw new UsageError(`"kijabi ${command}" does not take ${JSON.stringify(positionals[most])}`);
  return {
    data: typeof values['data'] === 'string' ? values['data'] : data,
    json: json || values['json'] === true,
    command,
    operands: positionals,
    flags: values,
  };
}

function leadingFlags(argv: readonly string[]): {
  data: string | undefined;
  json: boolean;
  rest: readonly string[];
} {
  let data: string | undefined;
  let json = false;
  let index = 0;
  for (; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--json') json = true;
    else if (word.startsWith('--data=')) data = word.slice('--data='.length);
    else if (word === '--data') {
      data = argv[++index];
      if (data === undefined) throw new UsageError('--data needs a folder');
    } else break;
  }
  return { data, json, rest: argv.slice(index) };
}

/** As ssh does: flags before the host are ours, the rest is the command. */
function readSsh(words: readonly string[]): Pick<Arguments, 'command' | 'operands' | 'flags'> {
  const flags: Record<string, string | boolean> = {};
  let index = 0;
  const readFlag = (): boolean => {
    const word = words[index] ?? '';
    if (/^-t+$/.test(word)) flags['tty'] = true;
    else if (word === '-n') flags['no-input'] = true;
    else if (word.startsWith('--cluster=')) flags['cluster'] = word.slice('--cluster='.length);
    else if (word === '--cluster') {
      const value = words[++index];
      if (value === undefined) throw new UsageError('--cluster needs a name');
      flags['cluster'] = value;
    } else return false;
    index += 1;
    return true;
  };
  while (readFlag());
  const host = words[index++];
  if (host === undefined) throw new UsageError('"kijabi ssh" needs a host');
  if (host.startsWith('-')) throw new UsageError(`"kijabi ssh" does not know ${host}`);
  while (readFlag());
  if (words[index] === '--') index += 1;
  return { command: 'ssh', operands: [host, ...words.slice(index)], flags };
}

function parse(
  args: readonly string[],
  options: Flags,
): { values: Arguments['flags']; positionals: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { values: values, positionals };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function unknownCommand(word: string, second: string | undefined): string {
  const verbs = Object.keys(commands)
    .filter((name) => name.startsWith(`${word} `))
    .map((name) => name.slice(word.length + 1));
  if (verbs.length === 0) return `unknown command ${JSON.stringify(word)}\n\n${usage}`;
  return second === undefined
    ? `"kijabi ${word}" needs one of: ${verbs.join(', ')}`
    : `"kijabi ${word}" has no ${JSON.stringify(second)}; there are: ${verbs.join(', ')}`;
}
