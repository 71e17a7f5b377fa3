import { fromBase64 } from '#core/base';
import {
  at,
  compareText,
  has,
  type Json,
  list,
  map,
  sortedKeys,
  strings,
  text,
} from '../json-view.ts';
import { formatLabels } from '../print/table.ts';
import { selectorText } from '../resources/label-selector.ts';
import { describeSource } from './volumes.ts';
import { type Description, head } from './writer.ts';

export function describeConfigMap(out: Description, object: Json): void {
  head(out, object);
  out.line(0, '').line(0, 'Data').line(0, '====');
  const data = strings(object, 'data');
  for (const key of sortedKeys(data))
    out
      .line(0, `${key}:`)
      .line(0, '----')
      .line(0, data[key] ?? '')
      .line(0, '');
  out.line(0, '').line(0, 'BinaryData').line(0, '====');
  const binary = strings(object, 'binaryData');
  for (const key of sortedKeys(binary))
    out.line(0, `${key}: ${byteLength(binary[key] ?? '')} bytes`);
  out.line(0, '');
}

const byteLength = (base64: string): number => fromBase64(base64).length;

export function describeSecret(out: Description, object: Json): void {
  head(out, object);
  out
    .line(0, '')
    .line(0, 'Type:', text(object, 'type'))
    .line(0, '')
    .line(0, 'Data')
    .line(0, '====');
  const data = strings(object, 'data');
  for (const key of sortedKeys(data)) {
    const shown =
      key === 'token' && text(object, 'type') === 'kubernetes.io/service-account-token'
        ? new TextDecoder().decode(fromBase64(data[key] ?? ''))
        : `${byteLength(data[key] ?? '')} bytes`;
    out.line(0, `${key}:`, shown);
  }
}

export function describeService(
  out: Description,
  object: Json,
  endpoints: ReadonlyMap<string, string>,
): void {
  head(out, object);
  const spec = (key: string): string => text(object, 'spec', key);
  const selector = strings(object, 'spec', 'selector');
  out.line(0, 'Selector:', sortedKeys(selector).length === 0 ? '<none>' : formatLabels(selector));
  out.line(0, 'Type:', spec('type'));
  if (spec('ipFamilyPolicy') !== '') out.line(0, 'IP Family Policy:', spec('ipFamilyPolicy'));
  out.line(0, 'IP Families:', list(object, 'spec', 'ipFamilies').join(',') || '<none>');
  out.line(0, 'IP:', spec('clusterIP'));
  out.line(0, 'IPs:', list(object, 'spec', 'clusterIPs').join(',') || '<none>');
  const external = list(object, 'spec', 'externalIPs');
  if (external.length > 0) out.line(0, 'External IPs:', external.join(','));
  if (spec('loadBalancerIP') !== '')
    out.line(0, 'Desired LoadBalancer IP:', spec('loadBalancerIP'));
  if (spec('externalName') !== '') out.line(0, 'External Name:', spec('externalName'));
  const ingress = list(object, 'status', 'loadBalancer', 'ingress');
  if (ingress.length > 0)
    out.line(
      0,
      'LoadBalancer Ingress:',
      ingress
        .map((each) =>
          text(each, 'ip') === ''
            ? text(each, 'hostname')
            : text(each, 'ipMode') === ''
              ? text(each, 'ip')
              : `${text(each, 'ip')} (${text(each, 'ipMode')})`,
        )
        .join(', '),
    );
  for (const port of list(object, 'spec', 'ports')) {
    const name = text(port, 'name') || '<unset>';
    const protocol = text(port, 'protocol') || 'TCP';
    out.line(0, 'Port:', name, `${text(port, 'port')}/${protocol}`);
    out.line(0, 'TargetPort:', `${text(port, 'targetPort')}/${protocol}`);
    if (text(port, 'nodePort') !== '' && text(port, 'nodePort') !== '0')
      out.line(0, 'NodePort:', name, `${text(port, 'nodePort')}/${protocol}`);
    out.line(0, 'Endpoints:', endpoints.get(text(port, 'name')) ?? '');
  }
  out.line(0, 'Session Affinity:', spec('sessionAffinity'));
  if (spec('externalTrafficPolicy') !== '')
    out.line(0, 'External Traffic Policy:', spec('externalTrafficPolicy'));
  if (spec('internalTrafficPolicy') !== '')
    out.line(0, 'Internal Traffic Policy:', spec('internalTrafficPolicy'));
  if (spec('healthCheckNodePort') !== '')
    out.line(0, 'HealthCheck NodePort:', spec('healthCheckNodePort'));
  const ranges = list(object, 'spec', 'loadBalancerSourceRanges');
  if (ranges.length > 0) out.line(0, 'LoadBalancer Source Ranges:', ranges.join(','));
}

