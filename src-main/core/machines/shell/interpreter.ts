import { BytePipe, type ByteSource } from '#core/base';
import type { ScriptNode, WordNode } from 'just-bash';
import type { ChildProcess } from '../process/index.ts';
import { expandAlias } from './aliases.ts';
import { waitInForeground } from './foreground.ts';
import { runExternal } from './external-command.ts';
import { assign, assignTemporarily, declarations, declarationWords } from './assignments.ts';
import { builtins } from './builtins/index.ts';
import { specialBuiltins } from './builtins/special.ts';
import { conditional } from './conditional.ts';
import { ShellError, ShellFlow } from './flow.ts';
import { parseScript, selectMarker } from './parser.ts';
import { matches } from './pattern.ts';
import { redirect } from './redirect.ts';
import type { CommandRunner, FunctionNode, Shell } from './types.ts';
import { toArray, quoteWord } from './variables.ts';

type Statement = ScriptNode['statements'][number];
type Pipeline = Statement['pipelines'][number];
type Command = Pipeline['commands'][number];
type Simple = Extract<Command, { type: 'SimpleCommand' }>;

/** Runs syntax trees. @see bash(1) SHELL GRAMMAR */
export class Interpreter implements CommandRunner {
  readonly #shell: Shell;
  /** Status of the last command substitution: that of an assignment alone. */
  substitutionStatus: number | undefined;
  /** What `>(…)` left to do when the command is over. */
  readonly afterCommand: (() => Promise<void>)[] = [];
  /** Above 0 where a failure does not end a `set -e` shell. */
  #tested = 0;

  constructor(shell: Shell) {
    this.#shell = shell;
  }

  /** Parses and runs a text (a script, `eval`, a trap). @returns the status. */
  async runText(source: string): Promise<number> {
    const { script, error } = parseScript(source);
    const shell = this.#shell;
    if (script) await this.runBody(script.statements);
    if (error) {
      const prefix =
        shell.flavour === 'dash'
          ? `${shell.arg0}: ${error.line}: `
          : `${shell.arg0}: ${shell.fromString ? '-c: ' : ''}${shell.interactive ? '' : `line ${error.line}: `}`;
      const message =
        shell.flavour === 'dash'
          ? `Syntax error: ${error.incomplete ? (/matching/.test(error.message) ? 'Unterminated quoted string' : 'end of file unexpected') : error.message.replace(/^syntax error near unexpected token `(.*)'$/, '"$1" unexpected')}`
          : error.message;
      await shell.errorText(`${prefix}${message}\n`);
      if (error.showsLine && shell.flavour === 'bash')
        await shell.errorText(`${prefix}\`${source.split('\n')[error.line - 1] ?? ''}'\n`);
      shell.lastStatus = 2;
      if (shell.flavour !== 'bash' && !shell.interactive) throw new ShellFlow('exit', 2);
    }
    return shell.lastStatus;
  }

  async runBody(statements: readonly Statement[]): Promise<number> {
    for (const statement of statements) await this.#statement(statement);
    return this.#shell.lastStatus;
  }

