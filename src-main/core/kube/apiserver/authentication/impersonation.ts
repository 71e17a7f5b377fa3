import { quoted } from '#core/base';
import { badRequest, type StatusError } from '../../machinery/index.ts';
import { forbiddenByAuthorizer } from '../authorization/index.ts';
import { serviceAccountGroups } from '../service-accounts.ts';
import type { Attributes, Authorizer, ResourceAttributes, UserInfo } from '../types.ts';
import { headerValues, unescapeKey } from './headers.ts';

interface WantedUser {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

const extraPrefix = 'impersonate-extra-';
const authenticationGroup = 'authentication.k8s.io';
const nodeKey = 'authentication.kubernetes.io/node-name';

/**
 * The user a request acts as: `attributes.user` itself without `Impersonate-*` headers. The constrained modes
 * (`impersonate-on:<mode>:<verb>`) are tried before the verb `impersonate`; when all fail, the first says why.
 *
 * @param attributes what the request asks, with the real user.
 * @param repeated headers by their lines, where the request has them so.
 * @param lastModes what is remembered from one request to the next.
 * @throws StatusError 400 other headers without Impersonate-User; 403 not allowed.
 * @see k8s.io/apiserver/pkg/endpoints/filters/impersonation
 */
export async function impersonatedUser(
  authorizer: Authorizer,
  headers: Readonly<Record<string, string>>,
  attributes: Attributes,
  repeated: Readonly<Record<string, readonly string[]>> = {},
  lastModes: ImpersonationModes = new ImpersonationModes(),
): Promise<UserInfo> {
  const wanted = wantedUser(headers, repeated);
  if (!wanted) return attributes.user;
  const { username } = attributes.user;
  const last = lastModes.of(username);
  const modes = modesFor(wanted, attributes.user);
  let firstError: unknown;
  for (const mode of modes.sort((a, b) => Number(b === last) - Number(a === last))) {
    try {
      if (mode !== 'legacy') await checkOn(authorizer, mode, attributes);
      const user = await checkUser(authorizer, mode, wanted, attributes.user);
      lastModes.remember(username, mode);
      return user;
    } catch (error) {
      firstError ??= error;
    }
  }
  throw firstError as StatusError;
}

function wantedUser(
  headers: Readonly<Record<string, string>>,
  repeated: Readonly<Record<string, readonly string[]>>,
): WantedUser | undefined {
  const valuesOf = (header: string): readonly string[] =>
    repeated[header] ?? headerValues(headers[header]);
  const name = headers['impersonate-user'] ?? '';
  const uid = headers['impersonate-uid'] ?? '';
  const groups = valuesOf('impersonate-group');
  const extra: Record<string, readonly string[]> = {};
  for (const header of new Set([...Object.keys(headers), ...Object.keys(repeated)]))
    if (header.startsWith(extraPrefix))
      extra[unescapeKey(header.slice(extraPrefix.length))] = valuesOf(header);
  if (name !== '') return { name, uid, groups, extra };
  if (uid === '' && groups.length === 0 && Object.keys(extra).length === 0) return undefined;
  const strings = (values: readonly string[]): string =>
    values.length === 0 ? '[]string(nil)' : `[]string{${values.map(quoted).join(', ')}}`;
  const entries = Object.entries(extra).sort(([a], [b]) => (a < b ? -1 : 1));
  const extraText =
    entries.length === 0
      ? 'map[string][]string(nil)'
      : `map[string][]string{${entries.map(([key, values]) => `${quoted(key)}:${strings(values)}`).join(', ')}}`;
  throw badRequest(
    `requested &user.DefaultInfo{Name:"", UID:${quoted(uid)}, Groups:${strings(groups)}, Extra:${extraText}} without impersonating a user name`,
  );
}

const rememberedUsers = 10_000;

/** In which mode users were last allowed to act as somebody else: it is tried first, and its refusal told. */
export class ImpersonationModes {
  readonly #modes = new Map<string, Mode>();

  of(username: string): Mode | undefined {
    return this.#modes.get(username);
  }

