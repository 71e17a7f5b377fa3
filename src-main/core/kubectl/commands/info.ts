import type { CommandSpec } from '../command.ts';
import { groupVersionOf, qualifiedResource } from '../discovery.ts';
import { CommandError, ExitError, UsageError } from '../errors.ts';
import { formatJson, goList } from '../go-text.ts';
import {
  compareText,
  list,
  map,
  nameOf,
  namespaceOf,
  sortedKeys,
  strings,
  text,
} from '../json-view.ts';
import { formatYaml } from '#core/kube';
import { optionsText } from '../help.ts';
import { printerFor } from '../print/printers.ts';
import type { Session } from '../session.ts';
import { clusterInfoDump } from './cluster-dump.ts';
import { reconcileCommand } from './reconcile.ts';
import { alignTable } from '../tab-writer.ts';

const clientVersion = {
  major: '1',
  minor: '36',
  gitVersion: 'v1.36.3',
  platform: 'linux/amd64',
};
const kustomizeVersion = 'v5.8.1';

export const versionCommand: CommandSpec = {
  name: 'version',
  short: 'Print the client and server version information for the current context',
  flags: ['client:bool', 'output|o:string'],
  run: async (session) => {
    const { flags } = session;
    const output = flags.text('output');
    if (session.args.length > 0)
      throw new CommandError(`extra arguments: [${session.args.join(' ')}]`);
    if (output !== '' && output !== 'json' && output !== 'yaml')
      throw new CommandError("--output must be 'yaml' or 'json'");
    let server: Record<string, unknown> | undefined;
    let failure: unknown;
    if (!flags.bool('client'))
      try {
        server = await session.api.get('/version', { timeout: '32s' });
      } catch (error) {
        failure = error;
      }
    const object = {
      clientVersion,
      kustomizeVersion,
      ...(server ? { serverVersion: server } : {}),
    };
    if (output === 'json') session.out(`${formatJson(object, { sort: false, indent: 2 })}\n`);
    else if (output === 'yaml') session.out(formatYaml(object));
    else {
      session.out(
        `Client Version: ${clientVersion.gitVersion}\nKustomize Version: ${kustomizeVersion}\n`,
      );
      if (server) session.out(`Server Version: ${text(server, 'gitVersion')}\n`);
    }
    if (failure !== undefined) throw failure instanceof Error ? failure : new Error('no answer');
    return 0;
  },
};

export const apiVersionsCommand: CommandSpec = {
  name: 'api-versions',
  short: 'Print the supported API versions on the server, in the form of "group/version"',
  run: async (session) => {
    const { groups } = await session.catalog();
    const versions = groups.flatMap(({ name, versions: all }) =>
      all.map((version) => groupVersionOf(name, version)),
    );
    session.out(
      versions
        .sort(compareText)
        .map((version) => `${version}\n`)
        .join(''),
    );
    return 0;
  },
};

