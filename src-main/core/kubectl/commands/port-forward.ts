import type { ByteSink, ByteSource, Disposable } from '#core/base';
import type { Connection, PortForwardSession } from '#core/kube';
import type { CommandSpec } from '../command.ts';
import { resourceUrl } from '../discovery.ts';
import { asError, CommandError, UsageError } from '../errors.ts';
import { type Json, list, nameOf, text } from '../json-view.ts';
import { parseResourceArgs } from '../resources/select.ts';
import type { Session } from '../session.ts';
import { podFor, pods } from './streams.ts';

interface ForwardedPort {
  /** 0 lets the machine choose. */
  readonly local: number;
  readonly remote: number;
}

/** Local ports that lead into a pod. @see k8s.io/kubectl/pkg/cmd/portforward */
export const portForwardCommand: CommandSpec = {
  name: 'port-forward',
  interruptCode: () => 0,
  short: 'Forward one or more local ports to a pod',
  use: 'kubectl port-forward TYPE/NAME [options] [LOCAL_PORT:]REMOTE_PORT [...[LOCAL_PORT_N:]REMOTE_PORT_N]',
  flags: ['address:strings=localhost', 'pod-running-timeout:duration=1m'],
  run: async (session) => {
    const [target, ...wanted] = session.args;
    if (target === undefined || wanted.length === 0)
      throw new UsageError('TYPE/NAME and list of ports are required for port-forward', {
        hint: `See '${session.command} -h' for help and examples`,
      });
    const service = await serviceOf(session, target);
    const pod = await podFor(session, target);
    checkUdp(wanted, service ?? pod);
    const ports = (
      service
        ? wanted.map((port) => throughService(port, service, pod))
        : wanted.map((port) => inPod(port, pod))
    ).map(parsePort);
    const fresh = await session.api.get(
      resourceUrl(pods(session), text(pod, 'metadata', 'namespace'), nameOf(pod)),
    );
    const phase = text(fresh, 'status', 'phase');
    if (phase !== 'Running')
      throw new CommandError(
        `unable to forward port because pod is not running. Current status=${phase}`,
      );
    return forward(session, fresh, ports, addressesOf(session.flags.all('address')));
  },
};

async function serviceOf(session: Session, target: string): Promise<Json | undefined> {
  if (!target.includes('/')) return undefined;
  const request = await parseResourceArgs(session, [target]);
  const [item] = request.kind === 'names' ? request.items : [];
  if (item?.resource.kind !== 'Service' || item.resource.group !== '') return undefined;
  return session.api.get(resourceUrl(item.resource, session.namespace, item.name));
}

function split(port: string): readonly [string, string] {
  const parts = port.split(':');
  return parts.length === 2 ? [parts[0] ?? '', parts[1] ?? ''] : [parts[0] ?? '', parts[0] ?? ''];
}

const isNumber = (port: string): boolean => /^[+-]?\d+$/.test(port);
const containerPorts = (pod: Json, field = 'containers'): readonly unknown[] =>
  list(pod, 'spec', field).flatMap((container) => list(container, 'ports'));

function checkUdp(wanted: readonly string[], object: Json): void {
  const isService = text(object, 'kind') === 'Service';
  const all = isService ? list(object, 'spec', 'ports') : containerPorts(object);
  const numbers = (protocol: string): string[] =>
    all
      .filter((port) => (text(port, 'protocol') || 'TCP') === protocol)
      .map((port) => text(port, isService ? 'port' : 'containerPort'));
  const tcp = numbers('TCP');
  const udpOnly = numbers('UDP').filter((port) => !tcp.includes(port));
  for (const port of wanted) {
    const [, remote] = split(port);
    const number = isNumber(remote)
      ? remote
      : text(
          all.find((each) => text(each, 'name') === remote),
          isService ? 'port' : 'containerPort',
        );
    if (udpOnly.includes(number))
      throw new CommandError(`UDP protocol is not supported for ${remote}`);
  }
}

/** @throws CommandError the service has no such port, or the pod not what it names. */
function throughService(port: string, service: Json, pod: Json): string {
  const [local, remote] = split(port);
  const known = list(service, 'spec', 'ports');
  const entry = known.find((each) => text(each, isNumber(remote) ? 'port' : 'name') === remote);
  if (!entry)
    throw new CommandError(
      isNumber(remote)
        ? `Service ${nameOf(service)} does not have a service port ${remote}`
        : `Service '${nameOf(service)}' does not have a named port '${remote}'`,
    );
  const own = text(entry, 'port');
  const target = text(entry, 'targetPort') || own;
  const inside =
    text(service, 'spec', 'clusterIP') === 'None'
      ? own
      : isNumber(target)
        ? target === '0'
          ? own
          : target
        : namedPort(pod, target);
  const outside = !isNumber(remote) && local === remote ? own : local;
  return `${outside}:${inside}`;
}

function inPod(port: string, pod: Json): string {
  const [local, remote] = split(port);
  if (remote === '') throw new CommandError('remote port cannot be empty');
  const inside = isNumber(remote) ? remote : namedPort(pod, remote);
  return local === remote ? inside : `${local}:${inside}`;
}

function namedPort(pod: Json, name: string): string {
  const all = [...containerPorts(pod), ...containerPorts(pod, 'initContainers')];
  const found = all.find((port) => text(port, 'name') === name);
  if (!found) throw new CommandError(`Pod '${nameOf(pod)}' does not have a named port '${name}'`);
  return text(found, 'containerPort');
}