  remember(username: string, mode: Mode): void {
    this.#modes.delete(username);
    this.#modes.set(username, mode);
    const [oldest] = this.#modes.keys();
    if (this.#modes.size > rememberedUsers && oldest !== undefined) this.#modes.delete(oldest);
  }
}

type Mode = 'associated-node' | 'arbitrary-node' | 'serviceaccount' | 'user-info' | 'legacy';

function modesFor(wanted: WantedUser, requestor: UserInfo): Mode[] {
  const onlyName =
    wanted.uid === '' && wanted.groups.length === 0 && Object.keys(wanted.extra).length === 0;
  const node = nodeOf(wanted.name);
  const account = serviceAccountOf(wanted.name);
  const modes: Mode[] = [];
  if (onlyName && node !== undefined) {
    const own = requestor.extra?.[nodeKey];
    if (serviceAccountOf(requestor.username) && own?.length === 1 && own[0] === node)
      modes.push('associated-node');
    modes.push('arbitrary-node');
  }
  if (onlyName && account) modes.push('serviceaccount');
  if (node === undefined && !account) modes.push('user-info');
  modes.push('legacy');
  return modes;
}

async function check(authorizer: Authorizer, attributes: Attributes): Promise<void> {
  const { decision, reason } = await authorizer.authorize(attributes);
  if (decision !== 'allow') throw forbiddenByAuthorizer(attributes, reason);
}

const checkOn = (authorizer: Authorizer, mode: Mode, attributes: Attributes): Promise<void> =>
  check(authorizer, { ...attributes, verb: `impersonate-on:${mode}:${attributes.verb}` });

async function checkUser(
  authorizer: Authorizer,
  mode: Mode,
  wanted: WantedUser,
  requestor: UserInfo,
): Promise<UserInfo> {
  const constrained = mode !== 'legacy';
  const verb = constrained ? `impersonate:${mode}` : 'impersonate';
  const ask = (resource: string, name: string, more: Partial<ResourceAttributes> = {}) =>
    ({
      kind: 'resource',
      user: requestor,
      verb,
      group: authenticationGroup,
      version: 'v1',
      resource,
      subresource: '',
      namespace: '',
      name,
      ...more,
    }) satisfies ResourceAttributes;
  // Users and groups belong to the core group in the old mode alone.
  const group = constrained ? authenticationGroup : '';
  let groups = wanted.groups;
  const account = serviceAccountOf(wanted.name);
  const node = constrained ? nodeOf(wanted.name) : undefined;
  if (account) {
    if (groups.length === 0) groups = serviceAccountGroups(account.namespace);
    await check(
      authorizer,
      ask('serviceaccounts', account.name, { group, namespace: account.namespace }),
    );
  } else if (node !== undefined) {
    groups = ['system:nodes'];
    await check(authorizer, ask('nodes', mode === 'associated-node' ? '*' : node, { group }));
  } else {
    await check(authorizer, ask('users', wanted.name, { group }));
  }
  if (wanted.uid !== '') await check(authorizer, ask('uids', wanted.uid));
  if (constrained && wanted.groups.includes('system:masters'))
    throw forbiddenByAuthorizer(
      ask('groups', 'system:masters', { group }),
      'impersonating the system:masters group is not allowed',
    );
  for (const name of wanted.groups) await check(authorizer, ask('groups', name, { group }));
  for (const [key, values] of Object.entries(wanted.extra))
    for (const value of values)
      await check(authorizer, ask('userextras', value, { subresource: key }));

  const added =
    wanted.name === 'system:anonymous'
      ? 'system:unauthenticated'
      : groups.includes('system:unauthenticated')
        ? undefined
        : 'system:authenticated';
  return {
    username: wanted.name,
    ...(wanted.uid === '' ? {} : { uid: wanted.uid }),
    groups: added === undefined || groups.includes(added) ? groups : [...groups, added],
    ...(Object.keys(wanted.extra).length === 0 ? {} : { extra: wanted.extra }),
  };
}

const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

function nodeOf(username: string): string | undefined {
  if (!username.startsWith('system:node:')) return undefined;
  const name = username.slice('system:node:'.length);
  return dnsSubdomain.test(name) && name.length <= 253 ? name : undefined;
}

function serviceAccountOf(username: string): { namespace: string; name: string } | undefined {
  const match = /^system:serviceaccount:([a-z0-9]([-a-z0-9]*[a-z0-9])?):([^:]+)$/.exec(username);
  const [, namespace = '', , name = ''] = match ?? [];
  return match && dnsSubdomain.test(name) ? { namespace, name } : undefined;
}
