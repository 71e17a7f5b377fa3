import { type CommandSpec, globalFlags } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { UsageError } from '../errors.ts';
import { parseFlag, parseFlags } from '../flags.ts';
import { compareText, list, nameOf } from '../json-view.ts';
import { Session } from '../session.ts';

// The shell of the machines asks `__complete` by itself; the script is for whoever sources it all the same.
const bashScript = `# bash completion for kubectl                                -*- shell-script -*-

__start_kubectl()
{
    local cur="\${COMP_WORDS[COMP_CWORD]}"
    local words=("\${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=( $(compgen -W "$(kubectl __complete "\${words[@]}" 2>/dev/null | grep -v '^:' | cut -f1)" -- "\${cur}") )
}

complete -o default -F __start_kubectl kubectl

# ex: ts=4 sw=4 et filetype=sh
`;

export const completionCommand: CommandSpec = {
  name: 'completion',
  short: 'Output shell completion code for the specified shell (bash, zsh, fish, or powershell)',
  use: 'kubectl completion SHELL [options]',
  run: (session) => {
    const [shell, ...more] = session.args;
    const refuse = (message: string): UsageError =>
      new UsageError(message, { hint: `See '${session.command} -h' for help and examples` });
    if (shell === undefined) throw refuse('Shell not specified.');
    if (more.length > 0) throw refuse('Too many arguments. Expected only the shell type.');
    if (['zsh', 'fish', 'powershell'].includes(shell))
      throw refuse(`the machines have no ${shell}: this kubectl completes for bash alone.`);
    if (shell !== 'bash') throw refuse(`Unsupported shell type "${shell}".`);
    session.out(bashScript);
    return Promise.resolve(0);
  },
};

/** What may follow a flag: names of these resources, or these words. */
const flagValues: Readonly<Record<string, string | readonly string[]>> = {
  namespace: 'namespaces',
  output: 'json yaml wide name jsonpath= custom-columns= go-template='.split(' '),
  'dry-run': ['none', 'client', 'server'],
  cascade: ['background', 'foreground', 'orphan'],
  restart: ['Always', 'OnFailure', 'Never'],
  type: ['strategic', 'merge', 'json'],
};

/** Commands whose arguments are pods or nodes. */
const ofPods = new Set(['logs', 'exec', 'attach', 'port-forward', 'debug', 'cp']);
const ofNodes = new Set(['cordon', 'uncordon', 'drain']);
/** Commands whose first argument is a type of resources. */
const ofTypes = new Set(
  'annotate autoscale delete describe edit expose get label patch rollout scale set taint wait explain certificate'.split(
    ' ',
  ),
);

/**
 * What the last of the words may become, one a line and a directive after them, as cobra answers a shell.
 * @param find finds a command by its words.
 */
export async function completeWords(
  session: Session,
  words: readonly string[],
  find: (argv: readonly string[]) => { spec: CommandSpec; path: string; rest: readonly string[] },
): Promise<number> {
  const last = words.at(-1) ?? '';
  const joined = /^(--[\w-]+)=(.*)$/.exec(last);
  const current = joined?.[2] ?? last;
  const before = [...words.slice(0, -1), ...(joined?.[1] === undefined ? [] : [joined[1]])];
  const { spec, path, rest } = find(before);
  const specs = [...globalFlags, ...(spec.flags ?? [])];
  let candidates: readonly string[] = [];
  try {
    candidates = await offer(session, { spec, path, rest, specs, current });
  } catch {
    // No cluster, or words that make no sense: nothing is offered.
  }
  const fitting = [...new Set(candidates)].filter((each) => each.startsWith(current));
  session.out([...fitting.sort(compareText), ':4', ''].join('\n'));
  return 0;
}

interface Place {
  readonly spec: CommandSpec;
  readonly path: string;
  readonly rest: readonly string[];
  readonly specs: readonly string[];
  readonly current: string;
}

async function offer(session: Session, place: Place): Promise<readonly string[]> {
  const { spec, path, rest, specs, current } = place;
  const flag = /^(?:--([\w-]+)|-(\w))$/.exec(rest.at(-1) ?? '');
  const known =
    flag &&
    specs
      .map(parseFlag)
      .find(({ name, short }) => name === flag[1] || (short !== '' && short === flag[2]));
  const asked = known?.noOpt === undefined ? known?.name : undefined;
  const given = asked === undefined ? rest : rest.slice(0, -1);
  const flags = parseFlags(specs, given);
  const inner = new Session(session.io, flags, path);
  if (asked !== undefined) return valuesOf(inner, asked);
  if (current.startsWith('-'))
    return specs.map(parseFlag).map(({ name, type }) => `--${name}${type === 'bool' ? '' : '='}`);
  if (spec.commands) return spec.commands.map(({ name }) => name);
  const [, command = ''] = path.split(' ');
  const args = flags.args;
  if (path === 'kubectl config use-context') return [...inner.loadConfig().contexts.keys()];
  if (ofNodes.has(command)) return namesOf(inner, 'nodes');
  if (current.includes('/')) {
    const [type = ''] = current.split('/');
    return (await namesOf(inner, type)).map((name) => `${type}/${name}`);
  }
  if (ofPods.has(command))
    return args.length === 0 || command === 'cp' ? namesOf(inner, 'pods') : [];
  if (!ofTypes.has(command)) return [];
  if (args.length > 0) return namesOf(inner, args[0] ?? '');
  const catalog = await inner.catalog();
  return catalog.resources.map(({ resource }) => resource);
}

async function valuesOf(session: Session, flag: string): Promise<readonly string[]> {
  const config = flag === 'context' || flag === 'cluster' || flag === 'user';
  if (config) {
    const { contexts, clusters, users } = session.loadConfig();
    return [...{ context: contexts, cluster: clusters, user: users }[flag].keys()];
  }
  const values = flagValues[flag] ?? [];
  return typeof values === 'string' ? namesOf(session, values) : values;
}

async function namesOf(session: Session, type: string): Promise<string[]> {
  const resource = await session.resource(type);
  const answer = await session.api.get(
    resourceUrl(resource, resource.namespaced ? session.namespace : ''),
  );
  return list(answer, 'items').map(nameOf);
}
