/** The command line is wrong; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const usage = `usage: kijabi [--data DIR] [--json] COMMAND

clusters
  cluster up [NAME] [--topology base+1cp+2w]   bring up a cluster and leave it running
  cluster down [NAME | --all]                  remove a cluster and everything in it
  cluster list
  cluster kubeconfig [NAME]                    print the path of its kubeconfig
  ssh [USER@]HOST [COMMAND…] [--cluster NAME]  a shell on a machine, or one command
  kubectl ARGUMENTS…                           the built-in kubectl, on the control plane
  clock [--cluster NAME] --speed N | pause | advance DURATION | settle

practice
  task list
  task start TASK [--seed SEED]
  task check | solve | reset | end [SESSION]
  exam list
  exam start EXAM [--seed SEED]
  exam report [SESSION]

data
  backup                                       back up progress
  restore [BACKUP]                             list backups, or restore one
  doctor                                       look whether this computer has all that is needed

A running Kijabi answers; otherwise one is started in the background, and ends with its last cluster.`;
