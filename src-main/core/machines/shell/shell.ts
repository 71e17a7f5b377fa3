import { BytePipe, decodeBytes, encodeBytes, sleep } from '#core/base';
import type { ScriptNode } from 'just-bash';
import { FileError, type FileSystem, resolvePath } from '../filesystem/index.ts';
import {
  type ChildProcess,
  findUser,
  type Program,
  type ProgramContext,
  type Signal,
} from '../process/index.ts';
import { type ArithmeticScope, evaluateText } from './arithmetic.ts';
import { builtins } from './builtins/index.ts';
import { Expander } from './expand.ts';
import { ShellError, ShellFlow } from './flow.ts';
import { Interpreter } from './interpreter.ts';
import { Jobs } from './jobs.ts';
import { drain } from './redirect.ts';
import type { Descriptor, Flavour, FunctionNode, Shell } from './types.ts';
import { assign, elements, scalar, toArray, type Variable, Variables } from './variables.ts';

/** Steps between two breaths: a busy loop takes simulated time, as it takes CPU time. */
const stepsPerBreath = 2000;

/** The state of one shell process. */
export class ShellProcess implements Shell {
  readonly context: ProgramContext;
  readonly flavour: Flavour;
  readonly builtins = builtins;
  readonly variables: Variables;
  readonly functions: Map<string, FunctionNode>;
  readonly aliases: Map<string, string>;
  readonly options: Set<string>;
  readonly expander: Expander = new Expander(this);
  readonly interpreter: Interpreter = new Interpreter(this);
  readonly jobs = new Jobs();
  readonly traps: Map<string, string>;
  readonly history: string[] = [];
  files: FileSystem;
  descriptors: Map<number, Descriptor>;
  positional: string[];
  arg0: string;
  cwd: string;
  directories: string[] = [];
  lastStatus = 0;
  lastBackground: number | undefined;
  lastArgument = '';
  line = 1;
  /** Of $$: a subshell keeps its parent's. */
  readonly shellPid: number;
  umask: number;
  interactive = false;
  /** `-c`: errors name it. */
  fromString = false;
  subshellDepth = 0;
  functionDepth = 0;
  loopDepth = 0;
  readonly callStack: string[] = [];
  #steps = 0;
  #pending: Signal[] = [];
  #wake: (() => void)[] = [];
  #temporary: string[] = [];

  constructor(context: ProgramContext, flavour: Flavour, parent?: ShellProcess) {
    this.context = context;
    this.flavour = flavour;
    this.files = context.files;
    this.cwd = parent?.cwd ?? context.cwd;
    this.variables = parent ? parent.variables.copy() : new Variables(context.env);
    this.functions = new Map(parent?.functions);
    this.aliases = new Map(parent?.aliases);
    this.options = new Set(parent?.options);
    this.traps = new Map([...(parent?.traps ?? [])].filter(([, command]) => command === ''));
    this.positional = [...(parent?.positional ?? [])];
    this.arg0 = parent?.arg0 ?? context.argv[0] ?? flavour;
    this.directories = [...(parent?.directories ?? [])];
    this.lastStatus = parent?.lastStatus ?? 0;
    this.lastBackground = parent?.lastBackground;
    this.line = parent?.line ?? 1;
    this.fromString = parent?.fromString ?? false;
    this.shellPid = parent?.shellPid ?? context.process.pid;
    this.umask = parent?.umask ?? context.process.umask ?? 0o022;
    this.subshellDepth = (parent?.subshellDepth ?? -1) + 1;
    this.functionDepth = parent?.functionDepth ?? 0;
    this.loopDepth = parent?.loopDepth ?? 0;
    this.callStack.push(...(parent?.callStack ?? []));
    this.descriptors = new Map<number, Descriptor>(
      [...(parent?.descriptors ?? [])].filter(([fd]) => fd > 2),
    );
    this.descriptors.set(0, { source: context.stdin });
    this.descriptors.set(1, { sink: context.stdout });
    this.descriptors.set(2, { sink: context.stderr });
    this.#defineDynamic();
  }

  // Output

  async out(text: string): Promise<void> {
    await this.descriptors.get(1)?.sink?.write(encodeBytes(text));
  }

  async errorText(text: string): Promise<void> {
    await this.descriptors.get(2)?.sink?.write(encodeBytes(text));
  }

