import { formatQuantity, humanDuration, parseQuantity, type Quantity } from '#core/kube';
import { at, type Json, list, map, sortedKeys, strings, text } from '../json-view.ts';
import { type Description, taintText, timeText } from './writer.ts';

type Amounts = Record<string, Quantity>;

/** @param pods those on the node that have not ended. */
export function describeNode(
  out: Description,
  node: Json,
  pods: readonly Json[] | undefined,
  lease: Json | undefined,
  nowMs: number,
): void {
  out.line(0, 'Name:', text(node, 'metadata', 'name'));
  const labels = strings(node, 'metadata', 'labels');
  const roles = sortedKeys(labels)
    .filter((key) => key.startsWith('node-role.kubernetes.io/'))
    .map((key) => key.slice('node-role.kubernetes.io/'.length));
  out.line(0, 'Roles:', roles.join(',') || '<none>');
  out.pairs('Labels', labels);
  out.annotations(strings(node, 'metadata', 'annotations'));
  out.line(0, 'CreationTimestamp:', timeText(text(node, 'metadata', 'creationTimestamp')));
  const taints = list(node, 'spec', 'taints').map(taintText).sort();
  if (taints.length === 0) out.line(0, 'Taints:', '<none>');
  taints.forEach((taint, index) => out.line(0, index === 0 ? 'Taints:' : '', taint));
  out.line(0, 'Unschedulable:', String(at(node, 'spec', 'unschedulable') === true));
  out.line(0, 'Lease:');
  out.line(
    1,
    'HolderIdentity:',
    lease
      ? text(lease, 'spec', 'holderIdentity') || '<unset>'
      : 'Failed to get lease: leases.coordination.k8s.io "' +
          text(node, 'metadata', 'name') +
          '" not found',
  );
  if (lease) {
    out.line(
      1,
      'AcquireTime:',
      text(lease, 'spec', 'acquireTime') === ''
        ? '<unset>'
        : timeText(text(lease, 'spec', 'acquireTime')),
    );
    out.line(
      1,
      'RenewTime:',
      text(lease, 'spec', 'renewTime') === ''
        ? '<unset>'
        : timeText(text(lease, 'spec', 'renewTime')),
    );
  }
  const conditions = list(node, 'status', 'conditions');
  if (conditions.length > 0) {
    out
      .line(0, 'Conditions:')
      .line(1, 'Type', 'Status', 'LastHeartbeatTime', 'LastTransitionTime', 'Reason', 'Message')
      .line(1, '----', '------', '-----------------', '------------------', '------', '-------');
    for (const condition of conditions)
      out.line(
        1,
        `${text(condition, 'type')} `,
        `${text(condition, 'status')} `,
        `${timeText(text(condition, 'lastHeartbeatTime'))} `,
        `${timeText(text(condition, 'lastTransitionTime'))} `,
        `${text(condition, 'reason')} `,
        text(condition, 'message'),
      );
  }
  out.line(0, 'Addresses:');
  for (const address of list(node, 'status', 'addresses'))
    out.line(1, `${text(address, 'type')}:`, text(address, 'address'));
  for (const [title, key] of [
    ['Capacity', 'capacity'],
    ['Allocatable', 'allocatable'],
  ] as const) {
    const amounts = strings(node, 'status', key);
    if (sortedKeys(amounts).length === 0) continue;
    out.line(0, `${title}:`);
    for (const name of sortedKeys(amounts)) out.line(1, `${name}:`, amounts[name] ?? '');
  }
  out.line(0, 'System Info:');
  const info = (key: string): string => text(node, 'status', 'nodeInfo', key);
  for (const [title, key] of [
    ['Machine ID', 'machineID'],
    ['System UUID', 'systemUUID'],
    ['Boot ID', 'bootID'],
    ['Kernel Version', 'kernelVersion'],
    ['OS Image', 'osImage'],
    ['Operating System', 'operatingSystem'],
    ['Architecture', 'architecture'],
    ['Container Runtime Version', 'containerRuntimeVersion'],
    ['Kubelet Version', 'kubeletVersion'],
  ] as const)
    out.line(1, `${title}:`, info(key));
  if (text(node, 'spec', 'podCIDR') !== '') out.line(0, 'PodCIDR:', text(node, 'spec', 'podCIDR'));
  if (list(node, 'spec', 'podCIDRs').length > 0)
    out.line(0, 'PodCIDRs:', list(node, 'spec', 'podCIDRs').join(','));
  if (text(node, 'spec', 'providerID') !== '')
    out.line(0, 'ProviderID:', text(node, 'spec', 'providerID'));
  if (pods) podsSection(out, node, pods, nowMs);
}

