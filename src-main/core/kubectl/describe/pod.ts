import { formatDuration } from '#core/kube';
import {
  at,
  compareText,
  has,
  type Json,
  list,
  map,
  num,
  sortedKeys,
  strings,
  text,
} from '../json-view.ts';
import { type Description, eventsSection, timeText, tolerationsOf } from './writer.ts';
import { selectorText } from '../resources/label-selector.ts';
import { describeVolumes } from './volumes.ts';

/** @see k8s.io/kubectl/pkg/describe/describe.go, describePod */
export function describePod(
  out: Description,
  pod: Json,
  events: readonly Json[] | undefined,
  nowMs: number,
): void {
  const spec = map(pod, 'spec');
  const status = map(pod, 'status');
  out.line(0, 'Name:', text(pod, 'metadata', 'name'));
  out.line(0, 'Namespace:', text(pod, 'metadata', 'namespace'));
  if (has(spec, 'priority')) out.line(0, 'Priority:', text(spec, 'priority'));
  if (text(spec, 'priorityClassName') !== '')
    out.line(0, 'Priority Class Name:', text(spec, 'priorityClassName'));
  if (text(spec, 'runtimeClassName') !== '')
    out.line(0, 'Runtime Class Name:', text(spec, 'runtimeClassName'));
  out.line(0, 'Service Account:', text(spec, 'serviceAccountName'));
  out.line(
    0,
    'Node:',
    text(spec, 'nodeName') === ''
      ? '<none>'
      : `${text(spec, 'nodeName')}/${text(status, 'hostIP')}`,
  );
  if (has(status, 'startTime')) out.line(0, 'Start Time:', timeText(text(status, 'startTime')));
  out.pairs('Labels', strings(pod, 'metadata', 'labels'));
  out.annotations(strings(pod, 'metadata', 'annotations'));
  if (
    has(pod, 'metadata', 'deletionTimestamp') &&
    text(status, 'phase') !== 'Failed' &&
    text(status, 'phase') !== 'Succeeded'
  ) {
    out.line(
      0,
      'Status:',
      `Terminating (lasts ${durationSince(text(pod, 'metadata', 'deletionTimestamp'), nowMs)})`,
    );
    out.line(
      0,
      'Termination Grace Period:',
      `${text(pod, 'metadata', 'deletionGracePeriodSeconds')}s`,
    );
  } else out.line(0, 'Status:', text(status, 'phase'));
  if (text(status, 'reason') !== '') out.line(0, 'Reason:', text(status, 'reason'));
  if (text(status, 'message') !== '') out.line(0, 'Message:', text(status, 'message'));
  const profile = text(spec, 'securityContext', 'seccompProfile', 'type');
  if (profile !== '') {
    out.line(0, 'SeccompProfile:', profile);
    if (profile === 'Localhost')
      out.line(
        0,
        'LocalhostProfile:',
        text(spec, 'securityContext', 'seccompProfile', 'localhostProfile'),
      );
  }
  out.line(0, 'IP:', text(status, 'podIP'));
  const ips = list(status, 'podIPs');
  if (ips.length === 0) out.line(0, 'IPs:', '<none>');
  else {
    out.line(0, 'IPs:');
    for (const ip of ips) out.line(1, 'IP:', text(ip, 'ip'));
  }
  const controller = list(pod, 'metadata', 'ownerReferences').find(
    (owner) => at(owner, 'controller') === true,
  );
  if (controller)
    out.line(0, 'Controlled By:', `${text(controller, 'kind')}/${text(controller, 'name')}`);
  if (text(status, 'nominatedNodeName') !== '')
    out.line(0, 'NominatedNodeName:', text(status, 'nominatedNodeName'));
  if (has(spec, 'resources')) describeResources(out, spec, 0);
  if (list(spec, 'initContainers').length > 0)
    describeContainers(
      out,
      'Init Containers',
      list(spec, 'initContainers'),
      list(status, 'initContainerStatuses'),
      0,
    );
  describeContainers(
    out,
    'Containers',
    list(spec, 'containers'),
    list(status, 'containerStatuses'),
    0,
  );
  if (list(spec, 'ephemeralContainers').length > 0)
    describeContainers(
      out,
      'Ephemeral Containers',
      list(spec, 'ephemeralContainers'),
      list(status, 'ephemeralContainerStatuses'),
      0,
    );
  const gates = list(spec, 'readinessGates');
  const conditions = list(status, 'conditions');
  if (gates.length > 0) {
    out.line(0, 'Readiness Gates:');
    out.line(1, 'Type', 'Status');
    for (const gate of gates) {
      const found = conditions.find(
        (condition) => text(condition, 'type') === text(gate, 'conditionType'),
      );
      out.line(1, text(gate, 'conditionType'), found ? text(found, 'status') : '<none>');
    }
  }
  if (conditions.length > 0) {
    out.line(0, 'Conditions:');
    out.line(1, 'Type', 'Status');
    for (const condition of conditions)
      out.line(1, `${text(condition, 'type')} `, `${text(condition, 'status')} `);
  }
  describeVolumes(out, list(spec, 'volumes'), 0);
  out.line(0, 'QoS Class:', text(status, 'qosClass'));
  out.pairs('Node-Selectors', strings(spec, 'nodeSelector'));
  describeTolerations(out, spec);
  describeSpread(out, spec);
  eventsSection(out, events, nowMs);
}

