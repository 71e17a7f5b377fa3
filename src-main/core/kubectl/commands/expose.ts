import type { CommandSpec } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { asError, CommandError, throwCollected } from '../errors.ts';
import { at, type Json, list, map, strings, text } from '../json-view.ts';
import { fileFlags, fileOptions } from '../resources/manifests.ts';
import { selectTargets, type Target } from '../resources/select.ts';
import { changeFlags, dryRunOf, resultPrinter, writeQuery } from '../results.ts';
import type { Session } from '../session.ts';
import { overridden } from './overrides.ts';

export const exposeCommand: CommandSpec = {
  name: 'expose',
  short:
    'Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service',
  use: 'kubectl expose (-f FILENAME | TYPE NAME) [--port=port] [--protocol=TCP|UDP|SCTP] [--target-port=number-or-name] [--name=name] [--external-ip=external-ip-of-service] [--type=type] [options]',
  flags: [
    ...fileFlags,
    ...changeFlags,
    'port:string',
    'target-port:string',
    'protocol:string',
    'name:string',
    'type:string',
    'selector:string',
    'labels|l:string',
    'cluster-ip:string',
    'external-ip:string',
    'load-balancer-ip:string',
    'session-affinity:string',
    'overrides:string',
    'override-type:string=merge',
    'save-config:bool',
  ],
  run: async (session) => {
    const errors: Error[] = [];
    const print = resultPrinter(session, { keepOrder: true });
    const targets = await selectTargets(session, {
      args: session.args,
      files: fileOptions(session),
      onError: (error) => errors.push(error),
    });
    for (const target of targets)
      try {
        let service = serviceFor(session, target);
        if (session.flags.text('overrides') !== '')
          service = overridden(
            service,
            session.flags.text('overrides'),
            session.flags.text('override-type'),
          );
        if (dryRunOf(session) === 'client') {
          print(service, 'exposed');
          continue;
        }
        const answer = await session.api.json(
          'POST',
          resourceUrl(session.builtin('', 'v1', 'services', 'Service'), session.namespace),
          { body: service, query: writeQuery(session, 'kubectl-expose', { validation: false }) },
        );
        print(answer, 'exposed');
      } catch (error) {
        errors.push(asError(error));
      }
    throwCollected(errors);
    return 0;
  },
};

function serviceFor(session: Session, { object, resource, name }: Target): Json {
  const { flags } = session;
  const kind = resource.kind;
  if (!['Pod', 'Service', 'Deployment', 'ReplicaSet', 'ReplicationController'].includes(kind))
    throw new CommandError(`cannot expose a ${kind}.${resource.group}`.replace(/\.$/, ''));
  let selector = strings(object, 'spec', 'selector');
  if (kind === 'Pod') {
    selector = strings(object, 'metadata', 'labels');
    if (Object.keys(selector).length === 0)
      throw new CommandError(
        `couldn't retrieve selectors via --selector flag or introspection: the pod has no labels and cannot be exposed`,
      );
  } else if (kind === 'Deployment' || kind === 'ReplicaSet') {
    selector = strings(object, 'spec', 'selector', 'matchLabels');
    if (list(object, 'spec', 'selector', 'matchExpressions').length > 0)
      throw new CommandError(
        `couldn't convert expressions - "${JSON.stringify(list(object, 'spec', 'selector', 'matchExpressions'))}" to map-based selector format`,
      );
  }
  if (flags.text('selector') !== '')
    selector = Object.fromEntries(
      flags
        .text('selector')
        .split(',')
        .map((pair) => [pair.split('=')[0] ?? '', pair.split('=')[1] ?? '']),
    );
  const declared = declaredPorts(object, kind);
  const wanted =
    flags.text('port') === ''
      ? declared.map(({ port }) => port)
      : flags.text('port').split(',').map(numberOf);
  if (wanted.length === 0)
    throw new CommandError("couldn't find port via --port flag or introspection");
  const target = flags.text('target-port');
  const ports = wanted.map((port, index) => ({
    ...(wanted.length > 1 ? { name: `port-${index + 1}` } : {}),
    protocol:
      flags.text('protocol') || (declared.find((each) => each.port === port)?.protocol ?? 'TCP'),
    port,
    targetPort: target === '' ? port : /^\d+$/.test(target) ? Number(target) : target,
  }));
  const labels =
    flags.text('labels') === ''
      ? strings(object, 'metadata', 'labels')
      : Object.fromEntries(
          flags
            .text('labels')
            .split(',')
            .map((pair) => [pair.split('=')[0] ?? '', pair.split('=')[1] ?? '']),
        );
  return {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: {
      name: flags.text('name') || name.slice(0, 63),
      ...(session.settings.explicitNamespace ? { namespace: session.namespace } : {}),
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
    },
    spec: {
      ports,
      selector,
      ...(flags.text('cluster-ip') === '' ? {} : { clusterIP: flags.text('cluster-ip') }),
      ...(flags.text('type') === '' ? {} : { type: flags.text('type') }),
      ...(flags.text('external-ip') === '' ? {} : { externalIPs: [flags.text('external-ip')] }),
      ...(flags.text('session-affinity') === ''
        ? {}
        : { sessionAffinity: flags.text('session-affinity') }),
      ...(flags.text('load-balancer-ip') === ''
        ? {}
        : { loadBalancerIP: flags.text('load-balancer-ip') }),
    },
    status: { loadBalancer: {} },
  };
}

/** @throws CommandError no number, in Go's words. */
function numberOf(word: string): number {
  if (/^[+-]?\d+$/.test(word)) return Number(word);
  throw new CommandError(`strconv.Atoi: parsing ${JSON.stringify(word)}: invalid syntax`);
}

function declaredPorts(object: Json, kind: string): { port: number; protocol: string }[] {
  if (kind === 'Service')
    return list(object, 'spec', 'ports').map((port) => ({
      port: Number(at(port, 'port')),
      protocol: text(port, 'protocol') || 'TCP',
    }));
  const spec = kind === 'Pod' ? map(object, 'spec') : map(object, 'spec', 'template', 'spec');
  return list(spec, 'containers').flatMap((container) =>
    list(container, 'ports').map((port) => ({
      port: Number(at(port, 'containerPort')),
      protocol: text(port, 'protocol') || 'TCP',
    })),
  );
}