export const apiResourcesCommand: CommandSpec = {
  name: 'api-resources',
  short: 'Print the supported API resources on the server',
  flags: [
    'api-group:string',
    'namespaced:bool=true',
    'no-headers:bool',
    'output|o:string',
    'sort-by:string',
    'verbs:strings',
    'categories:strings',
    'cached:bool',
  ],
  run: async (session) => {
    const { flags, args } = session;
    if (args.length > 0)
      throw new UsageError(`unexpected arguments: [${args.join(' ')}]`, {
        hint: `See '${session.command} -h' for help and examples`,
      });
    const { groups, resources } = await (flags.bool('cached')
      ? session.catalog()
      : session.freshCatalog());
    const output = flags.text('output');
    if (!['', 'wide', 'name'].includes(output))
      throw new CommandError(
        `unable to match a printer suitable for the output format ${JSON.stringify(output)}, allowed formats are: json,kyaml,name,wide,yaml`,
      );
    const preferred = new Map(groups.map(({ name, versions }) => [name, versions[0]]));
    const shown = resources.filter(
      (resource) =>
        preferred.get(resource.group) === resource.version &&
        resource.verbs.length > 0 &&
        (!flags.changed('api-group') || resource.group === flags.text('api-group')) &&
        (!flags.changed('namespaced') || resource.namespaced === flags.bool('namespaced')) &&
        flags.all('verbs').every((verb) => resource.verbs.includes(verb)) &&
        flags.all('categories').every((category) => resource.categories.includes(category)),
    );
    const sortBy = flags.text('sort-by');
    if (sortBy !== '' && sortBy !== 'name' && sortBy !== 'kind')
      throw new CommandError('--sort-by accepts only name or kind');
    shown.sort((a, b) =>
      sortBy === 'kind'
        ? compareText(a.kind, b.kind)
        : sortBy === 'name'
          ? compareText(a.resource, b.resource)
          : compareText(a.group, b.group) || compareText(a.resource, b.resource),
    );
    if (output === 'name') {
      session.out(shown.map((resource) => `${qualifiedResource(resource)}\n`).join(''));
      return 0;
    }
    const wide = output === 'wide';
    const rows = shown.map((resource) => [
      resource.resource,
      resource.shortNames.join(','),
      groupVersionOf(resource.group, resource.version),
      String(resource.namespaced),
      resource.kind,
      ...(wide ? [resource.verbs.join(','), resource.categories.join(',')] : []),
    ]);
    const headers = [
      'NAME',
      'SHORTNAMES',
      'APIVERSION',
      'NAMESPACED',
      'KIND',
      ...(wide ? ['VERBS', 'CATEGORIES'] : []),
    ];
    session.out(alignTable(flags.bool('no-headers') ? rows : [headers, ...rows]));
    return 0;
  },
};

export const clusterInfoCommand: CommandSpec = {
  name: 'cluster-info',
  short: 'Display cluster information',
  commands: [clusterInfoDump],
  run: async (session) => {
    const services = await session.api.get(
      `/api/v1/namespaces/${session.settings.explicitNamespace ? session.namespace : 'kube-system'}/services`,
      { labelSelector: 'kubernetes.io/cluster-service=true' },
    );
    const { server } = session.api;
    session.out(`Kubernetes control plane is running at ${server}\n`);
    for (const service of list(services, 'items')) {
      const labels = strings(service, 'metadata', 'labels');
      const [port] = list(service, 'spec', 'ports');
      const name = `${nameOf(service)}${text(port, 'name') === '' ? '' : `:${text(port, 'name')}`}`;
      session.out(
        `${labels['kubernetes.io/name'] ?? nameOf(service)} is running at ${server}/api/v1/namespaces/${namespaceOf(service)}/services/${name}/proxy\n`,
      );
    }
    session.out(
      `\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n`,
    );
    return 0;
  },
};

export const optionsCommand: CommandSpec = {
  name: 'options',
  short: 'Print the list of flags inherited by all commands',
  run: (session) => {
    session.out(optionsText());
    return Promise.resolve(0);
  },
};

const resourceVerbs = new Set(
  'get list watch create update patch delete deletecollection use bind impersonate * approve sign escalate attest'.split(
    ' ',
  ),
);
const urlVerbs = new Set('get put post head options delete patch *'.split(' '));

function warnOfVerb(session: Session, verb: string, known: ReadonlySet<string>): void {
  if (!known.has(verb)) session.err(`Warning: verb '${verb}' is not a known verb\n\n`);
}

async function canI(session: Session): Promise<number> {
  const { flags, args } = session;
  if (flags.bool('list')) return listRules(session);
  const [verb, target] = args;
  if (verb === undefined || target === undefined || args.length > 2)
    throw new CommandError(
      "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
    );
  const namespace = flags.bool('all-namespaces') ? '' : session.namespace;
  let spec: Record<string, unknown>;
  if (target.startsWith('/')) {
    warnOfVerb(session, verb, urlVerbs);
    spec = { nonResourceAttributes: { verb, path: target } };
  } else {
    const [type = '', typedName] = target.split('/');
    const resource = type === '*' ? undefined : await session.resource(type).catch(() => undefined);
    if (!resource && type !== '*')
      session.err(`Warning: the server doesn't have a resource type '${type}'\n\n`);
    if (resource && !resource.namespaced)
      session.err(
        `Warning: resource '${resource.resource}' is not namespace scoped${resource.group === '' ? '' : ` in group '${resource.group}'`}\n\n`,
      );
    warnOfVerb(session, verb, resourceVerbs);
    spec = {
      resourceAttributes: {
        ...(namespace === '' ? {} : { namespace }),
        verb,
        group:
          resource?.group ??
          (type.includes('.') ? type.split('.').slice(1).join('.') : type === '*' ? '*' : ''),
        resource: resource?.resource ?? type.split('.')[0],
        ...(flags.text('subresource') === '' ? {} : { subresource: flags.text('subresource') }),
        ...(typedName ? { name: typedName } : {}),
      },
    };
  }
  const answer = await session.api.json(
    'POST',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    {
      body: {
        kind: 'SelfSubjectAccessReview',
        apiVersion: 'authorization.k8s.io/v1',
        metadata: {},
        spec,
      },
    },
  );
  const status = map(answer, 'status');
  const allowed = status['allowed'] === true;
  const reason = text(status, 'reason');
  const evaluation = text(status, 'evaluationError');
  if (!flags.bool('quiet')) {
    const detail = allowed
      ? ''
      : `${reason === '' ? '' : ` - ${reason}`}${evaluation === '' ? '' : ` - ${evaluation}`}`;
    session.out(`${allowed ? 'yes' : 'no'}${detail}\n`);
  }
  if (!allowed) throw new ExitError('', 1);
  return 0;
}

