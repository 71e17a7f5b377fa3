import { type FieldErrors, Printed } from '../../validation/field.ts';
import { dnsLabel } from '../../validation/meta.ts';
import {
  isConfigMapKey,
  isDns1123Subdomain,
  isEnvVarName,
  isId,
  isPortName,
  isPortNumber,
} from '../../validation/names.ts';
import { validateRequirements } from '../../validation/resources.ts';
import { internalJson } from './internal-print.ts';
import {
  podClaimNames,
  type Container,
  type ContainerPort,
  type EnvVar,
  type KeySelector,
  type PodSpec,
  type SeccompProfile,
  type SecurityContext,
  type Volume,
} from './pod-types.ts';
import { validateWindowsOptions } from './pod-os.ts';
import { validateLifecycleAndProbes } from './pod-probes.ts';
import { noBacksteps } from './volume-sources.ts';
import {
  envFieldPaths,
  localDescendingPath,
  validateFieldRef,
  validateResourceFieldRef,
} from './pod-volumes.ts';

const protocols = ['SCTP', 'TCP', 'UDP'];
const pullPolicies = ['Always', 'IfNotPresent', 'Never'];

function validatePorts(errors: FieldErrors, path: string, ports: readonly ContainerPort[]): void {
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const at = `${path}[${index}]`;
    if (port.name) {
      const messages = isPortName(port.name);
      errors.invalidEach(`${at}.name`, port.name, messages);
      if (messages.length === 0) {
        if (names.has(port.name)) errors.duplicate(`${at}.name`, port.name);
        names.add(port.name);
      }
    }
    if (!port.containerPort) errors.required(`${at}.containerPort`);
    else
      errors.invalidEach(
        `${at}.containerPort`,
        port.containerPort,
        isPortNumber(port.containerPort),
      );
    if (port.hostPort)
      errors.invalidEach(`${at}.hostPort`, port.hostPort, isPortNumber(port.hostPort));
    if (!port.protocol) errors.required(`${at}.protocol`);
    else if (!protocols.includes(port.protocol)) {
      errors.notSupported(`${at}.protocol`, port.protocol, protocols);
    }
  });
}

function validateKeySelector(errors: FieldErrors, path: string, selector: KeySelector): void {
  const name = selector.name ?? '';
  errors.invalidEach(`${path}.name`, name, isDns1123Subdomain(name));
  if (!selector.key) errors.required(`${path}.key`);
  else errors.invalidEach(`${path}.key`, selector.key, isConfigMapKey(selector.key));
}

function validateValueFrom(errors: FieldErrors, path: string, variable: EnvVar): void {
  const from = variable.valueFrom;
  if (!from) return;
  if (from.fieldRef) validateFieldRef(errors, `${path}.fieldRef`, from.fieldRef, envFieldPaths);
  if (from.resourceFieldRef) {
    validateResourceFieldRef(errors, `${path}.resourceFieldRef`, from.resourceFieldRef, false);
  }
  if (from.configMapKeyRef) {
    validateKeySelector(errors, `${path}.configMapKeyRef`, from.configMapKeyRef);
  }
  if (from.secretKeyRef) validateKeySelector(errors, `${path}.secretKeyRef`, from.secretKeyRef);
  const file = from.fileKeyRef;
  if (file) {
    const at = `${path}.fileKeyRef`;
    if (!file.key) errors.required(`${at}.key`);
    else errors.invalidEach(`${at}.key`, file.key, isEnvVarName(file.key));
    if (!file.volumeName) errors.required(`${at}.volumeName`);
    else dnsLabel(errors, `${at}.volumeName`, file.volumeName);
    if (!file.path) errors.required(`${at}.path`);
    else noBacksteps(errors, `${at}.path`, file.path);
  }
  const count = Object.values(from).filter((source) => source !== undefined).length;
  if (count === 0) {
    errors.invalid(
      path,
      '',
      'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
    );
  } else if (variable.value) {
    errors.invalid(path, '', 'may not be specified when `value` is not empty');
  } else if (count > 1) {
    errors.invalid(path, '', 'may not have more than one field specified at a time');
  }
}

