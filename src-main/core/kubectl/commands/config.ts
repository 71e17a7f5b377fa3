import { toBase64 } from '#core/base';
import type { CommandSpec } from '../command.ts';
import { fileFor, type Kubeconfig, kubeconfigObject, updateFile } from '../config/kubeconfig.ts';
import { CommandError, UsageError } from '../errors.ts';
import { compareText, type Json, text } from '../json-view.ts';
import { printerFor } from '../print/printers.ts';
import type { Session } from '../session.ts';
import { alignTable } from '../tab-writer.ts';

type Section = 'clusters' | 'users' | 'contexts';

const usage = (session: Session, message: string): UsageError =>
  new UsageError(message, { hint: `See '${session.command} -h' for help and examples` });

function oneArg(session: Session): string {
  const [name] = session.args;
  if (name === undefined || session.args.length !== 1)
    throw usage(session, `Unexpected args: [${session.args.join(' ')}]`);
  return name;
}

function write(session: Session, key: string, change: (config: Kubeconfig) => void): string {
  const path = fileFor(session.files, session.location, session.loadConfigOrEmpty(), key);
  updateFile(session.files, path, change);
  return path;
}

/** Hides keys and tokens, as `config view` does without `--raw`. */
function redacted(config: Kubeconfig): Json {
  const object = structuredClone(kubeconfigObject(config));
  for (const section of ['clusters', 'users'])
    for (const entry of (object[section] ?? []) as Json[]) {
      const body = (entry['cluster'] ?? entry['user']) as Json;
      for (const key of Object.keys(body)) {
        if (key.endsWith('-data')) body[key] = 'DATA+OMITTED';
        if (key === 'token' || key === 'password') body[key] = 'REDACTED';
      }
    }
  return object;
}

function minified(session: Session, config: Kubeconfig): Kubeconfig {
  const name = session.flags.text('context') || config.currentContext;
  if (name === '') throw new CommandError('current-context must exist in order to minify');
  const context = config.contexts.get(name);
  if (!context) throw new CommandError(`cannot locate context ${name}`);
  for (const [section, noun] of [
    ['clusters', 'cluster'],
    ['users', 'user'],
  ] as const) {
    const wanted = text(context, noun);
    if (wanted !== '' && !config[section].has(wanted))
      throw new CommandError(`cannot locate ${noun} ${wanted}`);
  }
  const only = (items: Map<string, Json>, key: string): Map<string, Json> =>
    new Map([...items].filter(([entry]) => entry === key));
  return {
    ...config,
    currentContext: name,
    contexts: only(config.contexts, name),
    clusters: only(config.clusters, text(context, 'cluster')),
    users: only(config.users, text(context, 'user')),
  };
}

function flattened(session: Session, config: Kubeconfig): void {
  const { files } = session;
  for (const [section, entries] of [
    ['clusters', config.clusters],
    ['users', config.users],
  ] as const)
    for (const [name, entry] of entries)
      for (const key of ['certificate-authority', 'client-certificate', 'client-key']) {
        const file = text(entry, key);
        if (file === '') continue;
        const origin = config.origins.get(`${section}/${name}`) ?? '';
        const path = file.startsWith('/')
          ? file
          : `${origin.slice(0, origin.lastIndexOf('/') + 1)}${file}`;
        if (!files.exists(path)) throw new CommandError(`open ${path}: no such file or directory`);
        Reflect.deleteProperty(entry, key);
        entry[`${key}-data`] = toBase64(files.readFile(path));
      }
}

const ordered: Readonly<Record<string, readonly string[]>> = {
  cluster: [
    'server',
    'tls-server-name',
    'insecure-skip-tls-verify',
    'certificate-authority',
    'certificate-authority-data',
    'proxy-url',
    'disable-compression',
  ],
  user: [
    'client-certificate',
    'client-certificate-data',
    'client-key',
    'client-key-data',
    'token',
    'tokenFile',
    'as',
    'username',
    'password',
    'auth-provider',
    'exec',
  ],
  context: ['cluster', 'user', 'namespace'],
};

