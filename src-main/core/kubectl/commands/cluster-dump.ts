import { concatBytes, utf8 } from '#core/base';
import type { CommandSpec } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { asError } from '../errors.ts';
import { isJson, type Json, list, nameOf, text } from '../json-view.ts';
import { printerFor } from '../print/printers.ts';
import type { Session } from '../session.ts';
import { readLog } from './streams.ts';

/** What is dumped of each namespace: the file's name, and the resource. */
const dumped = [
  ['events', '', 'events', 'Event'],
  ['replication-controllers', '', 'replicationcontrollers', 'ReplicationController'],
  ['services', '', 'services', 'Service'],
  ['daemonsets', 'apps', 'daemonsets', 'DaemonSet'],
  ['deployments', 'apps', 'deployments', 'Deployment'],
  ['replicasets', 'apps', 'replicasets', 'ReplicaSet'],
  ['pods', '', 'pods', 'Pod'],
] as const;

/** @see k8s.io/kubectl/pkg/cmd/clusterinfo/clusterinfo_dump.go */
export const clusterInfoDump: CommandSpec = {
  name: 'dump',
  short: 'Dump relevant information for debugging and diagnosis',
  use: 'kubectl cluster-info dump [flags] [options]',
  flags: [
    'all-namespaces|A:bool',
    'allow-missing-template-keys:bool=true',
    'namespaces:strings',
    'output|o:string=json',
    'output-directory:string',
    'pod-running-timeout:duration=20s',
    'show-managed-fields:bool',
    'template:string',
  ],
  run: async (session) => {
    const { flags, api } = session;
    const write = writerOf(session);
    const nodes = session.builtin('', 'v1', 'nodes', 'Node', false);
    write('nodes', await api.get(resourceUrl(nodes, '')));
    for (const namespace of await namespacesOf(session)) {
      let pods: readonly Json[] = [];
      for (const [file, group, plural, kind] of dumped) {
        const answer = await api.get(
          resourceUrl(session.builtin(group, 'v1', plural, kind), namespace),
        );
        write(`${namespace}/${file}`, answer);
        pods = list(answer, 'items').filter(isJson);
      }
      for (const pod of pods) write(`${namespace}/${nameOf(pod)}/logs`, await logsOf(session, pod));
    }
    const folder = flags.text('output-directory');
    if (folder !== '' && folder !== '-') session.out(`Cluster info dumped to ${folder}\n`);
    return 0;
  },
};

async function namespacesOf(session: Session): Promise<readonly string[]> {
  const { flags } = session;
  if (!flags.bool('all-namespaces')) {
    const named = flags.all('namespaces');
    return named.length > 0 ? named : ['kube-system', session.namespace];
  }
  const namespaces = session.builtin('', 'v1', 'namespaces', 'Namespace', false);
  return list(await session.api.get(resourceUrl(namespaces, '')), 'items').map(nameOf);
}

/** Writes objects in the format asked for, and logs as they are, to stdout or below a folder. */
function writerOf(session: Session): (name: string, content: Json | Uint8Array) => void {
  const { flags, io } = session;
  const format = flags.text('output');
  const print = printerFor(format, {
    files: io.files,
    template: flags.text('template'),
    showManagedFields: flags.bool('show-managed-fields'),
    keepOrder: true,
  });
  const folder = flags.text('output-directory');
  const extension = format === 'json' || format === 'yaml' ? `.${format}` : '.txt';
  return (name, content) => {
    const isLog = content instanceof Uint8Array;
    const bytes = isLog ? content : utf8(print(content));
    if (folder === '' || folder === '-') {
      session.outBytes(bytes);
      return;
    }
    const path = session.path(`${folder.replace(/\/$/, '')}/${name}${isLog ? '.txt' : extension}`);
    io.files.mkdir(path.slice(0, path.lastIndexOf('/')), { recursive: true, mode: 0o755 });
    io.files.writeFile(path, bytes);
  };
}

async function logsOf(session: Session, pod: Json): Promise<Uint8Array> {
  const containers = [...list(pod, 'spec', 'initContainers'), ...list(pod, 'spec', 'containers')];
  const parts: Uint8Array[] = [];
  for (const container of containers) {
    const name = text(container, 'name');
    const where = `logs for container ${name} of pod ${text(pod, 'metadata', 'namespace')}/${nameOf(pod)}`;
    parts.push(utf8(`==== START ${where} ====\n`));
    try {
      parts.push(await readLog(session, pod, name));
    } catch (error) {
      parts.push(utf8(`Request log error: ${asError(error).message}\n`));
    }
    parts.push(utf8(`==== END ${where} ====\n`));
  }
  return concatBytes(parts);
}