function validateEnv(errors: FieldErrors, path: string, container: Container): void {
  container.env?.forEach((variable, index) => {
    const at = `${path}.env[${index}]`;
    if (!variable.name) errors.required(`${at}.name`);
    else errors.invalidEach(`${at}.name`, variable.name, isEnvVarName(variable.name));
    validateValueFrom(errors, `${at}.valueFrom`, variable);
  });
  container.envFrom?.forEach((source, index) => {
    const at = `${path}.envFrom[${index}]`;
    if (source.prefix)
      errors.invalidEach(`${at}.prefix`, source.prefix, isEnvVarName(source.prefix));
    for (const kind of ['configMapRef', 'secretRef'] as const) {
      const ref = source[kind];
      if (!ref) continue;
      if (!ref.name) errors.required(`${at}.${kind}.name`);
      else errors.invalidEach(`${at}.${kind}.name`, ref.name, isDns1123Subdomain(ref.name));
    }
    if (!source.configMapRef && !source.secretRef) {
      errors.invalid(`${path}.envFrom`, '', 'must specify one of: `configMapRef` or `secretRef`');
    } else if (source.configMapRef && source.secretRef) {
      errors.invalid(`${path}.envFrom`, '', 'may not have more than one field specified at a time');
    }
  });
}

function validateMounts(
  errors: FieldErrors,
  path: string,
  container: Container,
  volumes: ReadonlyMap<string, Volume>,
): void {
  const list = `${path}.volumeMounts`;
  const devices = container.volumeDevices ?? [];
  const mounts = container.volumeMounts ?? [];
  const points = new Set<string>();
  mounts.forEach((mount, index) => {
    const at = `${list}[${index}]`;
    const name = mount.name ?? '';
    const point = mount.mountPath ?? '';
    if (name === '') errors.required(`${at}.name`);
    if (!volumes.has(name)) errors.notFound(`${at}.name`, name);
    if (point === '') errors.required(`${at}.mountPath`);
    if (points.has(point)) errors.invalid(`${at}.mountPath`, point, 'must be unique');
    points.add(point);
    if (devices.some((device) => device.name === name)) {
      errors.invalid(`${at}.name`, name, 'must not already exist in volumeDevices');
    }
    if (devices.some((device) => device.devicePath === point)) {
      errors.invalid(`${at}.mountPath`, point, 'must not already exist as a path in volumeDevices');
    }
    if (mount.subPath) localDescendingPath(errors, `${list}.subPath`, mount.subPath);
    if (mount.subPathExpr) {
      if (mount.subPath) {
        errors.invalid(
          `${at}.subPathExpr`,
          mount.subPathExpr,
          'subPathExpr and subPath are mutually exclusive',
        );
      }
      localDescendingPath(errors, `${list}.subPathExpr`, mount.subPathExpr);
    }
    const { mountPropagation, recursiveReadOnly } = mount;
    const propagations = ['Bidirectional', 'HostToContainer', 'None'];
    if (mountPropagation !== undefined) {
      if (!propagations.includes(mountPropagation)) {
        errors.notSupported(`${list}.mountPropagation`, mountPropagation, propagations);
      }
      if (mountPropagation === 'Bidirectional' && !container.securityContext?.privileged) {
        errors.forbidden(
          `${list}.mountPropagation`,
          'Bidirectional mount propagation is available only to privileged containers',
        );
      }
    }
    if (recursiveReadOnly === 'Enabled' || recursiveReadOnly === 'IfPossible') {
      if (!mount.readOnly) {
        errors.forbidden(
          `${list}.recursiveReadOnly`,
          'may only be specified when readOnly is true',
        );
      }
      if (mountPropagation !== undefined && mountPropagation !== 'None') {
        errors.forbidden(
          `${list}.recursiveReadOnly`,
          'may only be specified when mountPropagation is None or not specified',
        );
      }
    } else if (recursiveReadOnly !== undefined && recursiveReadOnly !== 'Disabled') {
      errors.notSupported(`${list}.recursiveReadOnly`, recursiveReadOnly, [
        'Disabled',
        'Enabled',
        'IfPossible',
      ]);
    }
  });
}