/** The members in the order Go's types have them, for `-o json`. */
function inOrder(object: Json): Json {
  const entries = (list: unknown): unknown =>
    list === null
      ? null
      : (list as Json[]).map((entry) => {
          const kind = Object.keys(ordered).find((key) => key in entry) ?? '';
          const body = entry[kind] as Json;
          const keys = [
            ...(ordered[kind] ?? []).filter((key) => key in body),
            ...Object.keys(body).filter((key) => !ordered[kind]?.includes(key)),
          ];
          return {
            name: entry['name'],
            [kind]: Object.fromEntries(keys.map((key) => [key, body[key]])),
          };
        });
  return {
    kind: 'Config',
    apiVersion: 'v1',
    clusters: entries(object['clusters']),
    users: entries(object['users']),
    contexts: entries(object['contexts']),
    'current-context': object['current-context'],
  };
}

async function view(session: Session): Promise<number> {
  const { flags } = session;
  if (session.args.length > 0)
    throw usage(session, `unexpected arguments: [${session.args.join(' ')}]`);
  let config = session.loadConfig();
  if (flags.bool('minify')) config = minified(session, config);
  if (flags.bool('flatten')) flattened(session, config);
  const object =
    flags.bool('raw') || flags.bool('flatten') ? kubeconfigObject(config) : redacted(config);
  const format = flags.text('output') || 'yaml';
  const printer = printerFor(format, {
    files: session.io.files,
    template: flags.text('template'),
    keepOrder: true,
  });
  session.out(printer(format === 'json' ? inOrder(object) : object));
  return Promise.resolve(0);
}

function getContexts(session: Session): Promise<number> {
  const { flags, args } = session;
  const config = session.loadConfig();
  const output = flags.text('output');
  if (output !== '' && output !== 'name')
    throw new CommandError(`output must be one of '' or 'name': ${output}`);
  const names = args.length === 0 ? [...config.contexts.keys()].sort(compareText) : args;
  const rows: string[][] = [];
  if (!flags.bool('no-headers') && output !== 'name')
    rows.push(['CURRENT', 'NAME', 'CLUSTER', 'AUTHINFO', 'NAMESPACE']);
  const missing: string[] = [];
  for (const name of names) {
    const context = config.contexts.get(name);
    if (!context) {
      missing.push(name);
      continue;
    }
    if (output === 'name') rows.push([name]);
    else
      rows.push([
        name === config.currentContext ? '*' : '',
        name,
        text(context, 'cluster'),
        text(context, 'user'),
        text(context, 'namespace'),
      ]);
  }
  session.out(
    output === 'name' ? rows.map(([name = '']) => `${name}\n`).join('') : alignTable(rows),
  );
  if (missing.length > 0)
    throw new CommandError(missing.map((name) => `context ${name} not found`).join(', '));
  return Promise.resolve(0);
}

function names(section: Section): (session: Session) => Promise<number> {
  return (session) => {
    const rows = ['NAME', ...[...session.loadConfig()[section].keys()].sort(compareText)];
    session.out(rows.map((name) => `${name}\n`).join(''));
    return Promise.resolve(0);
  };
}

function remove(section: Section, noun: string): (session: Session) => Promise<number> {
  return (session) => {
    const name = oneArg(session);
    const config = session.loadConfig();
    const path =
      config.origins.get(`${section}/${name}`) ??
      fileFor(session.files, session.location, config, '');
    if (!config[section].has(name))
      throw new CommandError(`cannot delete ${noun} ${name}, not in ${path}`);
    if (section === 'contexts' && config.currentContext === name)
      session.err(
        'warning: this removed your active context, use "kubectl config use-context" to select a different one\n',
      );
    updateFile(session.files, path, (file) => file[section].delete(name));
    session.out(`deleted ${noun} ${name} from ${path}\n`);
    return Promise.resolve(0);
  };
}

function setContext(session: Session): Promise<number> {
  const { flags } = session;
  const config = session.loadConfigOrEmpty();
  const name = flags.bool('current') ? config.currentContext : session.args[0];
  if (flags.bool('current') && session.args.length > 0)
    throw usage(session, 'you cannot specify both a context name and --current');
  if (name === undefined || (!flags.bool('current') && session.args.length !== 1))
    throw usage(session, `Unexpected args: [${session.args.join(' ')}]`);
  if (name === '') throw new CommandError('no current context is set');
  const exists = config.contexts.has(name);
  write(session, `contexts/${name}`, (file) => {
    const context = { ...file.contexts.get(name) };
    for (const key of ['cluster', 'user', 'namespace'])
      if (flags.changed(key)) context[key] = flags.text(key);
    if (!('cluster' in context)) context['cluster'] = '';
    if (!('user' in context)) context['user'] = '';
    file.contexts.set(name, context);
  });
  session.out(`Context "${name}" ${exists ? 'modified' : 'created'}.\n`);
  return Promise.resolve(0);
}

