import { parseArgs } from 'node:util';
import { say, useLanguage } from './language.ts';
import { UsageError, usage, usageOf } from './usage.ts';

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

/** Which cluster, in two spellings: `--name` is the older one of the `cluster` commands. */
const cluster = { cluster: { type: 'string' }, name: { type: 'string' } } as const;
const seed = { seed: { type: 'string' } } as const;

const commands: Readonly<Record<string, CommandSyntax>> = {
  'cluster up': { flags: { ...cluster, topology: { type: 'string' } }, operands: [0, 1] },
  'cluster down': { flags: { ...cluster, all: { type: 'boolean' } }, operands: [0, 1] },
  'cluster list': { operands: [0, 0] },
  'cluster kubeconfig': { flags: cluster, operands: [0, 1] },
  'task list': { operands: [0, 0] },
  'task start': { flags: seed, operands: [1, 1] },
  'task check': { operands: [0, 1] },
  'task solve': { operands: [0, 1] },
  'task reset': { operands: [0, 1] },
  'task end': { operands: [0, 1] },
  'exam list': { operands: [0, 0] },
  'exam start': { flags: seed, operands: [1, 1] },
  'exam status': { operands: [0, 0] },
  'exam submit': { operands: [0, 0] },
  'exam report': { operands: [0, 1] },
  clock: { flags: { ...cluster, speed: { type: 'string' } }, operands: [0, 2] },
  backup: { operands: [0, 0] },
  restore: { operands: [0, 1] },
  doctor: { operands: [0, 0] },
  daemon: { operands: [0, 0] },
};

const common: Flags = {
  data: { type: 'string' },
  json: { type: 'boolean' },
  lang: { type: 'string' },
};

/**
 * Reads a command line; `--lang` counts from here on. For `ssh` and `kubectl`, flags after the first operand belong
 * to the remote command.
 * @throws UsageError
 */
export function readArguments(argv: readonly string[]): Arguments {
  const { data, json, rest } = leadingFlags(argv);
  const [word, ...after] = rest;
  const help = (words: readonly string[]): Arguments => {
    if (words.length > 0 && usageOf(words) === undefined)
      throw new UsageError(unknownCommand(words[0] ?? '', words[1]));
    return { data, json, command: 'help', operands: words, flags: {} };
  };
  if (word === undefined || word === '--help' || word === '-h') return help([]);
  if (word === 'help') return help(after);
  if (word === '--version') return { data, json, command: 'version', operands: [], flags: {} };
  if (word === 'kubectl') return { data, json, command: word, operands: after, flags: {} };
  if (word === 'ssh') return isHelp(after[0]) ? help(['ssh']) : { ...readSsh(after), data, json };
  if (word.startsWith('-')) throw new UsageError(unknownFlag('kijabi', word, common));
  const command = word in commands ? word : `${word} ${after[0] ?? ''}`.trim();
  const syntax = commands[command];
  if (after.some(isHelp) && usageOf([syntax ? command : word]) !== undefined)
    return help((syntax ? command : word).split(' '));
  if (!syntax) throw new UsageError(unknownCommand(word, after[0]));
  const { values, positionals } = parse(command, command === word ? after : after.slice(1), {
    ...common,
    ...syntax.flags,
  });
  const [least, most] = syntax.operands;
  if (positionals.length < least)
    throw new UsageError(
      `${say(
        `"kijabi ${command}" needs ${least} argument${least === 1 ? '' : 's'}`,
        `"kijabi ${command}"에는 인자가 ${least}개 필요합니다`,
      )}: ${usageOf([command])?.split('\n')[0] ?? ''}`,
    );
  if (positionals.length > most)
    throw new UsageError(
      say(
        `"kijabi ${command}" does not take ${JSON.stringify(positionals[most])}`,
        `"kijabi ${command}"는 ${JSON.stringify(positionals[most])}를 받지 않습니다`,
      ),
    );
  if (typeof values['lang'] === 'string') setLanguage(values['lang']);
  return {
    data: typeof values['data'] === 'string' ? values['data'] : data,
    json: json || values['json'] === true,
    command,
    operands: positionals,
    flags: values,
  };
}

/**
 * The cluster a command line names: as operand, by `--cluster` or by `--name`.
 * @throws UsageError they differ
 */
export function clusterNameOf(
  { flags }: Pick<Arguments, 'flags'>,
  operand?: string,
): string | undefined {
  const names = [operand, flags['cluster'], flags['name']].filter(
    (name) => typeof name === 'string',
  );
  const [name] = names;
  const other = names.find((each) => each !== name);
  if (other !== undefined)
    throw new UsageError(
      say(
        `two names for one cluster: ${JSON.stringify(name)} and ${JSON.stringify(other)}`,
        `클러스터 하나에 이름이 둘입니다: ${JSON.stringify(name)}, ${JSON.stringify(other)}`,
      ),
    );
  return name;
}