function validateDevices(
  errors: FieldErrors,
  path: string,
  container: Container,
  volumes: ReadonlyMap<string, Volume>,
): void {
  const mounts = container.volumeMounts ?? [];
  const names = new Set<string>();
  const paths = new Set<string>();
  container.volumeDevices?.forEach((device, index) => {
    const at = `${path}.volumeDevices[${index}]`;
    const name = device.name ?? '';
    const point = device.devicePath ?? '';
    const volume = volumes.get(name);
    if (name === '') errors.required(`${at}.name`);
    if (names.has(name)) errors.invalid(`${at}.name`, name, 'must be unique');
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) {
      errors.invalid(
        `${at}.name`,
        name,
        'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
      );
    }
    if (!volume) errors.notFound(`${at}.name`, name);
    if (point === '') errors.required(`${at}.devicePath`);
    if (paths.has(point)) errors.invalid(`${at}.devicePath`, point, 'must be unique');
    if (point.split('/').includes('..')) {
      errors.invalid(`${at}.devicePath`, point, "can not contain backsteps ('..')");
    } else paths.add(point);
    if (mounts.some((mount) => mount.name === name)) {
      errors.invalid(`${at}.name`, name, 'must not already exist in volumeMounts');
    }
    if (mounts.some((mount) => mount.mountPath === point)) {
      errors.invalid(`${at}.devicePath`, point, 'must not already exist as a path in volumeMounts');
    }
    if (name !== '') names.add(name);
  });
}

export function validateSeccompProfile(
  errors: FieldErrors,
  path: string,
  profile: SeccompProfile | undefined,
): void {
  if (!profile) return;
  const types = ['Localhost', 'RuntimeDefault', 'Unconfined'];
  if (!profile.type) errors.required(`${path}.type`, 'type is required when seccompProfile is set');
  else if (!types.includes(profile.type)) errors.notSupported(`${path}.type`, profile.type, types);
  if (profile.type === 'Localhost') {
    if (profile.localhostProfile === undefined) {
      errors.required(`${path}.localhostProfile`, 'must be set when seccomp type is Localhost');
    } else localDescendingPath(errors, `${path}.localhostProfile`, profile.localhostProfile);
  } else if (profile.localhostProfile !== undefined) {
    errors.invalid(
      `${path}.localhostProfile`,
      new Printed(internalJson('SeccompProfile', profile)),
      'can only be set when seccomp type is Localhost',
    );
  }
}

export function validateAppArmorProfile(
  errors: FieldErrors,
  path: string,
  profile: SeccompProfile | undefined,
): void {
  if (!profile) return;
  const where = `${path}.localhostProfile`;
  const { type = '', localhostProfile } = profile;
  if (type === 'Localhost') {
    if (localhostProfile === undefined) {
      errors.required(where, 'must be set when AppArmor type is Localhost');
    } else if (localhostProfile.trim() !== localhostProfile) {
      errors.invalid(where, localhostProfile, 'must not be padded with whitespace');
    } else if (localhostProfile === '') {
      errors.required(where, 'must be set when AppArmor type is Localhost');
    }
  } else if (type === 'RuntimeDefault' || type === 'Unconfined') {
    if (localhostProfile !== undefined) {
      errors.invalid(where, localhostProfile, 'can only be set when AppArmor type is Localhost');
    }
  } else if (type === '')
    errors.required(`${path}.type`, 'type is required when appArmorProfile is set');
  else errors.notSupported(`${path}.type`, type, ['Localhost', 'RuntimeDefault', 'Unconfined']);
}

const printContext = (context: SecurityContext): Printed =>
  new Printed(internalJson('SecurityContext', context));

