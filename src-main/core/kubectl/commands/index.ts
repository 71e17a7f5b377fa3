import type { CommandSpec } from '../command.ts';
import { applyCommand } from './apply.ts';
import { exposeCommand, patchCommand, replaceCommand, runCommand, scaleCommand } from './basics.ts';
import { configCommand } from './config.ts';
import { createCommand } from './create.ts';
import { deleteCommand } from './delete.ts';
import { describeCommand } from './describe.ts';
import { getCommand } from './get.ts';
import { annotateCommand, labelCommand } from './label.ts';
import { attachCommand, execCommand, logsCommand } from './streams.ts';

/** All commands, in the order of kubectl's own help. */
export const rootCommand: CommandSpec = {
  name: 'kubectl',
  short: 'kubectl controls the Kubernetes cluster manager',
  use: 'kubectl [flags] [options]',
  commands: [
    createCommand,
    exposeCommand,
    runCommand,
    getCommand,
    deleteCommand,
    scaleCommand,
    describeCommand,
    logsCommand,
    attachCommand,
    execCommand,
    applyCommand,
    patchCommand,
    replaceCommand,
    labelCommand,
    annotateCommand,
    configCommand,
  ],
};
