import type { Pki } from '#core/kube';
import type { ProgramContext } from '#core/machines';
import type { EtcdService } from './etcd.ts';
import { type ClientOptions, connectEtcd, EtcdctlError, RpcError } from './etcd-client.ts';
import { goJson } from './etcd-text.ts';
import type { Flags, FlagSpec } from './flags.ts';

/** One run of a command of etcdctl. */
export interface EtcdctlCall {
  readonly context: ProgramContext;
  readonly flags: Flags;
  readonly options: ClientOptions;
  readonly args: readonly string[];
  readonly pki: Pki;
  /** `-w`. */
  readonly format: string;
  readonly out: (...pieces: readonly (string | Uint8Array)[]) => Promise<void>;
}

export interface EtcdctlCommand {
  readonly flags?: readonly FlagSpec[];
  readonly run: (call: EtcdctlCall) => Promise<void>;
}

/** The etcd behind the first endpoint. @param method the call that is to be made. */
export async function connect(call: EtcdctlCall, method: string): Promise<EtcdService> {
  const { context, options, pki } = call;
  const endpoint = options.endpoints[0] ?? '';
  const service = await connectEtcd(context, options, pki, endpoint, method);
  if (options.text('user') !== undefined)
    await options.warn(
      endpoint,
      '/etcdserverpb.Auth/Authenticate',
      'FailedPrecondition',
      'etcdserver: authentication is not enabled',
    );
  return service;
}

/** Makes a call: what the server refuses leaves a warning and ends the command. */
export async function rpc<T>(
  { options }: EtcdctlCall,
  method: string,
  work: () => T,
  wrap: (message: string) => string = (message) => message,
): Promise<T> {
  try {
    return work();
  } catch (error) {
    const refused = refusalOf(error);
    if (!refused) throw error;
    await options.warn(options.endpoints[0] ?? '', method, refused.code, refused.message);
    throw new EtcdctlError(wrap(refused.message));
  }
}

const codes: Readonly<Record<string, string>> = {
  'etcdserver: mvcc: required revision has been compacted': 'OutOfRange',
  'etcdserver: mvcc: required revision is a future revision': 'OutOfRange',
  'etcdserver: requested lease not found': 'NotFound',
  'etcdserver: lease already exists': 'FailedPrecondition',
  'etcdserver: duplicate key given in txn request': 'InvalidArgument',
  'etcdserver: mvcc: database space exceeded': 'ResourceExhausted',
};

function refusalOf(
  error: unknown,
): { readonly code: string; readonly message: string } | undefined {
  if (error instanceof RpcError) return error;
  if (!(error instanceof Error)) return undefined;
  const code = codes[error.message];
  if (code !== undefined) return { code, message: error.message };
  return error.message.startsWith('etcdserver: ')
    ? { code: 'Unavailable', message: error.message }
    : undefined;
}

/** A response header's fields, for JSON. @param revision absent: the call's answer has none. */
export function headerOf(
  { clusterId, memberId }: EtcdService,
  revision?: number,
): Record<string, unknown> {
  return {
    cluster_id: BigInt(`0x${clusterId}`),
    member_id: BigInt(`0x${memberId}`),
    ...(revision === undefined ? {} : { revision }),
    raft_term: 2,
  };
}

/** The same for `-w fields`. */
export function headerFields(service: EtcdService, revision?: number): string {
  return [
    `"ClusterID" : ${BigInt(`0x${service.clusterId}`)}`,
    `"MemberID" : ${BigInt(`0x${service.memberId}`)}`,
    ...(revision === undefined ? [] : [`"Revision" : ${revision}`]),
    '"RaftTerm" : 2',
    '',
  ].join('\n');
}

/** Prints an answer in the asked form. @throws EtcdctlError there is no such form, or none of this answer. */
export async function print(
  { format, out }: EtcdctlCall,
  forms: {
    readonly simple: () => string | readonly (string | Uint8Array)[];
    readonly json: () => unknown;
    readonly fields: () => string;
    readonly table?: () => string;
  },
): Promise<void> {
  if (format === 'simple') {
    const pieces = forms.simple();
    await out(...(typeof pieces === 'string' ? [pieces] : pieces));
  } else if (format === 'json') await out(`${goJson(forms.json())}\n`);
  else if (format === 'fields') await out(forms.fields());
  else if (format === 'table' && forms.table) await out(forms.table());
  // Found only now, as by the real one: what was asked for is done.
  else throw new EtcdctlError(`${format} not supported as output format`, 4);
}

/** @throws EtcdctlError there is no such form: found before anything is asked. */
export function checkFormat(format: string): void {
  if (!['simple', 'json', 'fields', 'table', 'protobuf'].includes(format))
    throw new EtcdctlError('unsupported output format', 4);
}

/** A hexadecimal id of a command line. @throws EtcdctlError in Go's words. */
export function parseHex(text: string, what: string, signed: boolean): bigint {
  if (!/^[0-9a-fA-F]{1,16}$/.test(text))
    throw new EtcdctlError(
      `bad ${what} (strconv.Parse${signed ? 'Int' : 'Uint'}: parsing ${JSON.stringify(text)}: invalid syntax), expecting ID in Hex`,
      128,
    );
  return BigInt(`0x${text}`);
}