function modes(object: Json): string {
  const short: Readonly<Record<string, string>> = {
    ReadWriteOnce: 'RWO',
    ReadOnlyMany: 'ROX',
    ReadWriteMany: 'RWX',
    ReadWriteOncePod: 'RWOP',
  };
  return list(object, 'spec', 'accessModes')
    .map((mode) => short[String(mode)] ?? String(mode))
    .join(',');
}

export function describePersistentVolume(out: Description, object: Json): void {
  head(out, object, { namespace: false });
  const finalizers = list(object, 'metadata', 'finalizers');
  out.line(0, 'Finalizers:', `[${finalizers.join(' ')}]`);
  out.line(0, 'StorageClass:', text(object, 'spec', 'storageClassName'));
  const terminating = has(object, 'metadata', 'deletionTimestamp');
  out.line(
    0,
    'Status:',
    terminating ? 'Terminating (lasts <invalid>)' : text(object, 'status', 'phase'),
  );
  const claim = map(object, 'spec', 'claimRef');
  out.line(
    0,
    'Claim:',
    text(claim, 'name') === '' ? '' : `${text(claim, 'namespace')}/${text(claim, 'name')}`,
  );
  out.line(0, 'Reclaim Policy:', text(object, 'spec', 'persistentVolumeReclaimPolicy'));
  out.line(0, 'Access Modes:', modes(object));
  if (text(object, 'spec', 'volumeMode') !== '')
    out.line(0, 'VolumeMode:', text(object, 'spec', 'volumeMode'));
  out.line(0, 'Capacity:', text(object, 'spec', 'capacity', 'storage'));
  const terms = list(object, 'spec', 'nodeAffinity', 'required', 'nodeSelectorTerms');
  if (!has(object, 'spec', 'nodeAffinity')) out.line(0, 'Node Affinity:', '<none>');
  else {
    out.line(0, 'Node Affinity:');
    if (terms.length === 0) out.line(1, 'Required Terms:', '<none>');
    else {
      out.line(1, 'Required Terms:', '');
      terms.forEach((term, index) => {
        const expressions = list(term, 'matchExpressions');
        expressions.forEach((expression, position) => {
          const values = list(expression, 'values').join(', ');
          const shown = `${text(expression, 'key')} ${text(expression, 'operator').toLowerCase()}${values === '' ? '' : ` [${values}]`}`;
          out.line(2, position === 0 ? `Term ${index}:` : '', shown);
        });
      });
    }
  }
  out.line(0, 'Message:', text(object, 'status', 'message'));
  out.line(0, 'Source:');
  describeSource(out, at(object, 'spec'), 1);
}