function validateSecurityContext(
  errors: FieldErrors,
  path: string,
  context: SecurityContext | undefined,
  hostUsers: boolean,
): void {
  if (!context) return;
  const { runAsUser, runAsGroup, procMount } = context;
  if (runAsUser !== undefined) errors.invalidEach(`${path}.runAsUser`, runAsUser, isId(runAsUser));
  if (runAsGroup !== undefined) {
    errors.invalidEach(`${path}.runAsGroup`, runAsGroup, isId(runAsGroup));
  }
  if (procMount !== undefined) {
    if (procMount !== 'Default' && procMount !== 'Unmasked') {
      errors.notSupported(`${path}.procMount`, procMount, ['Default', 'Unmasked']);
    }
    if (hostUsers && procMount === 'Unmasked') {
      errors.invalid(`${path}.procMount`, procMount, '`hostUsers` must be false to use `Unmasked`');
    }
  }
  validateSeccompProfile(errors, `${path}.seccompProfile`, context.seccompProfile);
  if (context.allowPrivilegeEscalation === false) {
    if (context.privileged) {
      errors.invalid(
        path,
        printContext(context),
        'cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      );
    }
    if (context.capabilities?.add?.includes('CAP_SYS_ADMIN')) {
      errors.invalid(
        path,
        printContext(context),
        'cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
      );
    }
  }
  validateWindowsOptions(errors, `${path}.windowsOptions`, context.windowsOptions);
  validateAppArmorProfile(errors, `${path}.appArmorProfile`, context.appArmorProfile);
}

function validateResizePolicy(
  errors: FieldErrors,
  path: string,
  container: Container,
  restartPolicy: string | undefined,
): void {
  const seen = new Set<string>();
  container.resizePolicy?.forEach(({ resourceName = '', restartPolicy: action = '' }, index) => {
    if (seen.has(resourceName)) errors.duplicate(`${path}[${index}]`, resourceName);
    seen.add(resourceName);
    if (resourceName === '') errors.required(path);
    else if (resourceName !== 'cpu' && resourceName !== 'memory') {
      errors.notSupported(path, resourceName, ['cpu', 'memory']);
    }
    if (action === '') errors.required(path);
    else if (action !== 'NotRequired' && action !== 'RestartContainer') {
      errors.notSupported(path, action, ['NotRequired', 'RestartContainer']);
    }
    if (restartPolicy === 'Never' && action !== 'NotRequired') {
      errors.invalid(path, action, "must be 'NotRequired' when pod `restartPolicy` is 'Never'");
    }
  });
}

function validateRestartPolicy(errors: FieldErrors, path: string, container: Container): void {
  const { restartPolicy, restartPolicyRules: rules = [] } = container;
  const policies = ['Always', 'Never', 'OnFailure'];
  if (restartPolicy === undefined) {
    if (rules.length === 0) return;
    errors.required(
      `${path}.restartPolicy`,
      'must specify restartPolicy when restart rules are used',
    );
  } else if (!policies.includes(restartPolicy)) {
    errors.notSupported(`${path}.restartPolicy`, restartPolicy, policies);
  }
  if (rules.length > 20) errors.tooMany(`${path}.restartPolicyRules`, rules.length, 20);
  rules.forEach(({ action = '', exitCodes }, index) => {
    const at = `${path}.restartPolicyRules[${index}]`;
    const actions = ['Restart', 'RestartAllContainers'];
    if (!actions.includes(action)) errors.notSupported(`${at}.action`, action, actions);
    if (!exitCodes) errors.required(`${at}.exitCodes`, 'must be specified');
    else {
      const { operator = '', values = [] } = exitCodes;
      if (operator !== 'In' && operator !== 'NotIn') {
        errors.notSupported(`${at}.exitCodes.operator`, operator, ['In', 'NotIn']);
      }
      if (values.length > 255) errors.tooMany(`${at}.exitCodes.values`, values.length, 255);
    }
  });
}

interface Surroundings {
  readonly spec: PodSpec;
  readonly volumes: ReadonlyMap<string, Volume>;
}

function validateCommon(
  errors: FieldErrors,
  path: string,
  container: Container,
  { spec, volumes }: Surroundings,
): void {
  if (!container.name) errors.required(`${path}.name`);
  else dnsLabel(errors, `${path}.name`, container.name);
  if (!container.image) errors.required(`${path}.image`);
  const policy = container.terminationMessagePolicy ?? '';
  if (policy === '') errors.required(`${path}.terminationMessagePolicy`);
  else if (policy !== 'File' && policy !== 'FallbackToLogsOnError') {
    errors.notSupported(`${path}.terminationMessagePolicy`, policy, [
      'File',
      'FallbackToLogsOnError',
    ]);
  }
  validatePorts(errors, `${path}.ports`, container.ports ?? []);
  validateEnv(errors, path, container);
  validateMounts(errors, path, container, volumes);
  validateDevices(errors, path, container, volumes);
  const pull = container.imagePullPolicy ?? '';
  if (pull === '') errors.required(`${path}.imagePullPolicy`);
  else if (!pullPolicies.includes(pull)) {
    errors.notSupported(`${path}.imagePullPolicy`, pull, pullPolicies);
  }
  validateRequirements(
    errors,
    `${path}.resources`,
    container.resources ?? {},
    'container',
    podClaimNames(spec),
  );
  validateResizePolicy(errors, `${path}.resizePolicy`, container, spec.restartPolicy);
  validateSecurityContext(
    errors,
    `${path}.securityContext`,
    container.securityContext,
    spec.hostUsers !== false,
  );
}

function hostPortConflicts(
  errors: FieldErrors,
  path: string,
  containers: readonly Container[],
): void {
  const taken = new Set<string>();
  containers.forEach((container, index) => {
    container.ports?.forEach((port, i) => {
      if (!port.hostPort) return;
      const key = `${port.protocol ?? ''}/${port.hostIP ?? ''}/${port.hostPort}`;
      if (taken.has(key)) errors.duplicate(`${path}[${index}].ports[${i}].hostPort`, key);
      taken.add(key);
    });
  });
}

const initOnly = 'may not be set for init containers without restartPolicy=Always';

function validateInitContainers(errors: FieldErrors, path: string, around: Surroundings): void {
  const { spec } = around;
  const names = new Set((spec.containers ?? []).map(({ name }) => name));
  spec.initContainers?.forEach((container, index) => {
    const at = `${path}[${index}]`;
    validateCommon(errors, at, container, around);
    validateRestartPolicy(errors, at, container);
    const sidecar = container.restartPolicy === 'Always';
    if (names.has(container.name)) errors.duplicate(`${at}.name`, container.name ?? '');
    else if (container.name) names.add(container.name);
    hostPortConflicts(errors, path, [container]);
    if (sidecar) validateLifecycleAndProbes(errors, at, container, spec);
    else {
      for (const field of [
        'lifecycle',
        'livenessProbe',
        'readinessProbe',
        'startupProbe',
      ] as const) {
        if (container[field]) errors.forbidden(`${at}.${field}`, initOnly);
      }
      container.resizePolicy?.forEach(({ restartPolicy }, i) => {
        if (restartPolicy === 'RestartContainer') {
          errors.invalid(
            `${at}.resizePolicy[${i}].restartPolicy`,
            restartPolicy,
            "must not be set to 'RestartContainer' for non-sidecar initContainers",
          );
        }
      });
    }
  });
}

const ephemeralRefused = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

function validateEphemeral(errors: FieldErrors, path: string, around: Surroundings): void {
  const { spec } = around;
  const others = new Set(
    [...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name }) => name),
  );
  const names = new Set(others);
  spec.ephemeralContainers?.forEach((container, index) => {
    const at = `${path}[${index}]`;
    const refusal = 'cannot be set for an Ephemeral Container';
    validateCommon(errors, at, container, around);
    validateImageSpaces(errors, at, container);
    if (names.has(container.name)) errors.duplicate(`${at}.name`, container.name ?? '');
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.has(target)) errors.notFound(`${at}.targetContainerName`, target);
    for (const field of ephemeralRefused) {
      const value = container[field];
      if (value !== undefined && (field !== 'resources' || Object.keys(value).length > 0)) {
        errors.forbidden(`${at}.${field}`, refusal);
      }
    }
    container.volumeMounts?.forEach(({ subPath, subPathExpr }, i) => {
      if (subPath) errors.forbidden(`${at}.volumeMounts[${i}].subPath`, refusal);
      if (subPathExpr) errors.forbidden(`${at}.volumeMounts[${i}].subPathExpr`, refusal);
    });
  });
}