async function listRules(session: Session): Promise<number> {
  const answer = await session.api.json(
    'POST',
    '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    {
      body: {
        kind: 'SelfSubjectRulesReview',
        apiVersion: 'authorization.k8s.io/v1',
        metadata: {},
        spec: { namespace: session.namespace },
      },
    },
  );
  const rows: string[][] = session.flags.bool('no-headers')
    ? []
    : [['Resources', 'Non-Resource URLs', 'Resource Names', 'Verbs']];
  const body: string[][] = [];
  for (const rule of list(answer, 'status', 'resourceRules'))
    for (const group of list(rule, 'apiGroups') as string[])
      for (const resource of list(rule, 'resources') as string[])
        body.push([
          group === ''
            ? resource
            : `${resource.split('/')[0] ?? ''}.${group}${resource.includes('/') ? `/${resource.split('/')[1] ?? ''}` : ''}`,
          '[]',
          goList(list(rule, 'resourceNames') as string[]),
          goList(list(rule, 'verbs') as string[]),
        ]);
  const urls = list(answer, 'status', 'nonResourceRules').flatMap((rule) =>
    (list(rule, 'nonResourceURLs') as string[]).map((url) => [
      '',
      `[${url}]`,
      '[]',
      goList(list(rule, 'verbs') as string[]),
    ]),
  );
  body.push(...urls.sort((a, b) => compareText(a[1] ?? '', b[1] ?? '')));
  session.out(alignTable([...rows, ...body]));
  return 0;
}

export const authCommand: CommandSpec = {
  name: 'auth',
  short: 'Inspect authorization',
  commands: [
    {
      name: 'can-i',
      short: 'Check whether an action is allowed',
      flags: [
        'all-namespaces|A:bool',
        'list:bool',
        'quiet|q:bool',
        'subresource:string',
        'no-headers:bool',
      ],
      run: canI,
    },
    reconcileCommand,
    {
      name: 'whoami',
      short: 'Experimental: Check self subject attributes',
      flags: ['output|o:string'],
      run: async (session) => {
        const answer = await session.api.json(
          'POST',
          '/apis/authentication.k8s.io/v1/selfsubjectreviews',
          {
            body: {
              kind: 'SelfSubjectReview',
              apiVersion: 'authentication.k8s.io/v1',
              metadata: {},
            },
          },
        );
        const user = map(answer, 'status', 'userInfo');
        const extra = map(user, 'extra');
        const rows = [['ATTRIBUTE', 'VALUE']];
        if (text(user, 'username') !== '') rows.push(['Username', text(user, 'username')]);
        if (text(user, 'uid') !== '') rows.push(['UID', text(user, 'uid')]);
        if (list(user, 'groups').length > 0)
          rows.push(['Groups', goList(list(user, 'groups') as string[])]);
        for (const key of sortedKeys(extra))
          rows.push([`Extra: ${key}`, goList(list(extra, key) as string[])]);
        const output = session.flags.text('output');
        session.out(
          output === ''
            ? alignTable(rows)
            : printerFor(output, { files: session.io.files })(answer),
        );
        return 0;
      },
    },
  ],
};
