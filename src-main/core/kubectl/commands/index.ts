import type { CommandSpec } from '../command.ts';
import { applyCommand } from './apply.ts';
import { autoscaleCommand } from './autoscale.ts';
import { patchCommand, replaceCommand, runCommand, scaleCommand } from './basics.ts';
import { exposeCommand } from './expose.ts';
import { certificateCommand } from './certificate.ts';
import { completionCommand } from './completion.ts';
import { configCommand } from './config.ts';
import { cpCommand } from './cp.ts';
import { createCommand } from './create.ts';
import { debugCommand } from './debug.ts';
import { deleteCommand } from './delete.ts';
import { describeCommand } from './describe.ts';
import { diffCommand } from './diff.ts';
import { editCommand } from './edit.ts';
import { eventsCommand } from './events.ts';
import { explainCommand } from './explain.ts';
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
import { alphaCommand, pluginCommand } from './plugin.ts';
import { portForwardCommand } from './port-forward.ts';
import { proxyCommand } from './proxy.ts';
import { rolloutCommand } from './rollout.ts';
import { setCommand } from './set.ts';
import { attachCommand, execCommand, logsCommand } from './streams.ts';
import { kustomizeCommand } from './kustomize.ts';
import { topCommand } from './top.ts';
import { waitCommand } from './wait.ts';

export { completeWords } from './completion.ts';

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
    explainCommand,
    getCommand,
    editCommand,
    deleteCommand,
    rolloutCommand,
    scaleCommand,
    autoscaleCommand,
    certificateCommand,
    clusterInfoCommand,
    kustomizeCommand,
    topCommand,
    cordonCommand,
    uncordonCommand,
    drainCommand,
    taintCommand,
    describeCommand,
    logsCommand,
    attachCommand,
    execCommand,
    portForwardCommand,
    proxyCommand,
    cpCommand,
    authCommand,
    debugCommand,
    eventsCommand,
    diffCommand,
    applyCommand,
    patchCommand,
    replaceCommand,
    waitCommand,
    labelCommand,
    annotateCommand,
    completionCommand,
    alphaCommand,
    apiResourcesCommand,
    apiVersionsCommand,
    configCommand,
    pluginCommand,
    optionsCommand,
    versionCommand,
  ],
};