/** Only pods refuse blanks around an image; templates that have them stay as they are. */
export function validateImageSpaces(errors: FieldErrors, path: string, container: Container): void {
  const image = container.image ?? '';
  if (image.trim() !== image) {
    errors.invalid(`${path}.image`, image, 'must not have leading or trailing whitespace');
  }
}

/** @see pkg/apis/core/validation/validation.go, validateContainers and its neighbours */
export function validateContainers(
  errors: FieldErrors,
  path: string,
  spec: PodSpec,
  volumes: ReadonlyMap<string, Volume>,
): void {
  const around = { spec, volumes };
  const list = `${path}.containers`;
  const names = new Set<string>();
  if ((spec.containers ?? []).length === 0) errors.required(list);
  spec.containers?.forEach((container, index) => {
    const at = `${list}[${index}]`;
    const name = container.name ?? '';
    validateCommon(errors, at, container, around);
    if (names.has(name)) errors.duplicate(`${at}.name`, name);
    names.add(name);
    validateLifecycleAndProbes(errors, at, container, spec);
    validateRestartPolicy(errors, at, container);
  });
  hostPortConflicts(errors, list, spec.containers ?? []);
  validateInitContainers(errors, `${path}.initContainers`, around);
  validateEphemeral(errors, `${path}.ephemeralContainers`, around);
}