  async #statement(statement: Statement): Promise<void> {
    const shell = this.#shell;
    if (shell.options.has('verbose') && statement.sourceText)
      await shell.errorText(`${statement.sourceText}\n`);
    if (shell.options.has('noexec')) return;
    if (statement.background) return this.#background(statement);
    await this.#list(statement);
  }

  async #list(statement: Statement): Promise<void> {
    const shell = this.#shell;
    for (const [index, pipeline] of statement.pipelines.entries()) {
      const operator = index === 0 ? ';' : statement.operators[index - 1];
      if (operator === '&&' && shell.lastStatus !== 0) continue;
      if (operator === '||' && shell.lastStatus === 0) continue;
      const last = index === statement.pipelines.length - 1;
      const tested = !last || pipeline.negated;
      if (tested) this.#tested++;
      try {
        await this.#pipeline(pipeline);
      } finally {
        if (tested) this.#tested--;
      }
      if (!tested) await this.#checkErrexit(pipeline);
    }
  }

  async #checkErrexit(pipeline: Pipeline): Promise<void> {
    const shell = this.#shell;
    if (shell.lastStatus === 0 || this.#tested > 0) return;
    // Compound commands have been checked inside; a subshell's failure counts.
    const only = pipeline.commands.length === 1 ? pipeline.commands[0]?.type : undefined;
    const inner = ['If', 'For', 'CStyleFor', 'While', 'Until', 'Case', 'Group'];
    if (only && inner.includes(only) && !this.#failedOutside) return;
    const trap = shell.traps.get('ERR');
    if (trap) {
      const status = shell.lastStatus;
      this.#tested++;
      try {
        await this.runText(trap);
      } finally {
        this.#tested--;
      }
      shell.lastStatus = status;
    }
    if (shell.options.has('errexit')) throw new ShellFlow('exit', shell.lastStatus);
  }

  /** A redirection of a compound command failed: that is its own failure. */
  #failedOutside = false;

  async #background(statement: Statement): Promise<void> {
    const shell = this.#shell;
    const command = (statement.sourceText ?? '').replace(/\s*&\s*$/, '').trim();
    const only = statement.pipelines.length === 1 ? statement.pipelines[0] : undefined;
    const closed = { read: (): Promise<undefined> => Promise.resolve(undefined) };
    if (only && only.commands.length > 1 && !only.negated) {
      const children = this.#startPipeline(only, shell.interactive ? undefined : closed);
      return this.#announce(children, command);
    }
    const child = shell.fork(
      async (inner) => {
        const { pipelines } = statement;
        if (pipelines.length === 1 && pipelines[0]?.commands.length === 1 && !pipelines[0].negated)
          return asOwn(inner).#last(pipelines[0].commands[0] as Command);
        await asOwn(inner).#list({ ...statement, background: false });
        return inner.lastStatus;
      },
      {
        // Without job control a background job does not read the shell's input.
        ...(shell.interactive ? { group: 'new' as const } : { stdin: closed }),
      },
    );
    await this.#announce([child], command);
  }

  async #announce(children: readonly ChildProcess[], command: string): Promise<void> {
    const shell = this.#shell;
    const job = shell.jobs.add(children, command);
    shell.lastBackground = children.at(-1)?.pid;
    shell.lastStatus = 0;
    if (shell.interactive) await shell.errorText(`[${job.number}] ${shell.lastBackground ?? 0}\n`);
  }

  async #pipeline(pipeline: Pipeline): Promise<void> {
    const shell = this.#shell;
    const startedMs = shell.context.clock.now();
    if (pipeline.commands.length === 1) {
      await this.#command(pipeline.commands[0] as Command);
      this.#pipestatus([shell.lastStatus]);
    } else await this.#pipe(pipeline);
    if (pipeline.negated) shell.lastStatus = shell.lastStatus === 0 ? 1 : 0;
    if (pipeline.timed)
      await this.#time(shell.context.clock.now() - startedMs, pipeline.timePosix ?? false);
  }

  async #time(elapsedMs: number, posix: boolean): Promise<void> {
    const minutes = Math.floor(elapsedMs / 60_000);
    const seconds = ((elapsedMs % 60_000) / 1000).toFixed(3);
    await this.#shell.errorText(
      posix
        ? `real ${(elapsedMs / 1000).toFixed(2)}\nuser 0.00\nsys 0.00\n`
        : `\nreal\t${minutes}m${seconds}s\nuser\t0m0.000s\nsys\t0m0.000s\n`,
    );
  }

  /** Starts every command of a pipeline, each in a process of its own, in one group. */
  #startPipeline(pipeline: Pipeline, input?: ByteSource): ChildProcess[] {
    const shell = this.#shell;
    const children: ChildProcess[] = [];
    let stdin = input ?? shell.descriptors.get(0)?.source;
    let group: number | 'new' | undefined = shell.interactive ? 'new' : undefined;
    for (const [index, command] of pipeline.commands.entries()) {
      const last = index === pipeline.commands.length - 1;
      const pipe = last ? undefined : new BytePipe();
      const child = shell.fork((inner) => asOwn(inner).#last(command), {
        ...(stdin ? { stdin } : {}),
        ...(pipe ? { stdout: pipe } : {}),
        ...(pipe && pipeline.pipeStderr?.[index] ? { stderr: pipe } : {}),
        ...(group === undefined ? {} : { group }),
      });
      if (group === 'new') group = child.group ?? child.pid;
      children.push(child);
      stdin = pipe;
    }
    return children;
  }

  async #pipe(pipeline: Pipeline): Promise<void> {
    const shell = this.#shell;
    const children = this.#startPipeline(pipeline);
    const codes = await waitInForeground(shell, children, () => sourceOf(pipeline));
    this.#pipestatus(codes);
    shell.lastStatus = shell.options.has('pipefail')
      ? (codes.findLast((code) => code !== 0) ?? 0)
      : (codes.at(-1) ?? 0);
  }

  #pipestatus(codes: readonly number[]): void {
    if (this.#shell.flavour !== 'bash') return;
    const variable = this.#shell.variables.declare('PIPESTATUS');
    toArray(variable);
    variable.items.clear();
    for (const [index, code] of codes.entries()) variable.items.set(index, String(code));
  }

  /** The last command of a process of its own: an external one takes the process over. */
  async #last(command: Command): Promise<number> {
    if (command.type === 'SimpleCommand') await this.#simple(command, true);
    else await this.#command(command);
    return this.#shell.lastStatus;
  }

  async #command(command: Command): Promise<void> {
    const shell = this.#shell;
    await shell.breathe();
    if ('line' in command && command.line) shell.line = command.line;
    try {
      await this.#anyCommand(command);
    } catch (error) {
      if (!(error instanceof ShellError)) throw error;
      await shell.complain(error.message);
      shell.lastStatus = error.status;
      if (error.fatal && !shell.interactive)
        throw new ShellFlow('exit', shell.flavour === 'bash' ? error.status : 2);
      if (error.fatal) throw new ShellFlow('abort', error.status);
    }
    for (const after of this.afterCommand.splice(0)) await after();
    if (shell.hasPendingTrap) await shell.runPendingTraps();
  }

  async #anyCommand(command: Command): Promise<void> {
    const shell = this.#shell;
    if (command.type === 'SimpleCommand') return this.#simple(command, false);
    if (command.type === 'FunctionDef') {
      shell.functions.set(command.name, command);
      shell.lastStatus = 0;
      return;
    }
    if (command.redirections.length === 0) return this.#compound(command);
    this.#failedOutside = true;
    const restore = await redirect(shell, command.redirections);
    this.#failedOutside = false;
    try {
      await this.#compound(command);
    } finally {
      restore();
    }
  }

  async #compound(
    command: Exclude<Command, { type: 'SimpleCommand' } | { type: 'FunctionDef' }>,
  ): Promise<void> {
    const shell = this.#shell;
    switch (command.type) {
      case 'Group':
        await this.runBody(command.body);
        break;
      case 'Subshell': {
        const tested = this.#tested;
        const child = shell.fork(
          (inner) => {
            asOwn(inner).#tested = tested;
            return inner.interpreter.runBody(command.body);
          },
          shell.interactive ? { group: 'new' } : {},
        );
        [shell.lastStatus = 0] = await waitInForeground(shell, [child], () => '( ... )');
        break;
      }
      case 'If': {
        for (const clause of command.clauses)
          if (await this.#condition(clause.condition)) {
            shell.lastStatus = 0;
            await this.runBody(clause.body);
            return;
          }
        shell.lastStatus = 0;
        if (command.elseBody) await this.runBody(command.elseBody);
        break;
      }
      case 'While':
      case 'Until': {
        let status = 0;
        await this.#loop(async () => {
          if ((await this.#condition(command.condition)) !== (command.type === 'While'))
            return false;
          return async () => {
            status = 0;
            status = await this.runBody(command.body);
          };
        });
        shell.lastStatus = this.#broken ?? status;
        break;
      }
      case 'For': {
        const words = command.words ? await shell.expander.words(command.words) : shell.positional;
        if (command.variable.startsWith(selectMarker))
          return this.#select(command.variable.slice(selectMarker.length), words, command.body);
        const items = [...words];
        shell.lastStatus = 0;
        await this.#loop(() => {
          const item = items.shift();
          if (item === undefined) return Promise.resolve(false);
          return Promise.resolve(async () => {
            shell.variables.set(command.variable, item);
            await this.runBody(command.body);
          });
        });
        break;
      }
      case 'CStyleFor': {
        if (command.init) await shell.expander.arithmetic(command.init);
        shell.lastStatus = 0;
        let first = true;
        await this.#loop(async () => {
          if (!first && command.update) await shell.expander.arithmetic(command.update);
          first = false;
          if (command.condition && (await shell.expander.arithmetic(command.condition)) === 0n)
            return false;
          return async () => {
            await this.runBody(command.body);
          };
        });
        break;
      }
      case 'Case': {
        await this.#case(command);
        break;
      }
      case 'ArithmeticCommand':
        shell.lastStatus = (await shell.expander.arithmetic(command.expression)) === 0n ? 1 : 0;
        break;
      case 'ConditionalCommand':
        shell.lastStatus = (await conditional(shell, command.expression)) ? 0 : 1;
        break;
    }
  }

  #broken: number | undefined;

  /** @param next the body of the next round, or false at the end. */
  async #loop(next: () => Promise<false | (() => Promise<void>)>): Promise<void> {
    const shell = this.#shell;
    this.#broken = undefined;
    shell.loopDepth++;
    try {
      for (;;) {
        await shell.breathe();
        try {
          const body = await next();
          if (!body) return;
          await body();
        } catch (error) {
          if (
            !(error instanceof ShellFlow) ||
            (error.kind !== 'break' && error.kind !== 'continue')
          )
            throw error;
          if (error.value > 1 && shell.loopDepth > 1)
            throw new ShellFlow(error.kind, error.value - 1);
          shell.lastStatus = 0;
          if (error.kind === 'break') {
            this.#broken = 0;
            return;
          }
        }
      }
    } finally {
      shell.loopDepth--;
    }
  }

  async #select(name: string, words: readonly string[], body: readonly Statement[]): Promise<void> {
    const shell = this.#shell;
    const read = builtins['read'];
    let show = true;
    await this.#loop(async () => {
      if (show)
        await shell.errorText(words.map((word, index) => `${index + 1}) ${word}\n`).join(''));
      await shell.errorText(shell.variables.get('PS3') ?? '#? ');
      if (!read || (await read(shell, ['REPLY'])) !== 0) {
        shell.lastStatus = 1;
        return false;
      }
      const reply = shell.variables.get('REPLY') ?? '';
      show = reply === '';
      if (show) return () => Promise.resolve();
      return async () => {
        shell.variables.set(name, words[Number(reply) - 1] ?? '');
        await this.runBody(body);
      };
    });
  }

  async #condition(statements: readonly Statement[]): Promise<boolean> {
    this.#tested++;
    try {
      return (await this.runBody(statements)) === 0;
    } finally {
      this.#tested--;
    }
  }

  async #case(command: Extract<Command, { type: 'Case' }>): Promise<void> {
    const shell = this.#shell;
    const text = await shell.expander.text(command.word);
    shell.lastStatus = 0;
    let falling = false;
    for (const item of command.items) {
      let hit = falling;
      for (const pattern of item.patterns) {
        if (hit) break;
        hit = matches(
          await shell.expander.pattern(pattern),
          text,
          shell.options.has('nocasematch'),
        );
      }
      if (!hit) continue;
      await this.runBody(item.body);
      if (item.terminator === ';;') return;
      falling = item.terminator === ';&';
    }
  }

  // Simple commands

  async #simple(command: Simple, takeOver: boolean): Promise<void> {
    const shell = this.#shell;
    if (command.line) shell.line = command.line;
    const aliased = expandAlias(shell, command, this.#expanding);
    if (aliased) {
      await this.runBody(aliased);
      return;
    }
    this.substitutionStatus = undefined;
    let words = await shell.expander.words(command.name ? [command.name, ...command.args] : []);
    const declaring = words[0] !== undefined && declarations.has(words[0]);
    if (declaring && command.name)
      words = [words[0] as string, ...(await declarationWords(shell, command.args))];
    const [name] = words;
    if (name === undefined) return this.#assignmentsAlone(command);
    await this.#trace(command, words);
    const known = shell.functions.get(name) ?? builtins[name];
    // `exec` without a command makes its redirections stay.
    if (name === 'exec' && words.length === 1) {
      await redirect(shell, command.redirections);
      shell.lastStatus = 0;
      return;
    }
    if (!known) return runExternal(shell, words, command, takeOver);
    const restoreVariables = await assignTemporarily(shell, command);
    let restore: (() => void) | undefined;
    try {
      restore = await redirect(shell, command.redirections);
      shell.lastStatus = await this.call(words);
    } finally {
      restore?.();
      restoreVariables();
    }
    shell.lastArgument = words.at(-1) ?? '';
  }

  /** Runs a function or builtin. */
  async call(words: readonly string[], options: { functions?: boolean } = {}): Promise<number> {
    const shell = this.#shell;
    const name = words[0] ?? '';
    const definition = options.functions === false ? undefined : shell.functions.get(name);
    if (definition) return this.#function(definition, words.slice(1));
    const builtin = builtins[name];
    if (!builtin) return 127;
    try {
      return await builtin(shell, words.slice(1));
    } catch (error) {
      if (!(error instanceof ShellError)) throw error;
      await shell.complain(error.message);
      if (error.fatal || (specialBuiltins.has(name) && shell.flavour !== 'bash'))
        throw new ShellFlow('exit', shell.flavour === 'bash' ? error.status : 2);
      return error.status;
    }
  }

  async #function(definition: FunctionNode, args: readonly string[]): Promise<number> {
    const shell = this.#shell;
    if (shell.functionDepth > 1000)
      throw new ShellError(`${definition.name}: maximum function nesting level exceeded (1000)`);
    const { positional } = shell;
    shell.positional = [...args];
    shell.functionDepth++;
    shell.callStack.push(definition.name);
    shell.variables.pushScope();
    const loops = shell.loopDepth;
    shell.loopDepth = 0;
    try {
      await this.#command({
        ...definition.body,
        redirections: [...definition.body.redirections, ...definition.redirections],
      });
      return shell.lastStatus;
    } catch (error) {
      if (error instanceof ShellFlow && error.kind === 'return') return error.value;
      throw error;
    } finally {
      shell.loopDepth = loops;
      shell.variables.popScope();
      shell.callStack.pop();
      shell.functionDepth--;
      shell.positional = positional;
    }
  }

  async #assignmentsAlone(command: Simple): Promise<void> {
    const shell = this.#shell;
    for (const assignment of command.assignments) await assign(shell, assignment);
    if (shell.options.has('xtrace'))
      for (const { name } of command.assignments)
        await shell.errorText(`+ ${name}=${quoteWord(shell.variables.get(name) ?? '')}\n`);
    const restore = await redirect(shell, command.redirections);
    restore();
    shell.lastStatus = this.substitutionStatus ?? 0;
  }

  async #trace(command: Simple, words: readonly string[]): Promise<void> {
    const shell = this.#shell;
    if (!shell.options.has('xtrace')) return;
    const prefix = shell.variables.get('PS4') ?? '+ ';
    const depth = shell.flavour === 'bash' ? (prefix[0] ?? '').repeat(shell.subshellDepth) : '';
    const assignments = [];
    for (const { name, value } of command.assignments)
      assignments.push(`${name}=${quoteWord(value ? await shell.expander.text(value) : '')}`);
    await shell.errorText(
      `${depth}${prefix}${[...assignments, ...words.map((word) => quoteWord(word))].join(' ')}\n`,
    );
  }

  readonly #expanding = new Set<string>();
}

function sourceOf(pipeline: Pipeline): string {
  return pipeline.commands
    .map((command) =>
      command.type === 'SimpleCommand' ? wordText(command.name, command.args) : '( ... )',
    )
    .join(' | ');
}

function wordText(name: WordNode | null, args: readonly WordNode[]): string {
  return [name, ...args]
    .map((word) =>
      (word?.parts ?? [])
        .map((part) =>
          'value' in part ? part.value : 'parameter' in part ? `$${part.parameter}` : '',
        )
        .join(''),
    )
    .join(' ');
}

/** The interpreter of a subshell, which this module made. */
function asOwn(shell: Shell): Interpreter {
  if (shell.interpreter instanceof Interpreter) return shell.interpreter;
  throw new Error('a shell without an interpreter of its own');
}
