import type { Pki } from '#core/kube';
import type { Program, ProgramContext } from '#core/machines';
import { accountCommands } from './etcdctl-accounts.ts';
import { clusterCommands } from './etcdctl-cluster.ts';
import type { EtcdctlCommand } from './etcdctl-command.ts';
import { keyCommands } from './etcdctl-keys.ts';
import { leaseCommands } from './etcdctl-lease.ts';
import { txn } from './etcdctl-txn.ts';
import { watch } from './etcdctl-watch.ts';
import { ClientOptions, EtcdctlError, globalFlags, writeOutput } from './etcd-client.ts';
import { FlagError, parseFlags } from './flags.ts';

const commands: Readonly<Record<string, EtcdctlCommand>> = {
  ...keyCommands,
  ...leaseCommands,
  ...clusterCommands,
  ...accountCommands,
  txn,
  watch,
};

/** What the groups of commands are for. */
const groups: Readonly<Record<string, string>> = {
  alarm: 'Alarm related commands',
  auth: 'Enable or disable authentication',
  check: 'commands for checking properties of the etcd cluster',
  endpoint: 'Endpoint related commands',
  lease: 'Lease related commands',
  member: 'Membership related commands',
  role: 'Role related commands',
  snapshot: 'Manages etcd node snapshots',
  user: 'User related commands',
};

/** Commands of the real one that need what is not modelled: other clusters, locks, elections, downgrades. */
const missing = new Set(['completion', 'downgrade', 'elect', 'lock', 'make-mirror']);

const shorthands: Readonly<Record<string, string>> = {
  '-w': '--write-out',
  '-i': '--interactive',
  '-h': '--help',
  '-d': '--discovery-srv',
};

/** etcdctl 3.6 on the keys of the machine's etcd. */
export function etcdctl(pki: Pki): Program {
  return async (context) => {
    try {
      return await run(context, pki);
    } catch (error) {
      if (error instanceof FlagError) {
        await writeOutput(context.stderr, `Error: ${error.message}\n`);
        return 1;
      }
      if (!(error instanceof EtcdctlError)) throw error;
      if (error.message !== '') await writeOutput(context.stderr, `Error: ${error.message}\n`);
      return error.exitCode;
    }
  };
}

async function run(context: ProgramContext, pki: Pki): Promise<number> {
  const words = context.argv.slice(1);
  const end = words.indexOf('--');
  const spelled = [
    ...(end < 0 ? words : words.slice(0, end)).flatMap(spelledOut),
    ...(end < 0 ? [] : words.slice(end)),
  ];
  const name = commandName(spelled);
  if (name === 'version' || spelled.includes('--version')) {
    await writeOutput(context.stdout, 'etcdctl version: 3.6.8\nAPI version: 3.6\n');
    return 0;
  }
  const command = commands[name];
  const group = name.split(' ', 1)[0] ?? '';
  if (
    spelled.includes('--help') ||
    name === '' ||
    group === 'help' ||
    (!command && groups[group])
  ) {
    await writeOutput(context.stdout, helpOf(group === 'help' ? name.slice(5) : name));
    return 0;
  }
  if (!command) {
    await writeOutput(
      context.stderr,
      missing.has(group)
        ? `Error: ${group} is not part of this etcdctl\n`
        : `Error: unknown command ${JSON.stringify(group)} for "etcdctl"\nRun 'etcdctl --help' for usage.\n`,
    );
    return 1;
  }
  const flags = parseFlags(spelled, [...globalFlags, ...(command.flags ?? [])]);
  const options = new ClientOptions(context, flags);
  await options.checkEnvironment();
  await command.run({
    context,
    flags,
    options,
    pki,
    args: flags.args.slice(name.split(' ').length),
    format: options.text('write-out') ?? 'simple',
    out: (...pieces) => writeOutput(context.stdout, ...pieces),
  });
  return 0;
}

/** `-wjson`, `-w=json` and `-w json` as the long flag. */
function spelledOut(word: string): string[] {
  const long = shorthands[word.slice(0, 2)];
  if (!long || word.startsWith('--')) return [word];
  const value = word.slice(2).replace(/^=/, '');
  return value === '' ? [long] : [`${long}=${value}`];
}

/** The command among the words: one, or a group and its command. */
function commandName(words: readonly string[]): string {
  const valued = new Set(
    globalFlags.filter(({ kind }) => kind !== 'bool').map(({ name }) => `--${name}`),
  );
  const plain: string[] = [];
  for (let i = 0; i < words.length && words[i] !== '--'; i++) {
    const word = words[i] ?? '';
    if (!word.startsWith('-')) plain.push(word);
    else if (valued.has(word)) i += 1;
  }
  const [first = '', second = ''] = plain;
  return groups[first] !== undefined || first === 'help' ? `${first} ${second}`.trim() : first;
}

function helpOf(name: string): string {
  const group = name.split(' ', 1)[0] ?? '';
  const listed = Object.keys(commands).sort();
  if (groups[group] === undefined || commands[name]) {
    if (commands[name])
      return `NAME:\n\t${name}\n\nUSAGE:\n\tetcdctl ${name} [options] [flags]\n\nOPTIONS:\n${(commands[name].flags ?? []).map((flag) => `      --${flag.name}\n`).join('')}`;
    return `NAME:\n\tetcdctl - A simple command line client for etcd3.\n\nUSAGE:\n\tetcdctl [flags]\n\nCOMMANDS:\n${listed.map((command) => `\t${command}\n`).join('')}\tversion\n\nOPTIONS:\n${globalFlags.map((flag) => `      --${flag.name}\n`).join('')}`;
  }
  const own = listed.filter((command) => command.startsWith(`${group} `));
  return `NAME:\n\t${group} - ${groups[group] ?? ''}\n\nUSAGE:\n\tetcdctl ${group} <subcommand> [flags]\n\nAPI VERSION:\n\t3.6\n\nCOMMANDS:\n${own.map((command) => `\t${command.slice(group.length + 1)}\n`).join('')}`;
}