function podsSection(out: Description, node: Json, pods: readonly Json[], nowMs: number): void {
  const allocatable =
    Object.keys(strings(node, 'status', 'allocatable')).length > 0
      ? strings(node, 'status', 'allocatable')
      : strings(node, 'status', 'capacity');
  out.line(0, 'Non-terminated Pods:', `(${pods.length} in total)`);
  out
    .line(
      1,
      'Namespace',
      'Name',
      '',
      'CPU Requests',
      'CPU Limits',
      'Memory Requests',
      'Memory Limits',
      'Age',
    )
    .line(
      1,
      '---------',
      '----',
      '',
      '------------',
      '----------',
      '---------------',
      '-------------',
      '---',
    );
  const percent = (amount: Quantity, of: string | undefined): number => {
    const whole = of === undefined ? 0n : parseQuantity(of).nano;
    return whole === 0n ? 0 : Number((amount.nano * 100n) / whole);
  };
  const totals: { requests: Amounts; limits: Amounts } = { requests: {}, limits: {} };
  const zero = parseQuantity('0');
  for (const pod of pods) {
    const own = podAmounts(pod);
    for (const kind of ['requests', 'limits'] as const)
      for (const [name, amount] of Object.entries(own[kind]))
        totals[kind][name] = sum(totals[kind][name], amount);
    const cell = (kind: 'requests' | 'limits', name: string): string => {
      const amount = own[kind][name] ?? zero;
      return `${formatQuantity(amount)} (${percent(amount, allocatable[name])}%)`;
    };
    out.line(
      1,
      text(pod, 'metadata', 'namespace'),
      text(pod, 'metadata', 'name'),
      '',
      cell('requests', 'cpu'),
      cell('limits', 'cpu'),
      cell('requests', 'memory'),
      cell('limits', 'memory'),
      humanDuration(nowMs - Date.parse(text(pod, 'metadata', 'creationTimestamp'))),
    );
  }
  out
    .line(0, 'Allocated resources:')
    .line(1, '(Total limits may be over 100 percent, i.e., overcommitted.)')
    .line(1, 'Resource', 'Requests', 'Limits')
    .line(1, '--------', '--------', '------');
  const extended = sortedKeys(allocatable).filter(
    (name) => !['cpu', 'memory', 'ephemeral-storage', 'pods'].includes(name),
  );
  for (const name of ['cpu', 'memory', 'ephemeral-storage', ...extended]) {
    const cell = (kind: 'requests' | 'limits'): string => {
      const amount = totals[kind][name] ?? zero;
      return extended.includes(name) && !name.startsWith('hugepages')
        ? formatQuantity(amount)
        : `${formatQuantity(amount)} (${percent(amount, allocatable[name])}%)`;
    };
    out.line(1, name, cell('requests'), cell('limits'));
  }
}

const sum = (a: Quantity | undefined, b: Quantity): Quantity =>
  a ? { nano: a.nano + b.nano, format: a.nano === 0n ? b.format : a.format } : b;
const larger = (a: Quantity | undefined, b: Quantity): Quantity => (a && a.nano >= b.nano ? a : b);

/** What a pod asks for: its containers together, or its largest init container. */
function podAmounts(pod: Json): { requests: Amounts; limits: Amounts } {
  const out: { requests: Amounts; limits: Amounts } = { requests: {}, limits: {} };
  const spec = map(pod, 'spec');
  for (const kind of ['requests', 'limits'] as const) {
    for (const container of list(spec, 'containers'))
      for (const [name, value] of Object.entries(strings(container, 'resources', kind)))
        out[kind][name] = sum(out[kind][name], parseQuantity(value));
    for (const container of list(spec, 'initContainers'))
      for (const [name, value] of Object.entries(strings(container, 'resources', kind)))
        out[kind][name] =
          text(container, 'restartPolicy') === 'Always'
            ? sum(out[kind][name], parseQuantity(value))
            : larger(out[kind][name], parseQuantity(value));
    for (const [name, value] of Object.entries(strings(spec, 'overhead')))
      if (kind === 'requests' || out.limits[name])
        out[kind][name] = sum(out[kind][name], parseQuantity(value));
  }
  return out;
}
