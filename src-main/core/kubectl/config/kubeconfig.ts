import { fromBase64, fromUtf8, splitOnce, utf8 } from '#core/base';
import { formatYaml, parseYaml } from '#core/kube';
import { CommandError } from '../errors.ts';
import type { Flags } from '../flags.ts';
import { compareText, isJson, type Json, list, map, text } from '../json-view.ts';
import type { ConnectionConfig, KubectlFiles } from '../types.ts';

/** The configuration cannot be used; printed after `Error in configuration: `. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** One kubeconfig, entries by name. */
export interface Kubeconfig {
  readonly clusters: Map<string, Json>;
  readonly users: Map<string, Json>;
  readonly contexts: Map<string, Json>;
  currentContext: string;
  /** The file each entry came from, by `clusters/name`; relative paths in it are relative to that file. */
  readonly origins: Map<string, string>;
}

export function emptyKubeconfig(): Kubeconfig {
  return {
    clusters: new Map(),
    users: new Map(),
    contexts: new Map(),
    currentContext: '',
    origins: new Map(),
  };
}

const sections = [
  ['clusters', 'cluster'],
  ['users', 'user'],
  ['contexts', 'context'],
] as const;

/** @throws CommandError the text is no kubeconfig. */
export function parseKubeconfig(source: string, path: string): Kubeconfig {
  let parsed: unknown;
  try {
    parsed = parseYaml(source);
  } catch (error) {
    const message = error instanceof Error ? error.message : '';
    throw new CommandError(`error loading config file "${path}": yaml: ${yamlReason(message)}`);
  }
  const config = emptyKubeconfig();
  if (parsed === null || parsed === undefined) return config;
  if (!isJson(parsed))
    throw new CommandError(
      `error loading config file "${path}": couldn't get version/kind; json parse error: json: cannot unmarshal ${Array.isArray(parsed) ? 'array' : typeof parsed} into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`,
    );
  config.currentContext = text(parsed, 'current-context');
  for (const [section, member] of sections) {
    const entries = parsed[section];
    if (!Array.isArray(entries)) continue;
    for (const entry of entries as unknown[]) {
      const name = text(entry, 'name');
      config[section].set(name, { ...map(entry, member) });
      config.origins.set(`${section}/${name}`, path);
    }
  }
  for (const entry of [...config.clusters.values(), ...config.users.values()])
    for (const [key, value] of Object.entries(entry))
      if (key.endsWith('-data') && typeof value === 'string') checkBase64(value, path);
  return config;
}

function checkBase64(value: string, path: string): void {
  const clean = value.replace(/[\r\n]/g, '');
  const bad = /[^A-Za-z0-9+/=]/.exec(clean);
  if (!bad && clean.length % 4 === 0) return;
  throw new CommandError(
    `error loading config file "${path}": illegal base64 data at input byte ${bad?.index ?? clean.length}`,
  );
}

/** The reason js-yaml gives, in the words Go's YAML reader has for the usual ones. */
function yamlReason(message: string): string {
  const line = /\((\d+):\d+\)/.exec(message)?.[1];
  const first = message.split('\n')[0]?.replace(/ \(\d+:\d+\)$/, '') ?? '';
  const where = line === undefined || line === '1' ? '' : `line ${line}: `;
  if (/mapping|block map/i.test(first))
    return `${where}mapping values are not allowed in this context`;
  if (/tab/i.test(first)) return `${where}found character that cannot start any token`;
  return `${where}${first}`;
}

/** The text of a kubeconfig file. */
export function formatKubeconfig(config: Kubeconfig): string {
  return formatYaml(kubeconfigObject(config));
}

export function kubeconfigObject(config: Kubeconfig): Json {
  const entries = (items: Map<string, Json>, member: string): unknown => {
    if (items.size === 0) return null;
    return [...items.keys()].sort(compareText).map((name) => ({ [member]: items.get(name), name }));
  };
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: entries(config.clusters, 'cluster'),
    contexts: entries(config.contexts, 'context'),
    users: entries(config.users, 'user'),
    'current-context': config.currentContext,
  };
}

/** Where configuration is read and written, by flag, environment and home folder. */
export interface ConfigLocation {
  /** In order of precedence. */
  readonly paths: readonly string[];
  /** Named by `--kubeconfig`: it has to exist. */
  readonly explicit: boolean;
}

export function configLocation(
  explicitPath: string,
  env: Readonly<Record<string, string>>,
): ConfigLocation {
  if (explicitPath !== '') return { paths: [explicitPath], explicit: true };
  const listed = (env['KUBECONFIG'] ?? '').split(':').filter((path) => path !== '');
  if (listed.length > 0) return { paths: listed, explicit: false };
  return { paths: [`${env['HOME'] ?? '/root'}/.kube/config`], explicit: false };
}

