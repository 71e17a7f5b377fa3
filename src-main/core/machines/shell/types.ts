import type { ByteSink, ByteSource } from '#core/base';
import type { ScriptNode, WordNode } from 'just-bash';
import type { FileSystem } from '../filesystem/index.ts';
import type { ChildProcess, ProgramContext, Signal } from '../process/index.ts';
import type { ArithmeticExpression, ArithmeticScope } from './arithmetic.ts';
import type { Jobs } from './jobs.ts';
import type { Variable, Variables } from './variables.ts';

type Statement = ScriptNode['statements'][number];
export type Command = Statement['pipelines'][number]['commands'][number];
export type FunctionNode = Extract<Command, { type: 'FunctionDef' }>;
export type SimpleCommand = Extract<Command, { type: 'SimpleCommand' }>;

/** Which shell it is called as: texts of errors and a few habits differ. */
export type Flavour = 'bash' | 'dash' | 'ash';

/** A command inside the shell. @returns its status. @throws ShellError. */
export type Builtin = (shell: Shell, args: readonly string[]) => number | Promise<number>;

/** What a file descriptor of the shell stands for. */
export interface Descriptor {
  readonly source?: ByteSource;
  readonly sink?: ByteSink;
}

/** Word expansion, as builtins and the interpreter use it. */
export interface WordExpander {
  words(words: readonly WordNode[]): Promise<string[]>;
  text(word: WordNode): Promise<string>;
  pattern(word: WordNode): Promise<string>;
  regex(word: WordNode): Promise<string>;
  quotedText(text: string): Promise<string>;
  arithmetic(expression: ArithmeticExpression): Promise<bigint>;
  index(name: string, text: string): Promise<string>;
}

/** Running of syntax trees, as builtins and the prompt use it. */
export interface CommandRunner {
  substitutionStatus: number | undefined;
  readonly afterCommand: (() => Promise<void>)[];
  runText(source: string): Promise<number>;
  runBody(statements: readonly Statement[]): Promise<number>;
  call(words: readonly string[], options?: { functions?: boolean }): Promise<number>;
}

/** The state of one shell process. */
export interface Shell {
  readonly context: ProgramContext;
  readonly flavour: Flavour;
  readonly builtins: Readonly<Record<string, Builtin | undefined>>;
  readonly variables: Variables;
  readonly functions: Map<string, FunctionNode>;
  readonly aliases: Map<string, string>;
  readonly options: Set<string>;
  readonly expander: WordExpander;
  readonly interpreter: CommandRunner;
  readonly jobs: Jobs;
  readonly traps: Map<string, string>;
  readonly history: string[];
  readonly callStack: string[];
  readonly shellPid: number;
  readonly subshellDepth: number;
  readonly hasPendingTrap: boolean;
  files: FileSystem;
  descriptors: Map<number, Descriptor>;
  positional: string[];
  arg0: string;
  cwd: string;
  directories: string[];
  lastStatus: number;
  lastBackground: number | undefined;
  lastArgument: string;
  line: number;
  umask: number;
  interactive: boolean;
  fromString: boolean;
  functionDepth: number;
  loopDepth: number;
  interrupted: boolean;
  out(text: string): Promise<void>;
  errorText(text: string): Promise<void>;
  complain(message: string): Promise<void>;
  prefix(): string;
  special(name: string): { value: string | undefined } | undefined;
  arrayElements(name: string, variable: Variable | undefined): [string, string][];
  element(name: string, index: string): Promise<string | undefined>;
  assignText(target: string, value: string, append?: boolean): Promise<void>;
  arithmeticText(text: string): Promise<bigint>;
  arithmeticScope(): ArithmeticScope;
  hostname(): string;
  homeOf(user: string): string | undefined;
  resolve(path: string): string;
  /** Runs `body` in a child process with a copy of this shell. */
  fork(
    body: (shell: Shell) => Promise<number>,
    options?: {
      stdin?: ByteSource;
      stdout?: ByteSink;
      stderr?: ByteSink;
      group?: number | 'new';
      argv?: readonly string[];
    },
  ): ChildProcess;
  capture(body: ScriptNode): Promise<string>;
  processSubstitution(body: ScriptNode, direction: 'input' | 'output'): Promise<string>;
  /** Called for every command: lets others run now and then, and traps. */
  breathe(): Promise<void>;
  interrupt(): void;
  signalled(signal: Signal): void;
  nextSignal(): Promise<void>;
  runPendingTraps(): Promise<void>;
}