const isHelp = (word: string | undefined): boolean => word === '--help' || word === '-h';

function leadingFlags(argv: readonly string[]): {
  data: string | undefined;
  json: boolean;
  rest: readonly string[];
} {
  let data: string | undefined;
  let json = false;
  let index = 0;
  const valueOf = (flag: string, word: string, what: string): string | undefined => {
    if (word.startsWith(`${flag}=`)) return word.slice(flag.length + 1);
    if (word !== flag) return undefined;
    const value = argv[++index];
    if (value === undefined) throw new UsageError(what);
    return value;
  };
  for (; index < argv.length; index++) {
    const word = argv[index] ?? '';
    if (word === '--json') {
      json = true;
      continue;
    }
    const folder = valueOf(
      '--data',
      word,
      say('--data needs a folder', '--data에는 폴더가 필요합니다'),
    );
    if (folder !== undefined) {
      data = folder;
      continue;
    }
    const wanted = valueOf('--lang', word, languageNeeded());
    if (wanted === undefined) break;
    setLanguage(wanted);
  }
  return { data, json, rest: argv.slice(index) };
}

const languageNeeded = (): string =>
  say('--lang must be en or ko', '--lang은 en이나 ko여야 합니다');

function setLanguage(wanted: string): void {
  if (wanted !== 'en' && wanted !== 'ko') throw new UsageError(languageNeeded());
  useLanguage(wanted);
}

/** As ssh does: flags before the command are ours, the rest is the command. */
function readSsh(words: readonly string[]): Pick<Arguments, 'command' | 'operands' | 'flags'> {
  const flags: Record<string, string | boolean> = {};
  let index = 0;
  const readFlag = (): boolean => {
    const word = words[index] ?? '';
    if (/^-t+$/.test(word)) flags['tty'] = true;
    else if (word === '-n') flags['no-input'] = true;
    else {
      const [, flag, joined] = /^--(cluster|name)(?:=(.*))?$/.exec(word) ?? [];
      if (flag === undefined) return false;
      const value = joined ?? words[++index];
      if (value === undefined)
        throw new UsageError(
          say(`--${flag} needs a name`, `--${flag}에는 클러스터 이름이 필요합니다`),
        );
      flags[flag] = value;
    }
    index += 1;
    return true;
  };
  while (readFlag());
  const host = words[index++];
  if (host === undefined)
    throw new UsageError(say('"kijabi ssh" needs a host', '"kijabi ssh"에는 호스트가 필요합니다'));
  if (host.startsWith('-'))
    throw new UsageError(
      say(`"kijabi ssh" does not know ${host}`, `"kijabi ssh"에는 ${host} 옵션이 없습니다`),
    );
  while (readFlag());
  if (words[index] === '--') index += 1;
  return { command: 'ssh', operands: [host, ...words.slice(index)], flags };
}

function parse(
  command: string,
  args: readonly string[],
  options: Flags,
): { values: Arguments['flags']; positionals: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return { values: values, positionals };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const flag = /'(-[^' ,]*)/.exec(error.message)?.[1] ?? /(--?[\w-]+)/.exec(error.message)?.[1];
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION')
      throw new UsageError(unknownFlag(`kijabi ${command}`, flag ?? '', options));
    const name = flag?.replace(/^-+/, '') ?? '';
    throw new UsageError(
      options[name]?.type === 'string'
        ? say(
            `"kijabi ${command}": --${name} needs a value`,
            `"kijabi ${command}": --${name}에는 값이 필요합니다`,
          )
        : say(
            `"kijabi ${command}": --${name} takes no value`,
            `"kijabi ${command}": --${name}는 값을 받지 않습니다`,
          ),
    );
  }
}

function unknownFlag(command: string, flag: string, options: Flags): string {
  const known = Object.keys(options).map((name) => `--${name}`);
  return say(
    `"${command}" has no option ${flag}; it has: ${known.join(', ')}`,
    `"${command}"에는 ${flag} 옵션이 없습니다. 있는 옵션: ${known.join(', ')}`,
  );
}

function unknownCommand(word: string, second: string | undefined): string {
  const verbs = Object.keys(commands)
    .filter((name) => name.startsWith(`${word} `))
    .map((name) => name.slice(word.length + 1));
  if (verbs.length === 0)
    return `${say(`unknown command ${JSON.stringify(word)}`, `${JSON.stringify(word)} 명령은 없습니다`)}\n\n${usage()}`;
  return second === undefined
    ? say(
        `"kijabi ${word}" needs one of: ${verbs.join(', ')}`,
        `"kijabi ${word}" 뒤에는 다음 중 하나가 필요합니다: ${verbs.join(', ')}`,
      )
    : say(
        `"kijabi ${word}" has no ${JSON.stringify(second)}; there are: ${verbs.join(', ')}`,
        `"kijabi ${word}"에는 ${JSON.stringify(second)}가 없습니다. 있는 것: ${verbs.join(', ')}`,
      );
}