function embed(session: Session, entry: Json, key: string): void {
  const file = session.flags.text(key);
  const path = session.path(file);
  if (!session.flags.bool('embed-certs')) {
    entry[key] = path;
    Reflect.deleteProperty(entry, `${key}-data`);
    return;
  }
  if (!session.files.exists(path))
    throw new CommandError(
      `could not stat ${key} file ${file}: stat ${file}: no such file or directory`,
    );
  entry[`${key}-data`] = toBase64(session.files.readFile(path));
  Reflect.deleteProperty(entry, key);
}

function setCluster(session: Session): Promise<number> {
  const name = oneArg(session);
  const { flags } = session;
  if (flags.text('certificate-authority') !== '' && flags.bool('insecure-skip-tls-verify'))
    throw new CommandError(
      'you cannot specify a certificate authority and insecure mode at the same time',
    );
  write(session, `clusters/${name}`, (file) => {
    const cluster = { ...file.clusters.get(name) };
    cluster['server'] ??= '';
    for (const key of ['server', 'tls-server-name', 'proxy-url'])
      if (flags.changed(key)) cluster[key] = flags.text(key);
    if (flags.changed('insecure-skip-tls-verify'))
      cluster['insecure-skip-tls-verify'] = flags.bool('insecure-skip-tls-verify');
    if (cluster['insecure-skip-tls-verify'] === true)
      for (const key of ['certificate-authority', 'certificate-authority-data'])
        Reflect.deleteProperty(cluster, key);
    if (flags.changed('certificate-authority')) {
      embed(session, cluster, 'certificate-authority');
      Reflect.deleteProperty(cluster, 'insecure-skip-tls-verify');
    }
    file.clusters.set(name, cluster);
  });
  session.out(`Cluster "${name}" set.\n`);
  return Promise.resolve(0);
}

function setCredentials(session: Session): Promise<number> {
  const name = oneArg(session);
  const { flags } = session;
  const hasToken = flags.text('token') !== '';
  const hasPassword = flags.text('username') + flags.text('password') !== '';
  if (hasToken && hasPassword)
    throw new CommandError(
      'you cannot specify more than one authentication method at the same time: --token, --username/--password',
    );
  write(session, `users/${name}`, (file) => {
    const user = { ...file.users.get(name) };
    const replaced = hasToken
      ? ['username', 'password']
      : hasPassword
        ? ['token', 'tokenFile']
        : [];
    for (const key of replaced) Reflect.deleteProperty(user, key);
    for (const key of ['token', 'username', 'password'])
      if (flags.changed(key)) user[key] = flags.text(key);
    for (const key of ['client-certificate', 'client-key'])
      if (flags.changed(key)) embed(session, user, key);
    file.users.set(name, user);
  });
  session.out(`User "${name}" set.\n`);
  return Promise.resolve(0);
}

function useContext(session: Session): Promise<number> {
  const name = oneArg(session);
  if (!session.loadConfig().contexts.has(name))
    throw new CommandError(`no context exists with the name: "${name}"`);
  const { location, files } = session;
  const path = location.paths.find((each) => files.exists(each)) ?? location.paths[0] ?? '';
  updateFile(files, path, (file) => {
    file.currentContext = name;
  });
  session.out(`Switched to context "${name}".\n`);
  return Promise.resolve(0);
}

function renameContext(session: Session): Promise<number> {
  const [from, to] = session.args;
  if (from === undefined || to === undefined || session.args.length !== 2)
    throw usage(session, `Unexpected args: [${session.args.join(' ')}]`);
  const config = session.loadConfig();
  const path = fileFor(session.files, session.location, config, `contexts/${from}`);
  if (!config.contexts.has(from))
    throw new CommandError(`cannot rename the context "${from}", it's not in ${path}`);
  if (config.contexts.has(to))
    throw new CommandError(
      `cannot rename the context "${from}", the context "${to}" already exists in ${path}`,
    );
  updateFile(session.files, path, (file) => {
    file.contexts.set(to, file.contexts.get(from) ?? {});
    file.contexts.delete(from);
    if (file.currentContext === from) file.currentContext = to;
  });
  session.out(`Context "${from}" renamed to "${to}".\n`);
  return Promise.resolve(0);
}

