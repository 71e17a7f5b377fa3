import { prefixEnd } from '#core/kube';
import { EtcdctlError, RpcError } from './etcd-client.ts';
import type { EtcdPermission, EtcdService } from './etcd.ts';
import {
  connect,
  type EtcdctlCall,
  type EtcdctlCommand,
  headerOf,
  print,
  headerFields,
  rpc,
} from './etcdctl-command.ts';
import type { FlagSpec } from './flags.ts';

const failed = (text: string): RpcError =>
  new RpcError('FailedPrecondition', `etcdserver: ${text}`);

function userOf({ accounts }: EtcdService, name: string): Set<string> {
  const roles = accounts.users.get(name);
  if (!roles) throw failed('user name not found');
  return roles;
}

function roleOf({ accounts }: EtcdService, name: string): EtcdPermission[] {
  const permissions = accounts.roles.get(name);
  if (!permissions) throw failed('role name not found');
  return permissions;
}

/** A command whose arguments are names and whose answer is text. */
function account(
  method: string,
  usage: string,
  names: readonly [least: number, most: number],
  work: (service: EtcdService, call: EtcdctlCall) => string,
  flags: readonly FlagSpec[] = [],
): EtcdctlCommand {
  return {
    flags,
    run: async (call) => {
      const { args } = call;
      if (args.length < names[0] || args.length > names[1]) throw new EtcdctlError(usage, 128);
      const service = await connect(call, `/etcdserverpb.Auth/${method}`);
      const text = await rpc(call, `/etcdserverpb.Auth/${method}`, () => work(service, call));
      await print(call, {
        simple: () => text,
        json: () => ({ header: headerOf(service, service.store.revision) }),
        fields: () => headerFields(service, service.store.revision),
      });
    },
  };
}

const lines = (names: Iterable<string>): string =>
  [...names]
    .sort()
    .map((name) => `${name}\n`)
    .join('');

function permissionLines(permissions: readonly EtcdPermission[], kind: 'read' | 'write'): string {
  return permissions
    .filter((permission) => permission.kind === kind || permission.kind === 'readwrite')
    .map(({ key, end }) => {
      if (end === undefined) return `\t${key}\n`;
      const what = end === prefixEnd(key) ? ` (prefix ${key})` : '';
      return `\t[${key}, ${end === '\0' ? '<open ended>' : end})${what}\n`;
    })
    .join('');
}

const authStatus: EtcdctlCommand = {
  run: async (call) => {
    const service = await connect(call, '/etcdserverpb.Auth/AuthStatus');
    await print(call, {
      simple: () => 'Authentication Status: false\nAuthRevision: 1\n',
      json: () => ({ header: headerOf(service, service.store.revision), authRevision: 1 }),
      fields: () =>
        `${headerFields(service, service.store.revision)}"Enabled" : false\n"AuthRevision" : 1\n`,
    });
  },
};

const permissionFlags: readonly FlagSpec[] = [
  { name: 'prefix', kind: 'bool' },
  { name: 'from-key', kind: 'bool' },
];

function permissionOf({ args, flags }: EtcdctlCall): EtcdPermission {
  const [, kind = '', key = '', end] = args;
  const lower = kind.toLowerCase();
  if (lower !== 'read' && lower !== 'write' && lower !== 'readwrite')
    throw new EtcdctlError(`invalid permission type: ${kind}`, 128);
  if (flags.bool('prefix', false)) return { kind: lower, key, end: prefixEnd(key) };
  if (flags.bool('from-key', false)) return { kind: lower, key, end: '\0' };
  return { kind: lower, key, end };
}

