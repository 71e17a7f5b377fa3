import type { CommandSpec } from '../command.ts';
import { applyCommand } from './apply.ts';
import { exposeCommand, patchCommand, replaceCommand, runCommand, scaleCommand } from './basics.ts';
import { configCommand } from './config.ts';
import { createCommand } from './create.ts';
import { deleteCommand } from './delete.ts';
import { describeCommand } from './describe.ts';
import { getCommand } from './get.ts';
import {
  apiResourcesCommand,
  apiVersionsCommand,
  authCommand,
  clusterInfoCommand,
  optionsCommand,
  versionCommand,
} from './info.ts';
import { cordonCommand, drainCommand, taintCommand, uncordonCommand } from './nodes.ts';
import { annotateCommand, labelCommand } from './label.ts';
import { rolloutCommand } from './rollout.ts';
import { setCommand } from './set.ts';
import { attachCommand, execCommand, logsCommand } from './streams.ts';
import { waitCommand } from './wait.ts';

/** All commands, in the order of kubectl's own help. */
export const rootCommand: CommandSpec = {
  name: 'kubectl',
  short: 'kubectl controls the Kubernetes cluster manager',
  use: 'kubectl [flags] [options]',
  commands: [
    createCommand,
    exposeCommand,
    runCommand,
    setCommand,
    getCommand,
    deleteCommand,
    rolloutCommand,
    scaleCommand,
    clusterInfoCommand,
    cordonCommand,
    uncordonCommand,
    drainCommand,
    taintCommand,
    describeCommand,
    logsCommand,
    attachCommand,
    execCommand,
    authCommand,
    applyCommand,
    patchCommand,
    replaceCommand,
    waitCommand,
    labelCommand,
    annotateCommand,
    apiResourcesCommand,
    apiVersionsCommand,
    configCommand,
    optionsCommand,
    versionCommand,
  ],
};