export function describeClaim(out: Description, object: Json, usedBy: readonly string[]): void {
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  out.line(0, 'StorageClass:', text(object, 'spec', 'storageClassName'));
  out.line(
    0,
    'Status:',
    has(object, 'metadata', 'deletionTimestamp')
      ? 'Terminating (lasts <invalid>)'
      : text(object, 'status', 'phase'),
  );
  out.line(0, 'Volume:', text(object, 'spec', 'volumeName'));
  out.pairs('Labels', strings(object, 'metadata', 'labels'));
  out.annotations(strings(object, 'metadata', 'annotations'));
  out.line(0, 'Finalizers:', `[${list(object, 'metadata', 'finalizers').join(' ')}]`);
  const bound = text(object, 'spec', 'volumeName') !== '';
  out.line(0, 'Capacity:', bound ? text(object, 'status', 'capacity', 'storage') : '');
  out.line(
    0,
    'Access Modes:',
    bound ? modes({ spec: { accessModes: list(object, 'status', 'accessModes') } }) : '',
  );
  if (text(object, 'spec', 'volumeMode') !== '')
    out.line(0, 'VolumeMode:', text(object, 'spec', 'volumeMode'));
  usedBy.forEach((name, index) => {
    out.line(0, index === 0 ? 'Used By:' : '', name);
  });
  if (usedBy.length === 0) out.line(0, 'Used By:', '<none>');
}

export function describeNamespace(
  out: Description,
  object: Json,
  quotas: readonly Json[] | undefined,
  limits: readonly Json[] | undefined,
): void {
  head(out, object, { namespace: false });
  out.line(0, 'Status:', text(object, 'status', 'phase'));
  const conditions = list(object, 'status', 'conditions');
  if (conditions.length > 0) {
    out
      .line(0, 'Conditions:')
      .line(1, 'Type', 'Status', 'LastTransitionTime', 'Reason', 'Message')
      .line(1, '----', '------', '------------------', '------', '-------');
    for (const condition of conditions)
      out.line(
        1,
        text(condition, 'type'),
        text(condition, 'status'),
        text(condition, 'lastTransitionTime'),
        text(condition, 'reason'),
        text(condition, 'message'),
      );
  }
  if (quotas) {
    out.line(0, '');
    if (quotas.length === 0) out.line(0, 'No resource quota.');
    else {
      out.line(0, 'Resource Quotas');
      quotas.forEach((quota, index) => {
        if (index > 0) out.line(0, '');
        out.line(1, 'Name:', text(quota, 'metadata', 'name'));
        out.line(1, 'Resource', 'Used', 'Hard').line(1, '--------', '---', '---');
        for (const key of sortedKeys(strings(quota, 'status', 'hard')))
          out.line(1, key, text(quota, 'status', 'used', key), text(quota, 'status', 'hard', key));
      });
    }
  }
  if (limits) {
    out.line(0, '');
    if (limits.length === 0) out.line(0, 'No LimitRange resource.');
    else {
      out.line(0, 'Resource Limits');
      limitTable(out, limits, ' ');
    }
  }
}

const limitHeadings = [
  'Type',
  'Resource',
  'Min',
  'Max',
  'Default Request',
  'Default Limit',
  'Max Limit/Request Ratio',
];

/** @param indent before each line: a namespace's description has one space where others have none. */
function limitTable(out: Description, ranges: readonly Json[], indent: string): void {
  const row = (first: string, ...rest: readonly string[]): void => {
    out.line(0, `${indent}${first}`, ...rest);
  };
  const [first = '', ...rest] = limitHeadings;
  const rule = (heading: string): string => '-'.repeat(heading.length);
  row(first, ...rest);
  row(rule(first), ...rest.map(rule));
  for (const item of ranges.flatMap((range) => list(range, 'spec', 'limits'))) {
    const keys = new Set(
      ['min', 'max', 'default', 'defaultRequest', 'maxLimitRequestRatio'].flatMap((part) =>
        Object.keys(strings(item, part)),
      ),
    );
    const value = (part: string, key: string): string => text(item, part, key) || '-';
    for (const key of [...keys].sort(compareText))
      row(
        text(item, 'type'),
        key,
        ...['min', 'max', 'defaultRequest', 'default', 'maxLimitRequestRatio'].map((part) =>
          value(part, key),
        ),
      );
  }
}

export function describeLimitRange(out: Description, object: Json): void {
  out
    .line(0, 'Name:', text(object, 'metadata', 'name'))
    .line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  limitTable(out, [object], '');
}