function durationSince(timestamp: string, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(timestamp)) / 1000));
  return formatDuration(seconds * 1000).replace(/m0s$/, 'm');
}

export function describeTolerations(out: Description, spec: unknown, level = 0): void {
  const tolerations = tolerationsOf(spec);
  if (tolerations.length === 0) {
    out.line(level, 'Tolerations:', '<none>');
    return;
  }
  const unique = [...new Set(tolerations)];
  unique.forEach((toleration, index) => {
    out.line(level, index === 0 ? 'Tolerations:' : '', toleration);
  });
}

function describeSpread(out: Description, spec: unknown): void {
  const constraints = [...list(spec, 'topologySpreadConstraints')].sort((a, b) =>
    compareText(text(a, 'topologyKey'), text(b, 'topologyKey')),
  );
  constraints.forEach((constraint, index) => {
    out.line(
      0,
      index === 0 ? 'Topology Spread Constraints:' : '',
      `${text(constraint, 'topologyKey')}:${text(constraint, 'whenUnsatisfiable')} when max skew ${text(constraint, 'maxSkew')} is exceeded for selector ${selectorText(at(constraint, 'labelSelector'))}`,
    );
  });
}

/** @param statuses of a live pod; empty for a template. */
export function describeContainers(
  out: Description,
  title: string,
  containers: readonly unknown[],
  statuses: readonly unknown[],
  level: number,
  live = true,
): void {
  out.line(level, `${title}:${containers.length === 0 ? ' <none>' : ''}`);
  for (const container of containers) {
    const name = text(container, 'name');
    const status = statuses.find((each) => text(each, 'name') === name);
    out.line(0, `${level === 0 ? '  ' : '   '}${name}:`);
    if (status) out.line(2, 'Container ID:', text(status, 'containerID'));
    out.line(2, 'Image:', text(container, 'image'));
    if (status) out.line(2, 'Image ID:', text(status, 'imageID'));
    describePorts(out, container, 2);
    const profile = text(container, 'securityContext', 'seccompProfile', 'type');
    if (profile !== '') out.line(2, 'SeccompProfile:', profile);
    describeWords(out, 'Command', list(container, 'command'), 2);
    describeWords(out, 'Args', list(container, 'args'), 2);
    if (status && live) describeState(out, status, 2);
    describeResources(out, container, 2);
    for (const [label, key] of [
      ['Liveness', 'livenessProbe'],
      ['Readiness', 'readinessProbe'],
      ['Startup', 'startupProbe'],
    ] as const)
      if (has(container, key)) out.line(2, `${label}:`, probeText(at(container, key)));
    describeEnvironment(out, container, 2);
    describeMounts(out, container, 2);
  }
}

function describePorts(out: Description, container: unknown, level: number): void {
  const ports = list(container, 'ports');
  const label = ports.length > 1 ? 'Ports:' : 'Port:';
  const protocol = (port: unknown): string => text(port, 'protocol') || 'TCP';
  out.line(
    level,
    label,
    ports.length === 0
      ? '<none>'
      : ports
          .map(
            (port) =>
              `${text(port, 'containerPort')}/${protocol(port)}${text(port, 'name') === '' ? '' : ` (${text(port, 'name')})`}`,
          )
          .join(', '),
  );
  out.line(
    level,
    `Host ${label}`,
    ports.length === 0
      ? '<none>'
      : ports
          .map(
            (port) =>
              `${num(port, 'hostPort')}/${protocol(port)}${text(port, 'name') === '' ? '' : ` (${text(port, 'name')})`}`,
          )
          .join(', '),
  );
}