/** Reads and merges the files: of two entries with one name the first wins. @throws CommandError */
export function loadKubeconfig(files: KubectlFiles, location: ConfigLocation): Kubeconfig {
  const merged = emptyKubeconfig();
  for (const path of location.paths) {
    if (!files.exists(path)) {
      if (location.explicit) throw new CommandError(`stat ${path}: no such file or directory`);
      continue;
    }
    const config = parseKubeconfig(fromUtf8(files.readFile(path)), path);
    if (merged.currentContext === '') merged.currentContext = config.currentContext;
    for (const [section] of sections)
      for (const [name, entry] of config[section])
        if (!merged[section].has(name)) {
          merged[section].set(name, entry);
          merged.origins.set(`${section}/${name}`, path);
        }
  }
  return merged;
}

/** The file that a change of an entry goes to: where it is, or the first file. */
export function fileFor(
  files: KubectlFiles,
  location: ConfigLocation,
  config: Kubeconfig,
  key: string,
): string {
  return (
    config.origins.get(key) ??
    location.paths.find((path) => files.exists(path)) ??
    location.paths.at(-1) ??
    ''
  );
}

/** Changes one file of the configuration. */
export function updateFile(
  files: KubectlFiles,
  path: string,
  change: (config: Kubeconfig) => void,
): void {
  const config = files.exists(path)
    ? parseKubeconfig(fromUtf8(files.readFile(path)), path)
    : emptyKubeconfig();
  change(config);
  const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  if (folder !== '' && !files.exists(folder)) files.mkdir(folder, { recursive: true });
  files.writeFile(path, utf8(formatKubeconfig(config)), 0o600);
}

/** What a command talks to: the chosen context with the flags over it. */
export interface ClientSettings {
  readonly connection: ConnectionConfig;
  readonly namespace: string;
  /** The namespace was named by a flag. */
  readonly explicitNamespace: boolean;
  /** Headers of impersonation, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same of which each value is a line of its own. */
  readonly repeated: Readonly<Record<string, readonly string[]>>;
}

/** @throws ConfigurationError, CommandError */
export function clientSettings(
  files: KubectlFiles,
  config: Kubeconfig,
  flags: Flags,
  env: Readonly<Record<string, string>>,
): ClientSettings {
  const contextName = flags.text('context') || config.currentContext;
  const context = config.contexts.get(contextName);
  if (contextName !== '' && !context && flags.changed('context') && flags.changed('namespace'))
    throw new CommandError(`context "${contextName}" does not exist`);
  if (contextName !== '' && !context)
    throw new ConfigurationError(`context was not found for specified context: ${contextName}`);
  const clusterName = flags.text('cluster') || text(context, 'cluster');
  // `create rolebinding --user` is another flag of the same name.
  const userFlag = flags.typeOf('user') === 'string' ? flags.text('user') : '';
  const userName = userFlag || text(context, 'user');
  if (flags.text('cluster') !== '' && !config.clusters.has(clusterName))
    throw new CommandError(`no server found for cluster "${clusterName}"`);
  if (userFlag !== '' && !config.users.has(userName))
    throw new CommandError(`auth info "${userName}" does not exist`);
  const cluster: Json = { ...config.clusters.get(clusterName) };
  const user: Json = { ...config.users.get(userName) };
  for (const name of ['server', 'tls-server-name', 'certificate-authority'])
    if (flags.changed(name)) {
      cluster[name] = flags.text(name);
      if (name === 'certificate-authority') delete cluster['certificate-authority-data'];
    }
  if (flags.changed('insecure-skip-tls-verify')) {
    cluster['insecure-skip-tls-verify'] = flags.bool('insecure-skip-tls-verify');
    if (flags.bool('insecure-skip-tls-verify')) {
      delete cluster['certificate-authority'];
      delete cluster['certificate-authority-data'];
    }
  }
  for (const name of ['client-certificate', 'client-key', 'token', 'username', 'password'])
    if (flags.changed(name) && flags.typeOf(name) === 'string') {
      user[name] = flags.text(name);
      delete user[`${name}-data`];
      if (name === 'token') delete user['tokenFile'];
    }
  const inCluster = inClusterSettings(files, config, env, flags);
  if (inCluster) return { ...inCluster, ...impersonation(flags, user, userName) };
  const pem = (entry: Json, name: string, origin: string): string | undefined => {
    const data = text(entry, `${name}-data`);
    if (data !== '') return fromUtf8(fromBase64(data.replace(/\s/g, '')));
    const file = text(entry, name);
    if (file === '') return undefined;
    const path = flags.changed(name) ? file : resolveBeside(config.origins.get(origin), file);
    if (!files.exists(path))
      throw new ConfigurationError(
        `unable to read ${name} ${path} for ${name === 'certificate-authority' ? clusterName : userName} due to open ${path}: no such file or directory`,
      );
    return fromUtf8(files.readFile(path));
  };
  const ca = pem(cluster, 'certificate-authority', `clusters/${clusterName}`);
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new CommandError('unable to load root certificates: unable to parse bytes as PEM block');
  const certificate = pem(user, 'client-certificate', `users/${userName}`);
  const key = pem(user, 'client-key', `users/${userName}`);
  const optional = (value: string): string | undefined => (value === '' ? undefined : value);
  const server = text(cluster, 'server') || 'http://localhost:8080';
  const members = {
    ca,
    clientCertificate: certificate,
    clientKey: key,
    token: optional(text(user, 'token')),
    tokenFile: optional(text(user, 'tokenFile')),
    username: optional(text(user, 'username')),
    password: optional(text(user, 'password')),
    tlsServerName: optional(text(cluster, 'tls-server-name')),
    proxy: optional(text(cluster, 'proxy-url')),
  };
  return {
    connection: {
      server: /^https?:\/\//.test(server) ? server : `http://${server}`,
      insecure: cluster['insecure-skip-tls-verify'] === true,
      ...definedOf(members),
    },
    namespace: flags.text('namespace') || text(context, 'namespace') || 'default',
    explicitNamespace: flags.changed('namespace'),
    ...impersonation(flags, user, userName),
  };
}

