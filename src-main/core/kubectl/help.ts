import { type CommandSpec, globalFlags } from './command.ts';
import { parseFlag } from './flags.ts';

/** What `--help` prints: the purpose, the commands below it, its flags and the line of usage. */
export function helpText(spec: CommandSpec, path: string): string {
  const parts = [`${spec.short}.\n`];
  const commands = spec.commands ?? [];
  if (commands.length > 0) {
    const width = Math.max(...commands.map(({ name }) => name.length));
    parts.push(
      `Available Commands:\n${commands.map(({ name, short }) => `  ${name.padEnd(width)}   ${short}\n`).join('')}`,
    );
  }
  const flags = spec.flags ?? [];
  if (flags.length > 0) parts.push(`Options:\n${flags.map(flagLine).join('')}`);
  parts.push(
    `Usage:\n  ${spec.use ?? `${path}${commands.length > 0 ? ' [flags] [options]' : ' [options]'}`}\n`,
  );
  if (commands.length > 0)
    parts.push(`Use "${path} <command> --help" for more information about a given command.\n`);
  const last = parts.pop() ?? '';
  return `${[...parts, last].join('\n')}Use "kubectl options" for a list of global command-line options (applies to all commands).\n`;
}

/** What `kubectl options` prints. */
export function optionsText(): string {
  return `The following options can be passed to any command:\n\n${globalFlags.map(flagLine).join('')}`;
}

function flagLine(spec: string): string {
  const { name, short, type, fallback } = parseFlag(spec);
  const shown =
    type === 'bool'
      ? fallback || 'false'
      : type === 'int'
        ? fallback || '0'
        : type === 'strings' || type === 'array'
          ? '[]'
          : `'${fallback}'`;
  return `    ${short === '' ? '' : `-${short}, `}--${name}=${shown}\n`;
}
