import { byBytes, quoted } from '#core/base';
import { at, type JsonMap, mapsOf, textAt, textOf, textsOf } from '../../fields/index.ts';
import type { LevelVersion } from './levels.ts';
import { baselineSeccomp, restrictedSeccomp } from './seccomp.ts';
import {
  allContainers,
  type CheckResult,
  containersText,
  type PodView,
  plural,
  quoteJoin,
  settersText,
} from './pod-view.ts';

type CheckPod = (pod: PodView) => CheckResult | undefined;

interface Check {
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** From which minor on which rule holds. */
  readonly versions: readonly (readonly [number, CheckPod])[];
  /** Baseline checks this one replaces, from its first version on. */
  readonly overrides?: string;
}

const security = (container: unknown, ...path: string[]): unknown =>
  at(container, 'securityContext', ...path);

const notOnWindows =
  (check: CheckPod): CheckPod =>
  (pod) =>
    textAt(pod.spec, 'os', 'name') === 'windows' ? undefined : check(pod);

/** Pods in a user namespace of their own are held to less. */
const notInUserNamespace =
  (check: CheckPod): CheckPod =>
  (pod) =>
    pod.spec['hostUsers'] === false ? undefined : check(pod);

const namesWhere = (pod: PodView, test: (container: JsonMap) => boolean): string[] =>
  allContainers(pod)
    .filter(test)
    .map((container) => textOf(container['name']));

function allowPrivilegeEscalation(pod: PodView): CheckResult | undefined {
  const bad = namesWhere(
    pod,
    (container) => security(container, 'allowPrivilegeEscalation') !== false,
  );
  if (bad.length === 0) return undefined;
  return {
    reason: 'allowPrivilegeEscalation != false',
    detail: `${containersText(bad)} must set securityContext.allowPrivilegeEscalation=false`,
  };
}

function appArmorProfile(pod: PodView): CheckResult | undefined {
  const bad = new Set<string>();
  const setters: string[] = [];
  const isBad = (profile: unknown): boolean => {
    const type = textAt(profile, 'type');
    if (profile === undefined || type === 'RuntimeDefault' || type === 'Localhost') return false;
    bad.add(type);
    return true;
  };
  if (isBad(security(pod.spec, 'appArmorProfile'))) setters.push('pod');
  const containers = namesWhere(pod, (each) => isBad(security(each, 'appArmorProfile')));
  if (containers.length > 0) setters.push(containersText(containers));
  const annotations = Object.entries(pod.annotations)
    .filter(
      ([key, value]) =>
        key.startsWith('container.apparmor.security.beta.kubernetes.io/') &&
        value !== '' &&
        value !== 'runtime/default' &&
        !value.startsWith('localhost/'),
    )
    .map(([key, value]) => `${key}=${quoted(value)}`)
    .sort(byBytes);
  const values = [...[...bad].sort(byBytes), ...annotations];
  if (annotations.length > 0) setters.push(plural('annotation', annotations.length));
  if (setters.length === 0) return undefined;
  return {
    reason: plural('forbidden AppArmor profile', values.length),
    detail: `${setters.join(' and ')} must not set AppArmor profile type to ${quoteJoin(values)}`,
  };
}

const defaultCapabilities = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  ),
);

/** Containers that add capabilities beyond the allowed ones, and which. */
function addedCapabilities(
  pod: PodView,
  allowed: (capability: string) => boolean,
): { containers: string[]; capabilities: string[] } {
  const capabilities = new Set<string>();
  const containers = namesWhere(pod, (container) => {
    const bad = textsOf(security(container, 'capabilities', 'add')).filter((c) => !allowed(c));
    for (const capability of bad) capabilities.add(capability);
    return bad.length > 0;
  });
  return { containers, capabilities: [...capabilities].sort(byBytes) };
}

function baselineCapabilities(pod: PodView): CheckResult | undefined {
  const { containers, capabilities } = addedCapabilities(pod, (c) => defaultCapabilities.has(c));
  if (containers.length === 0) return undefined;
  return {
    reason: 'non-default capabilities',
    detail: `${containersText(containers)} must not include ${quoteJoin(capabilities)} in securityContext.capabilities.add`,
  };
}