/** What Go reads as a boolean. */
const boolWord = /^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/;

/** `contexts.NAME.namespace`: names may hold dots, so the member is the last step. */
function property(session: Session, value: string | undefined): Promise<number> {
  const name = session.args[0] ?? '';
  write(session, '', (file) => {
    if (name === 'current-context') {
      file.currentContext = value ?? '';
      return;
    }
    const [section = '', ...rest] = name.split('.');
    if (section !== 'clusters' && section !== 'users' && section !== 'contexts')
      throw new CommandError(`unable to parse ${name} after [] at api.Config`);
    const entries = file[section];
    if (rest.length === 0) {
      entries.clear();
      return;
    }
    const whole = rest.join('.');
    if (value === undefined && entries.has(whole)) {
      entries.delete(whole);
      return;
    }
    const member = rest.pop() ?? '';
    if (value === undefined && !entries.has(rest.join('.'))) return;
    if (member === 'insecure-skip-tls-verify' && value !== undefined && !boolWord.test(value))
      throw new CommandError(`strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
    const entry = { ...entries.get(rest.join('.')) };
    if (value === undefined) Reflect.deleteProperty(entry, member);
    else entry[member] = value === 'true' ? true : value === 'false' ? false : value;
    entries.set(rest.join('.'), entry);
  });
  session.out(`Property "${name}" ${value === undefined ? 'unset' : 'set'}.\n`);
  return Promise.resolve(0);
}

export const configCommand: CommandSpec = {
  name: 'config',
  short: 'Modify kubeconfig files',
  use: 'kubectl config SUBCOMMAND [options]',
  commands: [
    {
      name: 'current-context',
      short: 'Display the current-context',
      run: (session) => {
        const { currentContext } = session.loadConfig();
        if (currentContext === '') throw new CommandError('current-context is not set');
        session.out(`${currentContext}\n`);
        return Promise.resolve(0);
      },
    },
    {
      name: 'delete-cluster',
      short: 'Delete the specified cluster from the kubeconfig',
      run: remove('clusters', 'cluster'),
    },
    {
      name: 'delete-context',
      short: 'Delete the specified context from the kubeconfig',
      run: remove('contexts', 'context'),
    },
    {
      name: 'delete-user',
      short: 'Delete the specified user from the kubeconfig',
      run: remove('users', 'user'),
    },
    {
      name: 'get-clusters',
      short: 'Display clusters defined in the kubeconfig',
      run: names('clusters'),
    },
    {
      name: 'get-contexts',
      short: 'Describe one or many contexts',
      flags: ['output|o:string', 'no-headers:bool'],
      run: getContexts,
    },
    { name: 'get-users', short: 'Display users defined in the kubeconfig', run: names('users') },
    {
      name: 'rename-context',
      short: 'Rename a context from the kubeconfig file',
      run: renameContext,
    },
    {
      name: 'set',
      short: 'Set an individual value in a kubeconfig file',
      flags: ['set-raw-bytes:bool'],
      run: (session) => {
        if (session.args.length !== 2)
          throw usage(session, `Unexpected args: [${session.args.join(' ')}]`);
        return property(session, session.args[1]);
      },
    },
    {
      name: 'set-cluster',
      short: 'Set a cluster entry in kubeconfig',
      flags: ['embed-certs:bool', 'proxy-url:string'],
      run: setCluster,
    },
    {
      name: 'set-context',
      short: 'Set a context entry in kubeconfig',
      flags: ['current:bool'],
      run: setContext,
    },
    {
      name: 'set-credentials',
      short: 'Set a user entry in kubeconfig',
      flags: ['embed-certs:bool'],
      run: setCredentials,
    },
    {
      name: 'unset',
      short: 'Unset an individual value in a kubeconfig file',
      run: (session) => {
        oneArg(session);
        return property(session, undefined);
      },
    },
    {
      name: 'use-context',
      aliases: ['use'],
      short: 'Set the current-context in a kubeconfig file',
      run: useContext,
    },
    {
      name: 'view',
      short: 'Display merged kubeconfig settings or a specified kubeconfig file',
      flags: [
        'output|o:string',
        'template:string',
        'minify:bool',
        'flatten:bool',
        'raw:bool',
        'merge:bool=true',
        'allow-missing-template-keys:bool=true',
        'show-managed-fields:bool',
      ],
      run: view,
    },
  ],
};