export function describeQuota(out: Description, object: Json): void {
  out
    .line(0, 'Name:', text(object, 'metadata', 'name'))
    .line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  const scopes = list(object, 'spec', 'scopes');
  if (scopes.length > 0) {
    const help: Readonly<Record<string, string>> = {
      Terminating:
        'Matches all pods that have an active deadline. These pods have a limited lifespan on a node before being actively terminated by the system.',
      NotTerminating:
        'Matches all pods that do not have an active deadline. These pods usually include long running pods whose container command is not expected to terminate.',
      BestEffort:
        'Matches all pods that do not have resource requirements set. These pods have a best effort quality of service.',
      NotBestEffort:
        'Matches all pods that have at least one resource requirement set. These pods have a burstable or guaranteed quality of service.',
    };
    out.line(0, 'Scopes:', scopes.join(', '));
    for (const scope of scopes)
      if (help[String(scope)]) out.line(0, ` * ${help[String(scope)] ?? ''}`);
  }
  out.line(0, 'Resource', 'Used', 'Hard').line(0, '--------', '----', '----');
  for (const key of sortedKeys(strings(object, 'status', 'hard')))
    out.line(0, key, text(object, 'status', 'used', key), text(object, 'status', 'hard', key));
}

export function describeServiceAccount(out: Description, object: Json): void {
  head(out, object);
  for (const [title, key] of [
    ['Image pull secrets', 'imagePullSecrets'],
    ['Mountable secrets', 'secrets'],
  ] as const) {
    const names = list(object, key).map((item) => text(item, 'name'));
    if (names.length === 0 && key === 'imagePullSecrets') out.line(0, `${title}:`, '<none>');
    names.forEach((name, index) => out.line(0, index === 0 ? `${title}:` : '', name));
  }
}

interface RuleRow {
  readonly group: string;
  readonly resource: string;
  readonly urls: string;
  readonly names: string;
  readonly verbs: Set<string>;
}

export function describeRole(out: Description, object: Json): void {
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.pairs('Labels', strings(object, 'metadata', 'labels'));
  out.annotations(strings(object, 'metadata', 'annotations'));
  out.line(0, 'PolicyRule:');
  out.line(1, 'Resources', 'Non-Resource URLs', 'Resource Names', 'Verbs');
  out.line(1, '---------', '-----------------', '--------------', '-----');
  const rows = new Map<string, RuleRow>();
  for (const rule of list(object, 'rules')) {
    const add = (group: string, resource: string, urls: string, names: string): void => {
      const key = `${group}|${resource}|${urls}|${names}`;
      const row = rows.get(key) ?? { group, resource, urls, names, verbs: new Set<string>() };
      for (const verb of list(rule, 'verbs') as string[]) row.verbs.add(verb);
      rows.set(key, row);
    };
    for (const url of list(rule, 'nonResourceURLs') as string[]) add('', '', `[${url}]`, '[]');
    const names = (list(rule, 'resourceNames') as string[]).map((name) => `[${name}]`);
    for (const group of list(rule, 'apiGroups') as string[])
      for (const resource of list(rule, 'resources') as string[])
        for (const name of names.length > 0 ? names : ['[]']) add(group, resource, '[]', name);
  }
  const verbsOf = ({ verbs }: RuleRow): string => `[${[...verbs].join(' ')}]`;
  const order = (row: RuleRow): string =>
    `${verbsOf(row)},[${row.group}],[${row.resource}],${row.names},${row.urls}`;
  for (const row of [...rows.values()].sort((a, b) => compareText(order(a), order(b)))) {
    const [kind = '', part] = row.resource.split('/');
    const shown = `${kind}${row.group === '' ? '' : `.${row.group}`}${part === undefined ? '' : `/${part}`}`;
    out.line(1, shown, row.urls, row.names, verbsOf(row));
  }
}

export function describeBinding(out: Description, object: Json): void {
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.pairs('Labels', strings(object, 'metadata', 'labels'));
  out.annotations(strings(object, 'metadata', 'annotations'));
  out
    .line(0, 'Role:')
    .line(1, 'Kind:', text(object, 'roleRef', 'kind'))
    .line(1, 'Name:', text(object, 'roleRef', 'name'));
  out
    .line(0, 'Subjects:')
    .line(1, 'Kind', 'Name', 'Namespace')
    .line(1, '----', '----', '---------');
  for (const subject of list(object, 'subjects'))
    out.line(1, text(subject, 'kind'), text(subject, 'name'), text(subject, 'namespace'));
}

