import type { Shell } from '../shell.ts';
import { controlBuiltins } from './control.ts';
import { directoryBuiltins } from './directories.ts';
import { ioBuiltins } from './io.ts';
import { jobBuiltins } from './jobs.ts';
import { optionBuiltins } from './options.ts';
import { variableBuiltins } from './variables.ts';

/** A command inside the shell. @returns its status. @throws ShellError. */
export type Builtin = (shell: Shell, args: readonly string[]) => number | Promise<number>;

/** Every builtin, by name. */
export const builtins: Readonly<Record<string, Builtin | undefined>> = Object.assign(
  Object.create(null) as Record<string, Builtin | undefined>,
  controlBuiltins,
  directoryBuiltins,
  ioBuiltins,
  jobBuiltins,
  optionBuiltins,
  variableBuiltins,
);

/** POSIX' special builtins: their failure ends a POSIX shell. */
export const specialBuiltins: ReadonlySet<string> = new Set(
  '. : break continue eval exec exit export readonly return set shift times trap unset'.split(' '),
);