/** @see k8s.io/client-go/tools/portforward, parsePorts */
function parsePort(port: string): ForwardedPort {
  const parts = port.split(':');
  if (parts.length > 2) throw new CommandError(`invalid port format '${port}'`);
  const [local = '', remote = ''] = parts.length === 1 ? [port, port] : [parts[0] || '0', parts[1]];
  const number = (side: string, value: string): number => {
    const failed = (why: string): CommandError =>
      new CommandError(
        `error parsing ${side} port '${value}': strconv.ParseUint: parsing "${value}": ${why}`,
      );
    if (!/^\d+$/.test(value)) throw failed('invalid syntax');
    if (Number(value) > 65535) throw failed('value out of range');
    return Number(value);
  };
  const parsed = { local: number('local', local), remote: number('remote', remote) };
  if (parsed.remote === 0) throw new CommandError('remote port must be > 0');
  return parsed;
}

/** Addresses to listen on; of `localhost` either family may be missing. @throws CommandError */
function addressesOf(given: readonly string[]): { address: string; optional: boolean }[] {
  const out = new Map<string, { address: string; optional: boolean }>();
  for (const address of given)
    if (address === 'localhost')
      for (const each of ['127.0.0.1', '::1']) out.set(each, { address: each, optional: true });
    else if (/^\d+(\.\d+){3}$/.test(address) || address.includes(':'))
      out.set(address, { address, optional: false });
    else throw new CommandError(`${address} is not a valid IP`);
  return [...out.values()];
}

async function forward(
  session: Session,
  pod: Json,
  ports: readonly ForwardedPort[],
  addresses: readonly { address: string; optional: boolean }[],
): Promise<number> {
  const { io } = session;
  const url = resourceUrl(
    pods(session),
    text(pod, 'metadata', 'namespace'),
    nameOf(pod),
    'portforward',
  );
  const response = await session.api.send('POST', url, { accept: '*/*' });
  if (response.body.kind !== 'session' || response.body.session.kind !== 'port-forward')
    throw new CommandError('error upgrading connection: the server offers no stream');
  const tunnel = response.body.session;
  const listeners: Disposable[] = [];
  // A connection that fails inside the pod ends the whole session, as upstream has it.
  const lost = new AbortController();
  io.signal.addEventListener('abort', () => {
    lost.abort();
  });
  try {
    let listening = false;
    for (const port of ports)
      try {
        listeners.push(...(await listenOn(session, { tunnel, lost }, port, addresses)));
        listening = true;
      } catch (error) {
        session.err(`Unable to listen on port ${port.local}: ${asError(error).message}\n`);
      }
    if (!listening)
      throw new CommandError(
        `unable to listen on any of the requested ports: [${ports.map(({ local, remote }) => `{${local} ${remote}}`).join(' ')}]`,
      );
    await session.flush();
    await untilOver(session, pod, lost.signal);
  } finally {
    for (const listener of listeners) listener.dispose();
    tunnel.close();
  }
  if (io.signal.aborted) return 0;
  throw new CommandError('lost connection to pod');
}

/** Resolves when the user has enough or the pod has ended. */
async function untilOver(session: Session, pod: Json, signal: AbortSignal): Promise<void> {
  await session.api.watch(
    resourceUrl(pods(session), text(pod, 'metadata', 'namespace')),
    {
      fieldSelector: `metadata.name=${nameOf(pod)}`,
      resourceVersion: text(pod, 'metadata', 'resourceVersion'),
    },
    ({ type, object }) =>
      type === 'DELETED' || ['Succeeded', 'Failed'].includes(text(object, 'status', 'phase')),
    { signal },
  );
}

interface Way {
  readonly tunnel: PortForwardSession;
  /** Aborted when a connection has failed. */
  readonly lost: AbortController;
}

async function listenOn(
  session: Session,
  way: Way,
  { local, remote }: ForwardedPort,
  addresses: readonly { address: string; optional: boolean }[],
): Promise<Disposable[]> {
  const { listenLocal } = session.io;
  if (!listenLocal) throw new Error('there is no network to listen on');
  const open: Disposable[] = [];
  const failures: string[] = [];
  let mandatory = false;
  const port = { number: local };
  for (const { address, optional } of addresses) {
    const host = address.includes(':') ? `[${address}]` : address;
    try {
      const listener = await listenLocal(address, port.number, (connection) => {
        session.out(`Handling connection for ${port.number}\n`);
        void carry(session, way, connection, port.number, remote);
      });
      port.number = listener.port;
      open.push(listener);
      session.out(`Forwarding from ${host}:${listener.port} -> ${remote}\n`);
    } catch (error) {
      failures.push(`unable to create listener: Error ${asError(error).message}`);
      mandatory ||= !optional;
    }
  }
  if (open.length > 0 && !mandatory) return open;
  for (const listener of open) listener.dispose();
  throw new Error(`Listeners failed to create with the following errors: [${failures.join(' ')}]`);
}

/** One connection: bytes both ways until both ends are done. */
async function carry(
  session: Session,
  { tunnel, lost }: Way,
  connection: Connection,
  local: number,
  remote: number,
): Promise<void> {
  let inside: Connection | undefined;
  try {
    await session.flush();
    inside = await tunnel.open(remote);
    // The pod's side decides when it is over; a client may stop sending before.
    void pump(connection.input, inside.output).catch(() => undefined);
    await pump(inside.input, connection.output);
  } catch (error) {
    session.log(
      'E',
      'portforward.go:424',
      `"Unhandled Error" err="an error occurred forwarding ${local} -> ${remote}: ${asError(error).message.replaceAll('"', '\\"')}"`,
    );
    lost.abort();
  } finally {
    inside?.close();
    connection.close();
  }
}

async function pump(source: ByteSource, sink: ByteSink): Promise<void> {
  for (let chunk = await source.read(); chunk; chunk = await source.read()) await sink.write(chunk);
  sink.end();
}