function describeWords(
  out: Description,
  title: string,
  words: readonly unknown[],
  level: number,
): void {
  if (words.length === 0) return;
  out.line(level, `${title}:`);
  for (const word of words) for (const part of String(word).split('\n')) out.line(level + 1, part);
}

function describeState(out: Description, status: unknown, level: number): void {
  stateLines(out, 'State', at(status, 'state'), level, true);
  if (has(status, 'lastState') && Object.keys(map(status, 'lastState')).length > 0)
    stateLines(out, 'Last State', at(status, 'lastState'), level, false);
  out.line(level, 'Ready:', at(status, 'ready') === true ? 'True' : 'False');
  out.line(level, 'Restart Count:', String(num(status, 'restartCount')));
}

function stateLines(
  out: Description,
  title: string,
  state: unknown,
  level: number,
  waitingByDefault: boolean,
): void {
  if (has(state, 'running')) {
    out.line(level, `${title}:`, 'Running');
    out.line(level + 1, 'Started:', timeText(text(state, 'running', 'startedAt')));
  } else if (has(state, 'terminated')) {
    out.line(level, `${title}:`, 'Terminated');
    const ended = map(state, 'terminated');
    if (text(ended, 'reason') !== '') out.line(level + 1, 'Reason:', text(ended, 'reason'));
    if (text(ended, 'message') !== '') out.line(level + 1, 'Message:', text(ended, 'message'));
    out.line(level + 1, 'Exit Code:', String(num(ended, 'exitCode')));
    if (num(ended, 'signal') > 0) out.line(level + 1, 'Signal:', text(ended, 'signal'));
    out.line(
      level + 1,
      'Started:',
      timeText(text(ended, 'startedAt')) || 'Mon, 01 Jan 0001 00:00:00 +0000',
    );
    out.line(
      level + 1,
      'Finished:',
      timeText(text(ended, 'finishedAt')) || 'Mon, 01 Jan 0001 00:00:00 +0000',
    );
  } else if (has(state, 'waiting') || waitingByDefault) {
    out.line(level, `${title}:`, 'Waiting');
    if (text(state, 'waiting', 'reason') !== '')
      out.line(level + 1, 'Reason:', text(state, 'waiting', 'reason'));
  }
}

function describeResources(out: Description, owner: unknown, level: number): void {
  for (const [title, key] of [
    ['Limits', 'limits'],
    ['Requests', 'requests'],
  ] as const) {
    const values = strings(owner, 'resources', key);
    const names = sortedKeys(values);
    if (names.length === 0) continue;
    out.line(level, `${title}:`);
    for (const name of names) out.line(level + 1, `${name}:`, values[name] ?? '');
  }
}

/** `http-get http://:80/ delay=0s timeout=1s period=10s #success=1 #failure=3`. */
export function probeText(probe: unknown): string {
  const attributes = `delay=${num(probe, 'initialDelaySeconds')}s timeout=${num(probe, 'timeoutSeconds')}s period=${num(probe, 'periodSeconds')}s #success=${num(probe, 'successThreshold')} #failure=${num(probe, 'failureThreshold')}`;
  return `${handlerText(probe)} ${attributes}`;
}

function handlerText(probe: unknown): string {
  if (has(probe, 'exec')) return `exec [${list(probe, 'exec', 'command').join(' ')}]`;
  if (has(probe, 'httpGet')) {
    const get = map(probe, 'httpGet');
    const port = text(get, 'port');
    return `http-get ${text(get, 'scheme').toLowerCase()}://${text(get, 'host')}${port === '' ? '' : `:${port}`}${text(get, 'path').startsWith('/') ? '' : '/'}${text(get, 'path')}`;
  }
  if (has(probe, 'tcpSocket'))
    return `tcp-socket ${text(probe, 'tcpSocket', 'host')}:${text(probe, 'tcpSocket', 'port')}`;
  if (has(probe, 'grpc'))
    return `grpc <pod>:${text(probe, 'grpc', 'port')} ${text(probe, 'grpc', 'service')}`;
  return 'unknown';
}