export function describeStorageClass(out: Description, object: Json): void {
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.line(
    0,
    'IsDefaultClass:',
    text(object, 'metadata', 'annotations', 'storageclass.kubernetes.io/is-default-class') ===
      'true'
      ? 'Yes'
      : 'No',
  );
  const annotations = strings(object, 'metadata', 'annotations');
  out.line(
    0,
    'Annotations:',
    sortedKeys(annotations).length === 0 ? '<none>' : formatLabels(annotations).replace(/\n$/, ''),
  );
  out.line(0, 'Provisioner:', text(object, 'provisioner'));
  const parameters = strings(object, 'parameters');
  out.line(
    0,
    'Parameters:',
    sortedKeys(parameters).length === 0 ? '<none>' : formatLabels(parameters),
  );
  out.line(
    0,
    'AllowVolumeExpansion:',
    text(object, 'allowVolumeExpansion') === ''
      ? '<unset>'
      : text(object, 'allowVolumeExpansion') === 'true'
        ? 'True'
        : 'False',
  );
  const options = list(object, 'mountOptions');
  if (options.length === 0) out.line(0, 'MountOptions:', '<none>');
  else {
    out.line(0, 'MountOptions:');
    for (const option of options) out.line(1, String(option));
  }
  out.line(0, 'ReclaimPolicy:', text(object, 'reclaimPolicy') || '<unset>');
  out.line(0, 'VolumeBindingMode:', text(object, 'volumeBindingMode') || '<unset>');
}

export function describePdb(out: Description, object: Json): void {
  out
    .line(0, 'Name:', text(object, 'metadata', 'name'))
    .line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  if (has(object, 'spec', 'minAvailable'))
    out.line(0, 'Min available:', text(object, 'spec', 'minAvailable'));
  else if (has(object, 'spec', 'maxUnavailable'))
    out.line(0, 'Max unavailable:', text(object, 'spec', 'maxUnavailable'));
  out.line(
    0,
    'Selector:',
    has(object, 'spec', 'selector') ? selectorText(at(object, 'spec', 'selector')) : '<unset>',
  );
  const status = (key: string): string => text(object, 'status', key) || '0';
  out
    .line(0, 'Status:')
    .line(2, 'Allowed disruptions:', status('disruptionsAllowed'))
    .line(2, 'Current:', status('currentHealthy'))
    .line(2, 'Desired:', status('desiredHealthy'))
    .line(2, 'Total:', status('expectedPods'));
}

