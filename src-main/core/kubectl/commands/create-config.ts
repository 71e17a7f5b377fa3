import { fromUtf8, toBase64, utf8 } from '#core/base';
import { type CommandSpec } from '../command.ts';
import { CommandError } from '../errors.ts';
import { type Json, sortedKeys } from '../json-view.ts';
import { nameWithHash } from '../kustomize/hash.ts';
import type { Session } from '../session.ts';
import { createGenerated, metadataFor, singleName } from './create-object.ts';
import { generatorFlags } from './create-workloads.ts';

const sourceFlags = [
  'from-literal:array',
  'from-file:strings',
  'from-env-file:strings',
  'append-hash:bool',
];

const keyPattern = /^[-._a-zA-Z0-9]+$/;

/** The entries that `--from-literal`, `--from-file` and `--from-env-file` name. @throws CommandError */
export function dataOfFlags(session: Session, what: string): Map<string, Uint8Array> {
  const { flags, io } = session;
  const out = new Map<string, Uint8Array>();
  const add = (key: string, bytes: Uint8Array): void => {
    if (!keyPattern.test(key))
      throw new CommandError(
        `"${key}" is not a valid key name for a ${what}: a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')`,
      );
    if (out.has(key))
      throw new CommandError(
        `cannot add key "${key}", another key by that name already exists in Data for ${what} "${session.args[0] ?? ''}"`,
      );
    out.set(key, bytes);
  };
  if (
    flags.all('from-env-file').length > 0 &&
    (flags.all('from-file').length > 0 || flags.all('from-literal').length > 0)
  )
    throw new CommandError('from-env-file cannot be combined with from-file or from-literal');
  for (const source of flags.all('from-file')) {
    const equals = source.indexOf('=');
    if (equals === 0) throw new CommandError(`key name for file path ${source.slice(1)} missing`);
    if (source.endsWith('='))
      throw new CommandError(`file path for key name ${source.slice(0, -1)} missing`);
    if (source.indexOf('=', equals + 1) >= 0)
      throw new CommandError("key names or file paths cannot contain '='");
    const file = equals < 0 ? source : source.slice(equals + 1);
    const path = session.path(file);
    if (!io.files.exists(path))
      throw new CommandError(`error reading ${file}: no such file or directory`);
    if (io.files.stat(path).kind === 'directory') {
      if (equals >= 0) throw new CommandError('cannot give a key name for a directory path');
      for (const name of io.files.readdir(path))
        if (io.files.stat(`${path}/${name}`).kind === 'file' && keyPattern.test(name))
          add(name, io.files.readFile(`${path}/${name}`));
    } else
      add(
        equals < 0 ? (file.split('/').at(-1) ?? file) : source.slice(0, equals),
        io.files.readFile(path),
      );
  }
  for (const literal of flags.all('from-literal')) {
    const equals = literal.indexOf('=');
    if (equals <= 0)
      throw new CommandError(`invalid literal source ${literal}, expected key=value`);
    add(literal.slice(0, equals), utf8(literal.slice(equals + 1).replace(/^(["'])(.*)\1$/s, '$2')));
  }
  for (const file of flags.all('from-env-file')) {
    const path = session.path(file);
    if (!io.files.exists(path))
      throw new CommandError(`error reading ${file}: no such file or directory`);
    for (const [key, value] of envEntries(fromUtf8(io.files.readFile(path)), io.env))
      add(key, utf8(value));
  }
  return out;
}

/** Lines `KEY=value` of an environment file; a bare KEY takes the value of the environment. */
export function envEntries(
  content: string,
  env: Readonly<Record<string, string>> = {},
): [string, string][] {
  const out: [string, string][] = [];
  for (const raw of content.split('\n')) {
    const line = raw.replace(/\r$/, '').trimStart();
    if (line === '' || line.startsWith('#')) continue;
    const equals = line.indexOf('=');
    const key = equals < 0 ? line : line.slice(0, equals);
    if (equals >= 0) out.push([key, line.slice(equals + 1)]);
    else if (env[key] !== undefined) out.push([key, env[key]]);
  }
  return out;
}

/** Whether the bytes are text; a ConfigMap keeps others in `binaryData`. */
export function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

export const createConfigMap: CommandSpec = {
  name: 'configmap',
  aliases: ['cm'],
  short: 'Create a config map from a local file, directory or literal value',
  use: 'kubectl create configmap NAME [--from-file=[key=]source] [--from-literal=key1=value1] [--dry-run=server|client|none] [options]',
  flags: [...generatorFlags, ...sourceFlags],
  run: async (session) => {
    const name = singleName(session);
    const resource = session.builtin('', 'v1', 'configmaps', 'ConfigMap');
    const data: Json = {};
    const binaryData: Json = {};
    for (const [key, bytes] of dataOfFlags(session, 'ConfigMap'))
      if (isText(bytes)) data[key] = fromUtf8(bytes);
      else binaryData[key] = toBase64(bytes);
    const object: Json = {
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: metadataFor(session, name, resource),
      ...(Object.keys(data).length > 0 ? { data: sorted(data) } : {}),
      ...(Object.keys(binaryData).length > 0 ? { binaryData: sorted(binaryData) } : {}),
    };
    if (session.flags.bool('append-hash'))
      object['metadata'] = metadataFor(session, nameWithHash(object), resource);
    return createGenerated(session, resource, object, 'failed to create configmap: ');
  },
};

function sorted(data: Json): Json {
  return Object.fromEntries(sortedKeys(data).map((key) => [key, data[key]]));
}

async function createSecretObject(
  session: Session,
  type: string,
  data: ReadonlyMap<string, Uint8Array>,
): Promise<number> {
  const name = session.args[0] ?? '';
  const resource = session.builtin('', 'v1', 'secrets', 'Secret');
  const encoded: Json = {};
  for (const [key, bytes] of data) encoded[key] = toBase64(bytes);
  const object: Json = {
    kind: 'Secret',
    apiVersion: 'v1',
    metadata: metadataFor(session, name, resource),
    ...(data.size > 0 ? { data: sorted(encoded) } : {}),
    ...(type === '' ? {} : { type }),
  };
  if (session.flags.bool('append-hash'))
    object['metadata'] = metadataFor(session, nameWithHash(object), resource);
  return createGenerated(session, resource, object, 'failed to create secret ');
}

export const createSecret: CommandSpec = {
  name: 'secret',
  short: 'Create a secret using a specified subcommand',
  use: 'kubectl create secret (docker-registry | generic | tls) [options]',
  commands: [
    {
      name: 'docker-registry',
      short: 'Create a secret for use with a Docker registry',
      flags: [
        ...generatorFlags,
        'docker-username:string',
        'docker-password:string',
        'docker-email:string',
        'docker-server:string=https://index.docker.io/v1/',
        'from-file:strings',
        'append-hash:bool',
      ],
      run: async (session) => {
        singleName(session);
        const { flags } = session;
        const data = new Map<string, Uint8Array>();
        if (flags.all('from-file').length > 0) {
          for (const [key, bytes] of dataOfFlags(session, 'Secret'))
            data.set(key === 'config.json' ? '.dockerconfigjson' : key, bytes);
        } else {
          const [username, password, email] = [
            flags.text('docker-username'),
            flags.text('docker-password'),
            flags.text('docker-email'),
          ];
          if (username === '' || password === '')
            throw new CommandError(
              'either --from-file or the combination of --docker-username, --docker-password and --docker-server is required',
            );
          const entry = {
            username,
            password,
            ...(email === '' ? {} : { email }),
            auth: toBase64(utf8(`${username}:${password}`)),
          };
          data.set(
            '.dockerconfigjson',
            utf8(JSON.stringify({ auths: { [flags.text('docker-server')]: entry } })),
          );
        }
        return createSecretObject(session, 'kubernetes.io/dockerconfigjson', data);
      },
    },
    {
      name: 'generic',
      short: 'Create a secret from a local file, directory, or literal value',
      flags: [...generatorFlags, ...sourceFlags, 'type:string'],
      run: async (session) => {
        singleName(session);
        return createSecretObject(
          session,
          session.flags.text('type'),
          dataOfFlags(session, 'Secret'),
        );
      },
    },
    {
      name: 'tls',
      short: 'Create a TLS secret',
      flags: [...generatorFlags, 'cert:string', 'key:string', 'append-hash:bool'],
      run: async (session) => {
        singleName(session);
        const read = (flag: 'cert' | 'key'): Uint8Array => {
          const file = session.flags.text(flag);
          const path = session.path(file);
          if (!session.io.files.exists(path))
            throw new CommandError(
              `Cannot read file ${file}, open ${file}: no such file or directory`,
            );
          return session.io.files.readFile(path);
        };
        if (session.flags.text('cert') === '' || session.flags.text('key') === '')
          throw new CommandError('key and cert must be specified');
        const [certificate, key] = [read('cert'), read('key')];
        if (!fromUtf8(certificate).includes('-----BEGIN CERTIFICATE-----'))
          throw new CommandError('tls: failed to find any PEM data in certificate input');
        if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(fromUtf8(key)))
          throw new CommandError('tls: failed to find any PEM data in key input');
        return createSecretObject(
          session,
          'kubernetes.io/tls',
          new Map([
            ['tls.crt', certificate],
            ['tls.key', key],
          ]),
        );
      },
    },
  ],
};