function definedOf<T extends Record<string, string | undefined>>(
  members: T,
): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}

/** Whom to act as, by flags and the user's entry. @throws CommandError groups or the like without a user */
function impersonation(
  flags: Flags,
  user: Json,
  name: string,
): Pick<ClientSettings, 'headers' | 'repeated'> {
  const as = flags.text('as') || text(user, 'as');
  const uid = flags.text('as-uid') || text(user, 'as-uid');
  const given = flags.all('as-group');
  const groups = given.length > 0 ? given : list(user, 'as-groups').map(String);
  const extra = new Map<string, string[]>();
  const add = (key: string, values: readonly string[]): void => {
    extra.set(key, [...(extra.get(key) ?? []), ...values]);
  };
  for (const pair of flags.all('as-user-extra')) {
    const [key, value] = splitOnce(pair, '=');
    add(key, [value ?? '']);
  }
  if (!flags.changed('as-user-extra'))
    for (const key of Object.keys(map(user, 'as-user-extra')))
      add(key, list(user, 'as-user-extra', key).map(String));
  if (as === '' && (groups.length > 0 || uid !== '' || extra.size > 0))
    throw new CommandError(
      `requesting uid, groups or user-extra for ${name} without impersonating a user`,
    );
  return {
    headers: {
      ...(as === '' ? {} : { 'impersonate-user': as }),
      ...(uid === '' ? {} : { 'impersonate-uid': uid }),
    },
    repeated: {
      ...(groups.length === 0 ? {} : { 'impersonate-group': groups }),
      ...Object.fromEntries(
        [...extra].map(([key, values]) => [
          `impersonate-extra-${encodeURIComponent(key).toLowerCase()}`,
          values,
        ]),
      ),
    },
  };
}

function resolveBeside(origin: string | undefined, file: string): string {
  if (file.startsWith('/') || origin === undefined) return file;
  return `${origin.slice(0, origin.lastIndexOf('/') + 1)}${file}`;
}

/** Without any configuration, a process in a pod uses its service account. */
function inClusterSettings(
  files: KubectlFiles,
  config: Kubeconfig,
  env: Readonly<Record<string, string>>,
  flags: Flags,
): Omit<ClientSettings, 'headers' | 'repeated'> | undefined {
  const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (config.clusters.size > 0 || config.contexts.size > 0 || flags.changed('server'))
    return undefined;
  if (!host || !port || !files.exists(`${folder}/token`)) return undefined;
  const read = (name: string): string =>
    files.exists(`${folder}/${name}`) ? fromUtf8(files.readFile(`${folder}/${name}`)) : '';
  return {
    connection: {
      server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
      insecure: false,
      ca: read('ca.crt'),
      tokenFile: `${folder}/token`,
    },
    namespace: flags.text('namespace') || read('namespace').trim() || 'default',
    explicitNamespace: flags.changed('namespace'),
  };
}