  /** A complaint in this shell's form: `bash: line 3: …`, `sh: 1: …`. */
  async complain(message: string): Promise<void> {
    if (message !== '') await this.errorText(`${this.prefix()}${message}\n`);
  }

  prefix(): string {
    if (this.interactive) return `${this.arg0}: `;
    if (this.flavour === 'dash') return `${this.arg0}: ${this.line}: `;
    if (this.flavour === 'ash')
      return this.fromString ? `${this.arg0}: ` : `${this.arg0}: line ${this.line}: `;
    return `${this.arg0}: line ${this.line}: `;
  }

  // Variables

  special(name: string): { value: string | undefined } | undefined {
    if (/^[1-9]\d*$/.test(name)) return { value: this.positional[Number(name) - 1] };
    switch (name) {
      case '0':
        return { value: this.arg0 };
      case '#':
        return { value: String(this.positional.length) };
      case '?':
        return { value: String(this.lastStatus) };
      case '$':
        return { value: String(this.shellPid) };
      case '!':
        return { value: this.lastBackground === undefined ? '' : String(this.lastBackground) };
      case '-':
        return { value: this.optionLetters() };
      case '_':
        return { value: this.lastArgument };
      default:
        return undefined;
    }
  }

  optionLetters(): string {
    const letters: Readonly<Record<string, string>> = {
      allexport: 'a',
      errexit: 'e',
      noglob: 'f',
      nounset: 'u',
      verbose: 'v',
      xtrace: 'x',
      noclobber: 'C',
    };
    const set = Object.entries(letters)
      .filter(([name]) => this.options.has(name))
      .map(([, letter]) => letter);
    const hash = this.flavour === 'bash' ? ['h'] : [];
    const brace = this.flavour === 'bash' ? ['B'] : [];
    return [
      ...hash,
      ...set,
      ...(this.interactive ? ['i'] : []),
      ...(this.interactive ? ['m'] : []),
      ...brace,
      ...(this.fromString ? ['c'] : []),
    ].join('');
  }

  arrayElements(name: string, variable: Variable | undefined): [string, string][] {
    const stack = {
      FUNCNAME: [...this.callStack].reverse(),
      DIRSTACK: [this.cwd, ...this.directories],
    };
    if (name === 'FUNCNAME' || name === 'DIRSTACK')
      return stack[name].map((value, index) => [String(index), value]);
    return elements(variable);
  }

  async element(name: string, index: string): Promise<string | undefined> {
    const key = await this.expander.index(name, index);
    const variable = this.variables.find(name);
    if (!variable) return this.arrayElements(name, variable)[Number(key)]?.[1];
    if (variable.kind === 'map') return variable.entries.get(key);
    if (variable.kind === 'array') return variable.items.get(Number(key));
    return key === '0' ? variable.value : undefined;
  }