function describeEnvironment(out: Description, container: unknown, level: number): void {
  const from = list(container, 'envFrom');
  if (from.length > 0) {
    out.line(level, 'Environment Variables from:');
    for (const source of from) {
      const [kind, key] = has(source, 'configMapRef')
        ? (['ConfigMap', 'configMapRef'] as const)
        : (['Secret', 'secretRef'] as const);
      const prefix = text(source, 'prefix');
      out.line(
        level + 1,
        text(source, key, 'name'),
        `${kind}${prefix === '' ? '' : ` with prefix '${prefix}'`}`,
        `Optional: ${at(source, key, 'optional') === true}`,
      );
    }
  }
  const env = list(container, 'env');
  if (env.length === 0) {
    out.line(level, 'Environment:', '<none>');
    return;
  }
  out.line(level, 'Environment:');
  for (const variable of env) {
    const name = `${text(variable, 'name')}:`;
    const source = map(variable, 'valueFrom');
    if (Object.keys(source).length === 0) {
      text(variable, 'value')
        .split('\n')
        .forEach((part, index) => {
          if (index === 0) out.line(level + 1, name, part);
          else out.line(level + 1, '', part);
        });
    } else if (has(source, 'fieldRef'))
      out.line(
        level + 1,
        name,
        ` (${text(source, 'fieldRef', 'apiVersion')}:${text(source, 'fieldRef', 'fieldPath')})`,
      );
    else if (has(source, 'resourceFieldRef'))
      out.line(
        level + 1,
        name,
        `${resourceValue(container, source)} (${text(source, 'resourceFieldRef', 'resource')})`,
      );
    else {
      const [kind, key] = has(source, 'secretKeyRef')
        ? ['secret', 'secretKeyRef']
        : ['config map', 'configMapKeyRef'];
      out.line(
        level + 1,
        name,
        `<set to the key '${text(source, key ?? '', 'key')}' of ${kind ?? ''} '${text(source, key ?? '', 'name')}'>`,
        `Optional: ${at(source, key ?? '', 'optional') === true}`,
      );
    }
  }
}

function resourceValue(container: unknown, source: unknown): string {
  const [kind = '', ...rest] = text(source, 'resourceFieldRef', 'resource').split('.');
  return (
    text(container, 'resources', kind, rest.join('.')) ||
    (kind === 'limits' ? 'node allocatable' : '0')
  );
}

function describeMounts(out: Description, container: unknown, level: number): void {
  const mounts = [...list(container, 'volumeMounts')].sort((a, b) =>
    compareText(text(a, 'mountPath'), text(b, 'mountPath')),
  );
  if (mounts.length === 0) out.line(level, 'Mounts:', '<none>');
  else out.line(level, 'Mounts:');
  for (const mount of mounts) {
    const flags = [
      at(mount, 'readOnly') === true ? 'ro' : 'rw',
      ...(text(mount, 'subPath') === '' ? [] : [`path="${text(mount, 'subPath')}"`]),
    ];
    out.line(
      level + 1,
      `${text(mount, 'mountPath')} from ${text(mount, 'name')} (${flags.join(',')})`,
    );
  }
  const devices = list(container, 'volumeDevices');
  if (devices.length > 0) {
    out.line(level, 'Devices:');
    for (const device of devices)
      out.line(level + 1, `${text(device, 'devicePath')} from ${text(device, 'name')}`);
  }
}

/** The pod template of a workload. */
export function describeTemplate(out: Description, template: unknown, level = 0): void {
  out.line(level, 'Pod Template:');
  out.pairs('Labels', strings(template, 'metadata', 'labels'), { level: level + 1 });
  if (Object.keys(strings(template, 'metadata', 'annotations')).length > 0)
    out.annotations(strings(template, 'metadata', 'annotations'), level + 1);
  const spec = map(template, 'spec');
  if (text(spec, 'serviceAccountName') !== '')
    out.line(level + 1, 'Service Account:', text(spec, 'serviceAccountName'));
  if (list(spec, 'initContainers').length > 0)
    describeContainers(out, 'Init Containers', list(spec, 'initContainers'), [], level + 1);
  describeContainers(out, 'Containers', list(spec, 'containers'), [], level + 1);
  describeVolumes(out, list(spec, 'volumes'), level + 1);
  describeSpread(out, spec);
  if (text(spec, 'priorityClassName') !== '')
    out.line(level + 1, 'Priority Class Name:', text(spec, 'priorityClassName'));
  out.pairs('Node-Selectors', strings(spec, 'nodeSelector'), { level: level + 1 });
  describeTolerations(out, spec, level + 1);
}