export function describeNetworkPolicy(out: Description, object: Json): void {
  out
    .line(0, 'Name:', text(object, 'metadata', 'name'))
    .line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  out.line(
    0,
    'Created on:',
    text(object, 'metadata', 'creationTimestamp').replace('T', ' ').replace('Z', ' +0000 UTC'),
  );
  out.pairs('Labels', strings(object, 'metadata', 'labels'));
  out.annotations(strings(object, 'metadata', 'annotations'));
  out.line(0, 'Spec:');
  const selected = selectorText(at(object, 'spec', 'podSelector'), '<none>');
  out.line(
    0,
    `  PodSelector:     ${selected}${selected === '<none>' ? ' (Allowing the specific traffic to all pods in this namespace)' : ''}`,
  );
  const types = list(object, 'spec', 'policyTypes') as string[];
  for (const [type, key, word] of [
    ['Ingress', 'ingress', 'From'],
    ['Egress', 'egress', 'To'],
  ] as const) {
    if (!types.includes(type)) {
      out.line(0, `  Not affecting ${type.toLowerCase()} traffic`);
      continue;
    }
    out.line(0, `  Allowing ${type.toLowerCase()} traffic:`);
    const rules = list(object, 'spec', key);
    if (rules.length === 0)
      out.line(0, `    <none> (Selected pods are isolated for ${type.toLowerCase()} connectivity)`);
    rules.forEach((rule, index) => {
      const ports = list(rule, 'ports');
      if (ports.length === 0) out.line(0, `    To Port: <any> (traffic allowed to all ports)`);
      for (const port of ports)
        out.line(
          0,
          `    To Port: ${text(port, 'port') || '<any>'}/${text(port, 'protocol') || 'TCP'}`,
        );
      const peers = list(rule, word.toLowerCase());
      if (peers.length === 0)
        out.line(
          0,
          `    ${word}: <any> (traffic not restricted by ${word === 'From' ? 'source' : 'destination'})`,
        );
      for (const peer of peers) {
        out.line(0, `    ${word}:`);
        if (has(peer, 'namespaceSelector'))
          out.line(0, `      NamespaceSelector: ${selectorText(at(peer, 'namespaceSelector'))}`);
        if (has(peer, 'podSelector'))
          out.line(0, `      PodSelector: ${selectorText(at(peer, 'podSelector'))}`);
        if (has(peer, 'ipBlock')) {
          out.line(0, `      IPBlock:`).line(0, `        CIDR: ${text(peer, 'ipBlock', 'cidr')}`);
          out.line(0, `        Except: ${list(peer, 'ipBlock', 'except').join(', ')}`);
        }
      }
      if (index < rules.length - 1) out.line(0, '    ----------');
    });
  }
  out.line(0, `  Policy Types: ${types.join(', ')}`);
}

export function describeIngress(
  out: Description,
  object: Json,
  backendText: (backend: unknown) => string,
): void {
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.pairs('Labels', strings(object, 'metadata', 'labels'));
  out.line(0, 'Namespace:', text(object, 'metadata', 'namespace'));
  out.line(
    0,
    'Address:',
    list(object, 'status', 'loadBalancer', 'ingress')
      .map((each) => text(each, 'ip') || text(each, 'hostname'))
      .join(','),
  );
  out.line(0, 'Ingress Class:', text(object, 'spec', 'ingressClassName') || '<none>');
  out.line(
    0,
    'Default backend:',
    has(object, 'spec', 'defaultBackend')
      ? backendText(at(object, 'spec', 'defaultBackend'))
      : '<default>',
  );
  const tls = list(object, 'spec', 'tls');
  if (tls.length > 0) {
    out.line(0, 'TLS:');
    for (const entry of tls)
      out.line(
        1,
        text(entry, 'secretName') === ''
          ? `SNI routes ${list(entry, 'hosts').join(',')}`
          : `${text(entry, 'secretName')} terminates ${list(entry, 'hosts').join(',')}`,
      );
  }
  out.line(0, 'Rules:').line(1, 'Host', 'Path', 'Backends').line(1, '----', '----', '--------');
  const rules = list(object, 'spec', 'rules').filter((rule) => has(rule, 'http'));
  for (const rule of rules) {
    out.line(1, text(rule, 'host') || '*', '');
    for (const path of list(rule, 'http', 'paths'))
      out.line(2, '', text(path, 'path'), backendText(at(path, 'backend')));
  }
  if (rules.length === 0)
    out.line(
      1,
      '*',
      '*',
      has(object, 'spec', 'defaultBackend')
        ? backendText(at(object, 'spec', 'defaultBackend'))
        : '<default>',
    );
  out.annotations(strings(object, 'metadata', 'annotations'));
}

export function describePriorityClass(out: Description, object: Json): void {
  out.line(0, 'Name:', text(object, 'metadata', 'name'));
  out.line(0, 'Value:', text(object, 'value'));
  out.line(0, 'GlobalDefault:', String(at(object, 'globalDefault') === true));
  out.line(0, 'PreemptionPolicy:', text(object, 'preemptionPolicy'));
  out.line(0, 'Description:', text(object, 'description'));
  const annotations = strings(object, 'metadata', 'annotations');
  out.line(0, 'Annotations:', formatLabels(annotations));
}