/** Users and roles are kept and shown; authentication itself cannot be enabled, and the command says so. */
export const accountCommands: Readonly<Record<string, EtcdctlCommand>> = {
  'auth status': authStatus,
  'auth enable': account(
    'AuthEnable',
    'auth enable command does not accept any arguments',
    [0, 0],
    (service) => {
      if (!service.accounts.users.has('root')) throw failed('root user does not exist');
      if (!service.accounts.users.get('root')?.has('root'))
        throw failed('root user does not have root role');
      throw new EtcdctlError(
        'this etcd checks client certificates and has no authentication of users',
      );
    },
  ),
  'auth disable': account(
    'AuthDisable',
    'auth disable command does not accept any arguments',
    [0, 0],
    () => 'Authentication Disabled\n',
  ),
  'user list': account('UserList', 'user list command requires no arguments', [0, 0], (service) =>
    lines(service.accounts.users.keys()),
  ),
  'user add': account(
    'UserAdd',
    'user add command requires user name as its argument',
    [1, 1],
    ({ accounts }, { args }) => {
      const name = (args[0] ?? '').split(':', 1)[0] ?? '';
      if (name === '') throw new RpcError('InvalidArgument', 'etcdserver: user name is empty');
      if (accounts.users.has(name)) throw failed('user name already exists');
      accounts.users.set(name, new Set());
      return `User ${name} created\n`;
    },
    [
      { name: 'interactive', kind: 'bool' },
      { name: 'new-user-password', kind: 'string' },
      { name: 'no-password', kind: 'bool' },
    ],
  ),
  'user get': account(
    'UserGet',
    'user get command requires user name as its argument',
    [1, 1],
    (service, { args: [name = ''] }) => {
      const roles = [...userOf(service, name)].sort().map((role) => ` ${role}`);
      return `User: ${name}\nRoles:${roles.join('')}\n`;
    },
    [{ name: 'detail', kind: 'bool' }],
  ),
  'user delete': account(
    'UserDelete',
    'user delete command requires user name as its argument',
    [1, 1],
    (service, { args: [name = ''] }) => {
      userOf(service, name);
      service.accounts.users.delete(name);
      return `User ${name} deleted\n`;
    },
  ),
  'user passwd': account(
    'UserChangePassword',
    'user passwd command requires user name as its argument',
    [1, 1],
    (service, { args: [name = ''] }) => {
      userOf(service, name);
      return 'Password updated\n';
    },
    [{ name: 'interactive', kind: 'bool' }],
  ),
  'user grant-role': account(
    'UserGrantRole',
    'user grant command requires user name and role name as its argument',
    [2, 2],
    (service, { args: [name = '', role = ''] }) => {
      const roles = userOf(service, name);
      if (role !== 'root') roleOf(service, role);
      roles.add(role);
      return `Role ${role} is granted to user ${name}\n`;
    },
  ),
  'user revoke-role': account(
    'UserRevokeRole',
    'user revoke-role requires user name and role name as its argument',
    [2, 2],
    (service, { args: [name = '', role = ''] }) => {
      if (!userOf(service, name).delete(role)) throw failed('role is not granted to the user');
      return `Role ${role} is revoked from user ${name}\n`;
    },
  ),
  'role list': account('RoleList', 'role list command requires no arguments', [0, 0], (service) =>
    lines(service.accounts.roles.keys()),
  ),
  'role add': account(
    'RoleAdd',
    'role add command requires role name as its argument',
    [1, 1],
    ({ accounts }, { args: [name = ''] }) => {
      if (accounts.roles.has(name)) throw failed('role name already exists');
      accounts.roles.set(name, []);
      return `Role ${name} created\n`;
    },
  ),
  'role get': account(
    'RoleGet',
    'role get command requires role name as its argument',
    [1, 1],
    (service, { args: [name = ''] }) => {
      const permissions = roleOf(service, name);
      return `Role ${name}\nKV Read:\n${permissionLines(permissions, 'read')}KV Write:\n${permissionLines(permissions, 'write')}`;
    },
  ),
  'role delete': account(
    'RoleDelete',
    'role delete command requires role name as its argument',
    [1, 1],
    (service, { args: [name = ''] }) => {
      roleOf(service, name);
      service.accounts.roles.delete(name);
      for (const roles of service.accounts.users.values()) roles.delete(name);
      return `Role ${name} deleted\n`;
    },
  ),
  'role grant-permission': account(
    'RoleGrantPermission',
    'role grant command requires role name, permission type, and key [endkey] as its argument',
    [3, 4],
    (service, call) => {
      const [name = ''] = call.args;
      const permission = permissionOf(call);
      roleOf(service, name).push(permission);
      return `Role ${name} updated\n`;
    },
    permissionFlags,
  ),
  'role revoke-permission': account(
    'RoleRevokePermission',
    'role revoke-permission command requires role name and key [endkey] as its argument',
    [2, 3],
    (service, { args: [name = '', key = ''] }) => {
      const permissions = roleOf(service, name);
      const at = permissions.findIndex((permission) => permission.key === key);
      if (at < 0) throw failed('permission is not granted to the role');
      permissions.splice(at, 1);
      return `Permission of key ${key} is revoked from role ${name}\n`;
    },
    permissionFlags,
  ),
};
