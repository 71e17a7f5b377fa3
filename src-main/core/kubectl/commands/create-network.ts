import type { CommandSpec } from '../command.ts';
import { CommandError } from '../errors.ts';
import { type Json, sortedKeys } from '../json-view.ts';
import type { Session } from '../session.ts';
import { createGenerated, metadataFor, requireFlags, singleName } from './create-object.ts';
import { generatorFlags } from './create-workloads.ts';

/** `80:8080`, `http:80`… of `--tcp`. */
function servicePort(spec: string, nodePort: number): Json {
  const [portText = '', targetText] = spec.split(':');
  const port = Number(portText);
  if (!/^\d+$/.test(portText) || port < 1 || port > 65535)
    throw new CommandError(
      /^\d+$/.test(portText)
        ? `invalid port specification: "${spec}"`
        : `strconv.Atoi: parsing "${portText}": invalid syntax`,
    );
  const target =
    targetText === undefined || targetText === ''
      ? port
      : /^\d+$/.test(targetText)
        ? Number(targetText)
        : targetText;
  const name =
    typeof target === 'number' || targetText === undefined
      ? spec.replaceAll(':', '-')
      : `${port}-${target}`;
  return { name, protocol: 'TCP', port, targetPort: target, ...(nodePort > 0 ? { nodePort } : {}) };
}

function serviceCommand(
  name: string,
  type: string,
  short: string,
  flags: readonly string[],
): CommandSpec {
  return {
    name,
    short,
    flags: [...generatorFlags, 'tcp:strings', ...flags],
    run: async (session) => {
      const service = singleName(session);
      const ports = session.flags.all('tcp');
      const clusterIp = session.flags.knows('clusterip') ? session.flags.text('clusterip') : '';
      if (clusterIp === 'None' && type !== 'ClusterIP')
        throw new CommandError('ClusterIP=None can only be used with ClusterIP service type');
      if (clusterIp !== 'None' && ports.length === 0 && type !== 'ExternalName')
        throw new CommandError('at least one tcp port specifier must be provided');
      if (type === 'ExternalName') requireFlags(session, 'external-name');
      const nodePort = session.flags.knows('node-port') ? session.flags.int('node-port') : 0;
      const resource = session.builtin('', 'v1', 'services', 'Service');
      const labels = { app: service };
      return createGenerated(
        session,
        resource,
        {
          kind: 'Service',
          apiVersion: 'v1',
          metadata: metadataFor(session, service, resource, { labels }),
          spec: {
            ...(ports.length > 0
              ? { ports: ports.map((spec) => servicePort(spec, nodePort)) }
              : {}),
            selector: labels,
            ...(clusterIp === '' ? {} : { clusterIP: clusterIp }),
            type,
            ...(type === 'ExternalName'
              ? { externalName: session.flags.text('external-name') }
              : {}),
          },
          status: { loadBalancer: {} },
        },
        `failed to create ${type} service: `,
      );
    },
  };
}

export const createService: CommandSpec = {
  name: 'service',
  aliases: ['svc'],
  short: 'Create a service using a specified subcommand',
  commands: [
    serviceCommand('clusterip', 'ClusterIP', 'Create a ClusterIP service', ['clusterip:string']),
    serviceCommand('externalname', 'ExternalName', 'Create an ExternalName service', [
      'external-name:string',
    ]),
    serviceCommand('loadbalancer', 'LoadBalancer', 'Create a LoadBalancer service', []),
    serviceCommand('nodeport', 'NodePort', 'Create a NodePort service', ['node-port:int=0']),
  ],
};

const rulePattern = /^(?:([\w.*-]+))?(\/[^=]*)?=([\w-]+:(?:\d+|[\w-]+))(?:,tls(?:=([\w-]*))?)?$/;

interface Rule {
  readonly host: string;
  readonly path: string;
  readonly pathType: string;
  readonly backend: Json;
  readonly tls: boolean;
  readonly secret: string;
}

function parseRule(rule: string): Rule {
  const match = rulePattern.exec(rule);
  if (!match)
    throw new CommandError(
      `rule ${rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]`,
    );
  const [, host = '', path = '', backend = '', secret = ''] = match;
  const prefix = path.endsWith('*');
  return {
    host,
    path: prefix ? path.slice(0, -1) : path,
    pathType: prefix ? 'Prefix' : 'Exact',
    backend: backendOf(backend),
    tls: /,tls(=|$)/.test(rule),
    secret,
  };
}

function backendOf(text: string): Json {
  const [name = '', port = ''] = text.split(':');
  return {
    service: { name, port: /^\d+$/.test(port) ? { number: Number(port) } : { name: port } },
  };
}

function ingressSpec(session: Session): Json {
  const { flags } = session;
  const rules = flags.all('rule').map(parseRule);
  const hosts = [...new Set(rules.map(({ host }) => host))];
  const tls = new Map<string, string[]>();
  for (const rule of rules)
    if (rule.tls) {
      const known = tls.get(rule.secret) ?? [];
      if (rule.host !== '' && !known.includes(rule.host)) known.push(rule.host);
      tls.set(rule.secret, known);
    }
  const spec: Json = {};
  if (flags.text('class') !== '') spec['ingressClassName'] = flags.text('class');
  if (flags.text('default-backend') !== '')
    spec['defaultBackend'] = backendOf(flags.text('default-backend'));
  if (tls.size > 0)
    spec['tls'] = [...tls].map(([secret, names]) => ({
      ...(names.length > 0 ? { hosts: names } : {}),
      ...(secret === '' ? {} : { secretName: secret }),
    }));
  if (rules.length > 0)
    spec['rules'] = hosts.map((host) => ({
      ...(host === '' ? {} : { host }),
      http: {
        paths: rules
          .filter((rule) => rule.host === host)
          .map(({ path, pathType, backend }) => ({
            ...(path === '' ? {} : { path }),
            pathType,
            backend,
          })),
      },
    }));
  return spec;
}

export const createIngress: CommandSpec = {
  name: 'ingress',
  aliases: ['ing'],
  short: 'Create an ingress with the specified name',
  use: 'kubectl create ingress NAME --rule=host/path=service:port[,tls[=secret]]  [options]',
  flags: [
    ...generatorFlags,
    'rule:array',
    'class:string',
    'default-backend:string',
    'annotation:array',
  ],
  run: async (session) => {
    const name = singleName(session);
    const { flags } = session;
    if (flags.all('rule').length === 0 && flags.text('default-backend') === '')
      throw new CommandError(
        'not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)',
      );
    const annotations: Json = {};
    for (const annotation of flags.all('annotation')) {
      const equals = annotation.indexOf('=');
      if (equals <= 0)
        throw new CommandError(
          `annotation ${annotation} is invalid and should be in format key=[value]`,
        );
      annotations[annotation.slice(0, equals)] = annotation.slice(equals + 1);
    }
    if (
      flags.text('default-backend') !== '' &&
      flags.text('default-backend').split(':').length !== 2
    )
      throw new CommandError('default-backend should be in format servicename:serviceport');
    const resource = session.builtin('networking.k8s.io', 'v1', 'ingresses', 'Ingress');
    return createGenerated(
      session,
      resource,
      {
        kind: 'Ingress',
        apiVersion: 'networking.k8s.io/v1',
        metadata: metadataFor(
          session,
          name,
          resource,
          sortedKeys(annotations).length > 0 ? { annotations } : {},
        ),
        spec: ingressSpec(session),
        status: { loadBalancer: {} },
      },
      'failed to create ingress: ',
    );
  },
};