function restrictedCapabilities(pod: PodView): CheckResult | undefined {
  const keeping = namesWhere(
    pod,
    (container) => !textsOf(security(container, 'capabilities', 'drop')).includes('ALL'),
  );
  const { containers, capabilities } = addedCapabilities(pod, (c) => c === 'NET_BIND_SERVICE');
  const details = [
    ...(keeping.length > 0
      ? [`${containersText(keeping)} must set securityContext.capabilities.drop=["ALL"]`]
      : []),
    ...(containers.length > 0
      ? [
          `${containersText(containers)} must not include ${quoteJoin(capabilities)} in securityContext.capabilities.add`,
        ]
      : []),
  ];
  if (details.length === 0) return undefined;
  return { reason: 'unrestricted capabilities', detail: details.join('; ') };
}

function hostNamespaces(pod: PodView): CheckResult | undefined {
  const used = ['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => pod.spec[field] === true);
  if (used.length === 0) return undefined;
  return {
    reason: 'host namespaces',
    detail: used.map((field) => `${field}=true`).join(', '),
  };
}

function hostPathVolumes(pod: PodView): CheckResult | undefined {
  const names = mapsOf(pod.spec['volumes'])
    .filter((volume) => volume['hostPath'] !== undefined)
    .map((volume) => textOf(volume['name']));
  if (names.length === 0) return undefined;
  return {
    reason: 'hostPath volumes',
    detail: `${plural('volume', names.length)} ${quoteJoin(names)}`,
  };
}

function hostPorts(pod: PodView): CheckResult | undefined {
  const ports = new Set<string>();
  const bad = namesWhere(pod, (container) => {
    const own = mapsOf(container['ports'])
      .map((port) => port['hostPort'])
      .filter((port): port is number => typeof port === 'number' && port !== 0);
    for (const port of own) ports.add(String(port));
    return own.length > 0;
  });
  if (bad.length === 0) return undefined;
  return {
    reason: 'hostPort',
    detail: `${containersText(bad)} ${bad.length === 1 ? 'uses' : 'use'} ${plural('hostPort', ports.size)} ${[...ports].sort(byBytes).join(', ')}`,
  };
}

function probeHosts(pod: PodView): CheckResult | undefined {
  const hosts = new Set<string>();
  const bad = namesWhere(pod, (container) => {
    const handlers = [
      container['livenessProbe'],
      container['readinessProbe'],
      container['startupProbe'],
      at(container, 'lifecycle', 'postStart'),
      at(container, 'lifecycle', 'preStop'),
    ];
    const own = handlers
      .flatMap((each) => [textAt(each, 'httpGet', 'host'), textAt(each, 'tcpSocket', 'host')])
      .filter((host) => host !== '');
    for (const host of own) hosts.add(host);
    return own.length > 0;
  }).sort(byBytes);
  if (bad.length === 0) return undefined;
  return {
    reason: 'probe or lifecycle host',
    detail: `${containersText(bad)} ${bad.length === 1 ? 'uses' : 'use'} ${plural('probe or lifecycle host', hosts.size)} ${quoteJoin([...hosts].sort(byBytes))}`,
  };
}

function privileged(pod: PodView): CheckResult | undefined {
  const bad = namesWhere(pod, (container) => security(container, 'privileged') === true);
  if (bad.length === 0) return undefined;
  return {
    reason: 'privileged',
    detail: `${containersText(bad)} must not set securityContext.privileged=true`,
  };
}

function procMount(pod: PodView): CheckResult | undefined {
  const types = new Set<string>();
  const bad = namesWhere(pod, (container) => {
    const type = textOf(security(container, 'procMount'));
    if (type === '' || type === 'Default') return false;
    types.add(type);
    return true;
  });
  if (bad.length === 0) return undefined;
  return {
    reason: 'procMount',
    detail: `${containersText(bad)} must not set securityContext.procMount to ${quoteJoin([...types].sort(byBytes))}`,
  };
}

const plainVolumes =
  'configMap csi downwardAPI emptyDir ephemeral image persistentVolumeClaim projected secret'.split(
    ' ',
  );
const otherVolumes =
  'hostPath gcePersistentDisk awsElasticBlockStore gitRepo nfs iscsi glusterfs rbd flexVolume cinder cephfs flocker fc azureFile vsphereVolume quobyte azureDisk photonPersistentDisk portworxVolume scaleIO storageos'.split(
    ' ',
  );

function restrictedVolumes(pod: PodView): CheckResult | undefined {
  const names: string[] = [];
  const types = new Set<string>();
  for (const volume of mapsOf(pod.spec['volumes'])) {
    const has = (type: string): boolean => volume[type] !== undefined && volume[type] !== null;
    // A volume that names no source is an emptyDir after defaulting.
    if (plainVolumes.some(has) || Object.keys(volume).length <= 1) continue;
    names.push(textOf(volume['name']));
    types.add(otherVolumes.find(has) ?? 'unknown');
  }
  if (names.length === 0) return undefined;
  return {
    reason: 'restricted volume types',
    detail: `${plural('volume', names.length)} ${quoteJoin(names)} ${names.length === 1 ? 'uses' : 'use'} ${plural('restricted volume type', types.size)} ${quoteJoin([...types].sort(byBytes))}`,
  };
}

function runAsNonRoot(pod: PodView): CheckResult | undefined {
  const podValue = security(pod.spec, 'runAsNonRoot');
  const explicit = namesWhere(pod, (each) => security(each, 'runAsNonRoot') === false);
  const implicit = namesWhere(
    pod,
    (each) => typeof security(each, 'runAsNonRoot') !== 'boolean' && podValue !== true,
  );
  const reason = 'runAsNonRoot != true';
  const setters = settersText(podValue === false, explicit);
  if (setters !== '')
    return { reason, detail: `${setters} must not set securityContext.runAsNonRoot=false` };
  if (implicit.length === 0) return undefined;
  return {
    reason,
    detail: `pod or ${containersText(implicit)} must set securityContext.runAsNonRoot=true`,
  };
}

function runAsUser(pod: PodView): CheckResult | undefined {
  const setters = settersText(
    security(pod.spec, 'runAsUser') === 0,
    namesWhere(pod, (container) => security(container, 'runAsUser') === 0),
  );
  if (setters === '') return undefined;
  return { reason: 'runAsUser=0', detail: `${setters} must not set runAsUser=0` };
}

const seLinuxOptions =
  (allowed: readonly string[]): CheckPod =>
  (pod) => {
    const types = new Set<string>();
    let user = false;
    let role = false;
    const isBad = (options: unknown): boolean => {
      if (options === undefined || options === null) return false;
      const type = textAt(options, 'type');
      const badType = !allowed.includes(type);
      if (badType) types.add(type);
      const setsUser = textAt(options, 'user') !== '';
      const setsRole = textAt(options, 'role') !== '';
      user ||= setsUser;
      role ||= setsRole;
      return badType || setsUser || setsRole;
    };
    const setters = settersText(
      isBad(security(pod.spec, 'seLinuxOptions')),
      namesWhere(pod, (each) => isBad(security(each, 'seLinuxOptions'))),
    );
    if (setters === '') return undefined;
    const data = [
      ...(types.size > 0
        ? [`${plural('type', types.size)} ${quoteJoin([...types].sort(byBytes))}`]
        : []),
      ...(user ? ['user may not be set'] : []),
      ...(role ? ['role may not be set'] : []),
    ];
    return {
      reason: 'seLinuxOptions',
      detail: `${setters} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}`,
    };
  };

const sysctls =
  (allowed: readonly string[]): CheckPod =>
  (pod) => {
    const bad = mapsOf(security(pod.spec, 'sysctls'))
      .map((sysctl) => textOf(sysctl['name']))
      .filter((name) => !allowed.includes(name));
    return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
  };

function windowsHostProcess(pod: PodView): CheckResult | undefined {
  const isBad = (value: unknown): boolean =>
    security(value, 'windowsOptions', 'hostProcess') === true;
  const setters = settersText(isBad(pod.spec), namesWhere(pod, isBad));
  if (setters === '') return undefined;
  return {
    reason: 'hostProcess',
    detail: `${setters} must not set securityContext.windowsOptions.hostProcess=true`,
  };
}

const sysctls0 = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
];
const sysctls27 = [...sysctls0, 'net.ipv4.ip_local_reserved_ports'];
const sysctls29 = [
  ...sysctls27,
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
];
const sysctls32 = [...sysctls29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'];
const seLinuxTypes = ['', 'container_t', 'container_init_t', 'container_kvm_t'];

/** In upstream's order of evaluation: baseline before restricted, each by id. */
const checks: readonly Check[] = [
  { id: 'appArmorProfile', level: 'baseline', versions: [[0, appArmorProfile]] },
  { id: 'capabilities_baseline', level: 'baseline', versions: [[0, baselineCapabilities]] },
  { id: 'hostNamespaces', level: 'baseline', versions: [[0, hostNamespaces]] },
  { id: 'hostPathVolumes', level: 'baseline', versions: [[0, hostPathVolumes]] },
  { id: 'hostPorts', level: 'baseline', versions: [[0, hostPorts]] },
  { id: 'hostProbesAndHostLifecycle', level: 'baseline', versions: [[34, probeHosts]] },
  { id: 'privileged', level: 'baseline', versions: [[0, privileged]] },
  {
    id: 'procMount',
    level: 'baseline',
    versions: [
      [0, procMount],
      [35, notInUserNamespace(procMount)],
    ],
  },
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    versions: [
      [0, seLinuxOptions(seLinuxTypes)],
      [31, seLinuxOptions([...seLinuxTypes, 'container_engine_t'])],
    ],
  },
  { id: 'seccompProfile_baseline', level: 'baseline', versions: baselineSeccomp },
  {
    id: 'sysctls',
    level: 'baseline',
    versions: [
      [0, sysctls(sysctls0)],
      [27, sysctls(sysctls27)],
      [29, sysctls(sysctls29)],
      [32, sysctls(sysctls32)],
    ],
  },
  { id: 'windowsHostProcess', level: 'baseline', versions: [[0, windowsHostProcess]] },
  {
    id: 'allowPrivilegeEscalation',
    level: 'restricted',
    versions: [
      [8, allowPrivilegeEscalation],
      [25, notOnWindows(allowPrivilegeEscalation)],
    ],
  },
  {
    id: 'capabilities_restricted',
    level: 'restricted',
    versions: [
      [22, restrictedCapabilities],
      [25, notOnWindows(restrictedCapabilities)],
    ],
    overrides: 'capabilities_baseline',
  },
  {
    id: 'procMount_restricted',
    level: 'restricted',
    versions: [[35, procMount]],
    overrides: 'procMount',
  },
  {
    id: 'restrictedVolumes',
    level: 'restricted',
    versions: [[0, restrictedVolumes]],
    overrides: 'hostPathVolumes',
  },
  {
    id: 'runAsNonRoot',
    level: 'restricted',
    versions: [
      [0, runAsNonRoot],
      [35, notInUserNamespace(runAsNonRoot)],
    ],
  },
  {
    id: 'runAsUser',
    level: 'restricted',
    versions: [
      [23, runAsUser],
      [35, notInUserNamespace(runAsUser)],
    ],
  },
  {
    id: 'seccompProfile_restricted',
    level: 'restricted',
    versions: restrictedSeccomp(notOnWindows),
    overrides: 'seccompProfile_baseline',
  },
];

/** The violations of a level, in upstream's order. @see policy/registry.go, EvaluatePod */
export function evaluatePod({ level, minor }: LevelVersion, pod: PodView): CheckResult[] {
  if (level === 'privileged') return [];
  const rules = new Map<string, CheckPod>();
  const overridden = new Set<string>();
  for (const check of checks) {
    if (level === 'baseline' && check.level === 'restricted') continue;
    const rule = check.versions.findLast(([from]) => from <= minor)?.[1];
    if (!rule) continue;
    rules.set(check.id, rule);
    if (check.overrides !== undefined) overridden.add(check.overrides);
  }
  return [...rules].filter(([id]) => !overridden.has(id)).flatMap(([, rule]) => rule(pod) ?? []);
}