  /** Assigns to `x` or `x[i]`. @throws ShellError it is read-only. */
  async assignText(target: string, value: string, append = false): Promise<void> {
    const indexed = /^([A-Za-z_]\w*)\[(.*)\]$/s.exec(target);
    const name = indexed?.[1] ?? target;
    const variable = this.variables.declare(name);
    const key = indexed ? await this.expander.index(name, indexed[2] ?? '') : undefined;
    const before = append
      ? ((key === undefined ? scalar(variable) : this.#item(variable, key)) ?? '')
      : '';
    const text = variable.integer
      ? String(await this.arithmeticText(append ? `(${before || 0})+(${value || 0})` : value))
      : before + value;
    if (key === undefined) {
      assign(variable, name, text);
      if (this.options.has('allexport')) variable.exported = true;
      this.variables.onAssign.get(name)?.(text);
    } else this.setItem(name, variable, key, text);
  }

  setItem(name: string, variable: Variable, key: string, text: string): void {
    if (variable.readonly) throw new ShellError(`${name}: readonly variable`, { fatal: true });
    if (variable.kind === 'map') variable.entries.set(key, text);
    else {
      toArray(variable);
      if (Number(key) < 0) throw new ShellError(`${name}[${key}]: bad array subscript`);
      variable.items.set(Number(key), text);
    }
  }

  arithmeticText(text: string): Promise<bigint> {
    return evaluateText(text, this.arithmeticScope());
  }

  arithmeticScope(): ArithmeticScope {
    return {
      get: (name, key) => {
        const variable = this.variables.find(name);
        if (key === undefined) {
          const value = this.variables.get(name);
          if (value === undefined && this.options.has('nounset'))
            throw new ShellError(`${name}: unbound variable`, { fatal: true });
          return value;
        }
        return variable ? this.#item(variable, key) : undefined;
      },
      set: (name, key, value) => {
        if (key === undefined) this.variables.set(name, value);
        else this.setItem(name, this.variables.declare(name), key, value);
      },
      isMap: (name) => this.variables.find(name)?.kind === 'map',
      special: (name) => this.special(name)?.value ?? '',
      expand: (text) => this.expander.quotedText(text),
    };
  }

  #item(variable: Variable, key: string): string | undefined {
    if (variable.kind === 'map') return variable.entries.get(key);
    if (variable.kind === 'array') {
      const index = Number(key);
      return variable.items.get(index < 0 ? Math.max(...variable.items.keys()) + 1 + index : index);
    }
    return key === '0' ? variable.value : undefined;
  }

  hostname(): string {
    try {
      return this.files.readText('/proc/sys/kernel/hostname').trim();
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
    try {
      return this.files.readText('/etc/hostname').trim();
    } catch (error) {
      if (error instanceof FileError) return 'localhost';
      throw error;
    }
  }

  homeOf(user: string): string | undefined {
    return findUser(this.files, user)?.home;
  }

  resolve(path: string): string {
    return resolvePath(this.cwd, path);
  }

  // Processes

  /** Runs `body` in a child process with a copy of this shell. */
  fork(
    body: (shell: Shell) => Promise<number>,
    options: {
      stdin?: Descriptor['source'];
      stdout?: Descriptor['sink'];
      stderr?: Descriptor['sink'];
      group?: number | 'new';
      argv?: readonly string[];
    } = {},
  ): ChildProcess {
    const program: Program = async (context) => {
      const shell = new ShellProcess(context, this.flavour, this);
      shell.resetSignals();
      return shell.toEnd(() => body(shell));
    };
    return this.context.process.spawn(options.argv ?? [...this.context.argv], {
      program,
      cwd: this.cwd,
      env: this.variables.environment(),
      umask: this.umask,
      stdin: options.stdin ?? this.descriptors.get(0)?.source ?? closedSource,
      stdout: options.stdout ?? this.descriptors.get(1)?.sink ?? closedSink,
      stderr: options.stderr ?? this.descriptors.get(2)?.sink ?? closedSink,
      ...(options.group === undefined ? {} : { group: options.group }),
    });
  }

  resetSignals(): void {
    this.context.process.ignoreSignal?.('SIGINT', false);
    for (const [name, command] of this.traps)
      if (command === '' && name !== 'EXIT')
        this.context.process.ignoreSignal?.(name as Signal, true);
  }

  /** Runs to the end of the shell: exit statuses, EXIT trap. */
  async toEnd(body: () => Promise<number>): Promise<number> {
    let status: number;
    try {
      status = await body();
    } catch (error) {
      status = await this.#ending(error);
    }
    this.lastStatus = status;
    const trap = this.traps.get('EXIT');
    if (trap) {
      this.traps.delete('EXIT');
      try {
        await this.interpreter.runText(trap);
      } catch (error) {
        status = await this.#ending(error);
      }
    }
    for (const path of this.#temporary) this.files.remove(path, { force: true });
    return status;
  }

  async #ending(error: unknown): Promise<number> {
    if (error instanceof ShellFlow)
      return error.kind === 'exit' || error.kind === 'return' ? error.value : this.lastStatus;
    if (error instanceof ShellError) {
      await this.complain(error.message);
      return error.status;
    }
    throw error;
  }

  /** The output of a script, without the newlines at its end. */
  async capture(body: ScriptNode): Promise<string> {
    const only = body.statements[0];
    const pipeline = only?.pipelines[0];
    const single = pipeline?.commands[0];
    // `$(< file)` reads the file itself.
    if (
      body.statements.length === 1 &&
      single?.type === 'SimpleCommand' &&
      pipeline?.commands.length === 1 &&
      !single.name &&
      single.assignments.length === 0 &&
      single.redirections.length === 1 &&
      single.redirections[0]?.operator === '<' &&
      single.redirections[0].target.type === 'Word'
    ) {
      const path = await this.expander.text(single.redirections[0].target);
      try {
        return decodeBytes(this.files.readFile(this.resolve(path))).replace(/\n+$/, '');
      } catch (error) {
        if (error instanceof FileError) throw new ShellError(`${path}: ${error.message}`);
        throw error;
      }
    }
    const pipe = new BytePipe();
    const output = drain(pipe);
    const child = this.fork(
      (shell) => {
        shell.options.delete('errexit');
        if (this.options.has('errexit') && this.flavour !== 'bash') shell.options.add('errexit');
        return shell.interpreter.runBody(body.statements);
      },
      { stdout: pipe },
    );
    const status = await child.exit;
    this.interpreter.substitutionStatus = status;
    return decodeBytes(await output)
      .replace(/\0/g, '')
      .replace(/\n+$/, '');
  }

  /** `<(…)`: the output stands in a file; `>(…)`: what is written to the file is given to the command afterwards. */
  async processSubstitution(body: ScriptNode, direction: 'input' | 'output'): Promise<string> {
    const path = `/tmp/sh-np.${this.context.process.pid}.${this.#temporary.length}`;
    this.#temporary.push(path);
    if (direction === 'input') {
      const pipe = new BytePipe();
      const output = drain(pipe);
      await this.fork((shell) => shell.interpreter.runBody(body.statements), { stdout: pipe }).exit;
      this.files.writeFile(path, await output, 0o600);
      return path;
    }
    this.files.writeFile(path, '', 0o600);
    this.interpreter.afterCommand.push(async () => {
      const stdin = new BytePipe();
      void stdin.write(this.files.readFile(path)).catch(() => undefined);
      stdin.end();
      await this.fork((shell) => shell.interpreter.runBody(body.statements), { stdin }).exit;
    });
    return path;
  }

  // Time and signals

  /** Called for every command: lets others run now and then. */
  async breathe(): Promise<void> {
    if (++this.#steps % stepsPerBreath === 0)
      await sleep(this.context.clock, 1, this.context.signal);
    if (this.interrupted) {
      this.interrupted = false;
      throw new ShellFlow('abort', 130);
    }
    if (this.#pending.length > 0) await this.runPendingTraps();
  }

  /** Ctrl-C while the shell itself works: the line is given up. */
  interrupted = false;

  interrupt(): void {
    if (this.traps.has('INT') || this.traps.has('SIGINT')) return this.signalled('SIGINT');
    this.interrupted = true;
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** A trapped signal arrived: its command runs between two commands. */
  signalled(signal: Signal): void {
    this.#pending.push(signal);
    for (const wake of this.#wake.splice(0)) wake();
  }

  get hasPendingTrap(): boolean {
    return this.#pending.length > 0;
  }

  /** Resolves when a trapped signal arrives. */
  nextSignal(): Promise<void> {
    if (this.#pending.length > 0) return Promise.resolve();
    return new Promise((resolve) => this.#wake.push(resolve));
  }

  async runPendingTraps(): Promise<void> {
    for (let signal = this.#pending.shift(); signal; signal = this.#pending.shift()) {
      const command = this.traps.get(signal);
      if (!command) continue;
      const status = this.lastStatus;
      await this.interpreter.runText(command);
      this.lastStatus = status;
    }
  }

  #defineDynamic(): void {
    const startedMs = this.context.clock.now();
    const { dynamic } = this.variables;
    const seconds = (): string => String(Math.floor((this.context.clock.now() - startedMs) / 1000));
    if (this.flavour !== 'dash') {
      dynamic.set('RANDOM', () => String(this.context.random.integer(32_768)));
      dynamic.set('SECONDS', seconds);
      dynamic.set('EPOCHSECONDS', () => String(Math.floor(this.context.clock.now() / 1000)));
      dynamic.set('EPOCHREALTIME', () => (this.context.clock.now() / 1000).toFixed(6));
      dynamic.set('BASHPID', () => String(this.context.process.pid));
      dynamic.set('UID', () => String(this.context.user.uid));
      dynamic.set('EUID', () => String(this.context.user.uid));
      dynamic.set('HOSTNAME', () => this.hostname());
      dynamic.set('BASH_SUBSHELL', () => String(this.subshellDepth));
      dynamic.set('FUNCNAME', () => this.callStack.at(-1) ?? '');
    }
    dynamic.set('LINENO', () => String(this.line));
    dynamic.set('PPID', () => String(this.context.process.parentPid));
  }
}

const closedSource = { read: (): Promise<undefined> => Promise.resolve(undefined) };
const closedSink = { write: (): Promise<void> => Promise.resolve(), end: (): void => undefined };
