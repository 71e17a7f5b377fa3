import type { Flags } from './flags.ts';
import type { Session } from './session.ts';

/** A command or a group of commands. */
export interface CommandSpec {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One line for the list of commands. */
  readonly short: string;
  /** The line after `Usage:`. */
  readonly use?: string;
  /** Flags beside the global ones; see `parseFlags`. */
  readonly flags?: readonly string[];
  readonly commands?: readonly CommandSpec[];
  /** Flags end at the first argument (`exec POD -- command` may leave out the dashes). */
  readonly stopAtFirstArgument?: boolean;
  /** Exit code of a failure, where 1 means something else (`diff`). Default: 1. */
  readonly failureCode?: number;
  /** Exit code after Ctrl-C, where upstream catches it; undefined: the signal ends kubectl as it ends any program. */
  readonly interruptCode?: (flags: Flags) => number | undefined;
  /** Runs it; the exit code. Without it, the help is shown. */
  readonly run?: (session: Session) => Promise<number>;
}

/** Flags every command takes. */
export const globalFlags: readonly string[] = [
  'kubeconfig:string',
  'context:string',
  'cluster:string',
  'user:string',
  'namespace|n:string',
  'server|s:string',
  'token:string',
  'as:string',
  'as-group:array',
  'as-uid:string',
  'as-user-extra:array',
  'certificate-authority:string',
  'client-certificate:string',
  'client-key:string',
  'insecure-skip-tls-verify:bool',
  'tls-server-name:string',
  'username:string',
  'password:string',
  'request-timeout:string=0',
  'cache-dir:string',
  'match-server-version:bool',
  'disable-compression:bool',
  'warnings-as-errors:bool',
  'profile:string=none',
  'profile-output:string=profile.pprof',
  'kuberc:string',
  'v|v:int=0',
  'vmodule:string',
  'log-flush-frequency:duration=5s',
];
