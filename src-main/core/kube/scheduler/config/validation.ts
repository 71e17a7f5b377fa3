import { formatDuration, parseDuration, qualifiedNameErrors } from '../../machinery/index.ts';
import type { ExtenderDocument, ProfileDocument, SchedulerDocument } from './document.ts';

const invalid = (path: string, value: unknown, why: string): string =>
  `${path}: Invalid value: ${JSON.stringify(value)}: ${why}`;
const required = (path: string, why = ''): string =>
  `${path}: Required value${why === '' ? '' : `: ${why}`}`;
const unsupported = (path: string, value: string, values: readonly string[]): string =>
  `${path}: Unsupported value: ${JSON.stringify(value)}: supported values: ${values.map((each) => `"${each}"`).join(', ')}`;

/** Plugins that were once there. */
const removedPlugins = ['AzureDiskLimits', 'CinderLimits', 'EBSLimits', 'GCEPDLimits'];
const removed = (path: string, name: string): string =>
  invalid(
    path,
    name,
    'was invalid in version "v1" (KubeSchedulerConfiguration is version "kubescheduler.config.k8s.io/v1")',
  );

/**
 * What is wrong with a configuration, in upstream's words and order.
 * @see pkg/scheduler/apis/config/validation/validation.go
 */
export function validateConfiguration(source: SchedulerDocument): string[] {
  const errors: string[] = [];
  const { parallelism = 16 } = source;
  checkLeaderElection(source.leaderElection, errors);
  if (parallelism <= 0)
    errors.push(
      invalid('parallelism', parallelism, 'should be an integer value greater than zero'),
    );
  const profiles = source.profiles ?? [];
  const names = new Set<string>();
  for (const [index, profile] of profiles.entries()) {
    const path = `profiles[${index}]`;
    const name = profile.schedulerName ?? (profiles.length === 1 ? 'default-scheduler' : '');
    if (name === '') errors.push(required(`${path}.schedulerName`));
    checkPercentage(`${path}.percentageOfNodesToScore`, profile.percentageOfNodesToScore, errors);
    for (const [point, set] of Object.entries(profile.plugins ?? {}))
      if (point !== 'multiPoint')
        for (const [at, plugin] of (set.enabled ?? []).entries())
          if (removedPlugins.includes(plugin.name ?? ''))
            errors.push(removed(`${path}.plugins.${point}.enabled[${at}]`, plugin.name ?? ''));
    const configured = new Set<string>();
    for (const [at, { name: plugin = '', args }] of (profile.pluginConfig ?? []).entries()) {
      const where = `${path}.pluginConfig[${at}]`;
      if (configured.has(plugin)) errors.push(`${where}: Duplicate value: "${plugin}"`);
      configured.add(plugin);
      if (removedPlugins.includes(plugin)) errors.push(removed(where, plugin));
      else argsChecks[plugin]?.(`${where}.args`, (args ?? {}) as never, errors);
    }
    // Upstream puts a path where the value belongs, and a path prints as an empty object.
    if (names.has(name)) errors.push(`${path}.schedulerName: Duplicate value: {}`);
    names.add(name);
  }
  checkQueueSorts(profiles, errors);
  checkPercentage('percentageOfNodesToScore', source.percentageOfNodesToScore, errors);
  const { podInitialBackoffSeconds: initial = 1, podMaxBackoffSeconds: max = 10 } = source;
  if (initial <= 0)
    errors.push(invalid('podInitialBackoffSeconds', initial, 'must be greater than 0'));
  if (max < initial)
    errors.push(
      invalid(
        'podMaxBackoffSeconds',
        max,
        'must be greater than or equal to PodInitialBackoffSeconds',
      ),
    );
  checkExtenders(source.extenders ?? [], errors);
  return errors;
}

/** @see k8s.io/component-base/config/validation/validation.go, ValidateLeaderElectionConfiguration */
function checkLeaderElection(
  election: SchedulerDocument['leaderElection'],
  errors: string[],
): void {
  if (election?.leaderElect === false) return;
  const path = 'leaderElection';
  const defaults = { leaseDuration: '15s', renewDeadline: '10s', retryPeriod: '2s' } as const;
  const msOf = (name: keyof typeof defaults): number =>
    // Zero stands for the default.
    parseDuration(election?.[name] ?? '') || (parseDuration(defaults[name]) ?? 0);
  for (const name of ['leaseDuration', 'renewDeadline', 'retryPeriod'] as const)
    if (msOf(name) < 0)
      errors.push(
        invalid(`${path}.${name}`, formatDuration(msOf(name)), 'must be greater than zero'),
      );
  const renewMs = msOf('renewDeadline');
  if (msOf('leaseDuration') <= renewMs)
    // Upstream names the deadline where the value belongs.
    errors.push(
      invalid(
        `${path}.leaseDuration`,
        formatDuration(renewMs),
        'must be greater than `RenewDeadline`',
      ),
    );
  const lock = election?.resourceLock;
  if (lock && lock !== 'leases')
    errors.push(invalid(`${path}.resourceLock`, lock, 'resourceLock value must be "leases"'));
}

/** All profiles take from one queue. */
function checkQueueSorts(profiles: readonly ProfileDocument[], errors: string[]): void {
  const textOf = ({ plugins }: ProfileDocument): string => {
    const { enabled, disabled } = plugins?.queueSort ?? {};
    const list = (items: readonly { name?: string; weight?: number }[] | undefined): unknown =>
      items?.map(({ name = '', weight = 0 }) => ({ Name: name, Weight: weight })) ?? null;
    return JSON.stringify({ Enabled: list(enabled), Disabled: list(disabled) });
  };
  const [first] = profiles;
  const canon = first ? textOf(first) : '';
  const enabled = first?.plugins?.queueSort?.enabled?.length ?? 0;
  if (enabled > 1)
    errors.push(
      invalid(
        'profiles[0].plugins.queueSort.Enabled',
        enabled,
        'only one queue sort plugin can be enabled',
      ),
    );
  for (const [index, profile] of profiles.entries())
    if (textOf(profile) !== canon)
      errors.push(
        `profiles[${index}].plugins.queueSort: Invalid value: ${textOf(profile)}: must be the same for all profiles`,
      );
}

function checkExtenders(extenders: readonly ExtenderDocument[], errors: string[]): void {
  for (const [index, { prioritizeVerb, weight = 0 }] of extenders.entries())
    if (prioritizeVerb && weight <= 0)
      errors.push(
        invalid(`extenders[${index}].weight`, weight, 'must have a positive weight applied to it'),
      );
  const binders = extenders.filter(({ bindVerb }) => bindVerb).length;
  if (binders > 1)
    errors.push(
      invalid(
        'extenders',
        `found ${binders} extenders implementing bind`,
        'only one extender can implement bind',
      ),
    );
}

function checkPercentage(path: string, value: number | undefined, errors: string[]): void {
  if (value !== undefined && (value < 0 || value > 100))
    errors.push(invalid(path, value, 'not in valid range [0-100]'));
}

interface Constraint {
  readonly maxSkew?: number;
  readonly topologyKey?: string;
  readonly whenUnsatisfiable?: string;
  readonly labelSelector?: object;
}

interface VolumeBindingDocument {
  readonly bindTimeoutSeconds?: number;
  readonly shape?: readonly { readonly utilization?: number; readonly score?: number }[];
}

interface Term {
  readonly matchExpressions?: readonly { readonly operator?: string }[];
}
interface AddedAffinity {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: {
    readonly nodeSelectorTerms?: readonly Term[];
  };
  readonly preferredDuringSchedulingIgnoredDuringExecution?: readonly {
    readonly weight?: number;
    readonly preference?: Term;
  }[];
}

const operators = ['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt'];

function checkTerm(path: string, { matchExpressions = [] }: Term, errors: string[]): void {
  for (const [index, { operator = '' }] of matchExpressions.entries())
    if (!operators.includes(operator))
      errors.push(unsupported(`${path}.matchExpressions[${index}].operator`, operator, operators));
}

type Check = (path: string, args: never, errors: string[]) => void;

const argsChecks: Readonly<Record<string, Check>> = {
  DefaultPreemption: (
    path,
    args: { minCandidateNodesPercentage?: number; minCandidateNodesAbsolute?: number },
    errors,
  ) => {
    const percentage = args.minCandidateNodesPercentage ?? 10;
    const absolute = args.minCandidateNodesAbsolute ?? 100;
    const percentagePath = `${path}.minCandidateNodesPercentage`;
    const absolutePath = `${path}.minCandidateNodesAbsolute`;
    if (percentage < 0 || percentage > 100)
      errors.push(invalid(percentagePath, percentage, 'not in valid range [0, 100]'));
    if (absolute < 0) errors.push(invalid(absolutePath, absolute, 'not in valid range [0, inf)'));
    if (percentage === 0 && absolute === 0)
      errors.push(
        invalid(percentagePath, 0, 'cannot be zero at the same time as minCandidateNodesAbsolute'),
        invalid(absolutePath, 0, 'cannot be zero at the same time as minCandidateNodesPercentage'),
      );
  },
  DynamicResources: (
    path,
    { filterTimeout, bindingTimeout }: { filterTimeout?: string; bindingTimeout?: string },
    errors,
  ) => {
    const filterMs = parseDuration(filterTimeout ?? '') ?? 0;
    if (filterMs < 0)
      errors.push(
        invalid(`${path}.filterTimeout`, formatDuration(filterMs), 'must be zero or positive'),
      );
    const bindingMs = bindingTimeout === undefined ? undefined : parseDuration(bindingTimeout);
    if (bindingMs !== undefined && bindingMs < 1000)
      errors.push(
        invalid(`${path}.bindingTimeout`, formatDuration(bindingMs), 'must be at least 1 second'),
      );
  },
  NodeAffinity: (path, { addedAffinity }: { addedAffinity?: AddedAffinity }, errors) => {
    const required = 'requiredDuringSchedulingIgnoredDuringExecution';
    const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
    const terms = addedAffinity?.[required]?.nodeSelectorTerms ?? [];
    for (const [index, term] of terms.entries())
      checkTerm(`${path}.addedAffinity.${required}.nodeSelectorTerms[${index}]`, term, errors);
    for (const [index, { weight, preference }] of (addedAffinity?.[preferred] ?? []).entries())
      if (weight && preference)
        checkTerm(`${path}.addedAffinity.${preferred}[${index}]`, preference, errors);
  },
  InterPodAffinity: (
    path,
    { hardPodAffinityWeight: weight = 1 }: { hardPodAffinityWeight?: number },
    errors,
  ) => {
    if (weight < 0 || weight > 100)
      errors.push(invalid(`${path}.hardPodAffinityWeight`, weight, 'not in valid range [0, 100]'));
  },
  NodeResourcesBalancedAllocation: (
    path,
    { resources = [] }: { resources?: readonly { name?: string; weight?: number }[] },
    errors,
  ) => {
    const seen = new Set<string>();
    for (const [index, { name = '', weight }] of resources.entries()) {
      const where = `${path}.resources[${index}]`;
      if (seen.has(name)) errors.push(`${where}.name: Duplicate value: "${name}"`);
      seen.add(name);
      if ((weight || 1) !== 1) errors.push(invalid(`${where}.weight`, weight, 'must be 1'));
    }
  },
  PodTopologySpread: (
    path,
    args: { defaultConstraints?: readonly Constraint[]; defaultingType?: string },
    errors,
  ) => {
    const { defaultConstraints = [], defaultingType = 'System' } = args;
    if (!['System', 'List'].includes(defaultingType))
      errors.push(unsupported(`${path}.defaultingType`, defaultingType, ['System', 'List']));
    else if (defaultingType === 'System' && defaultConstraints.length > 0)
      errors.push(
        invalid(`${path}.defaultingType`, 'System', 'when .defaultConstraints are not empty'),
      );
    for (const [index, constraint] of defaultConstraints.entries()) {
      const where = `${path}.defaultConstraints[${index}]`;
      const { maxSkew = 0, topologyKey = '', whenUnsatisfiable = '' } = constraint;
      if (maxSkew <= 0)
        errors.push(invalid(`${where}.maxSkew`, maxSkew, 'not in valid range (0, inf)'));
      if (topologyKey === '') errors.push(required(`${where}.topologyKey`, 'can not be empty'));
      const actions = ['DoNotSchedule', 'ScheduleAnyway'];
      if (whenUnsatisfiable === '')
        errors.push(required(`${where}.whenUnsatisfiable`, 'can not be empty'));
      else if (!actions.includes(whenUnsatisfiable))
        errors.push(unsupported(`${where}.whenUnsatisfiable`, whenUnsatisfiable, actions));
      if (constraint.labelSelector)
        errors.push(
          `${where}.labelSelector: Forbidden: constraint must not define a selector, as they deduced for each pod`,
        );
      const repeated = defaultConstraints
        .slice(0, index)
        .some(
          (other) =>
            other.topologyKey === constraint.topologyKey &&
            other.whenUnsatisfiable === constraint.whenUnsatisfiable,
        );
      if (repeated)
        errors.push(`${where}: Duplicate value: "{${topologyKey}, ${whenUnsatisfiable}}"`);
    }
  },
  VolumeBinding: (
    path,
    { bindTimeoutSeconds: seconds = 600, shape }: VolumeBindingDocument,
    errors,
  ) => {
    if (seconds < 0)
      errors.push(
        invalid(
          `${path}.bindTimeoutSeconds`,
          seconds,
          'invalid BindTimeoutSeconds, should not be a negative value',
        ),
      );
    if (shape)
      errors.push(
        invalid(
          `${path}.shape`,
          shape.map(({ utilization = 0, score = 0 }) => ({
            Utilization: utilization,
            Score: score,
          })),
          'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring',
        ),
      );
  },
};

/**
 * What is wrong with arguments of NodeResourcesFit; upstream looks when it makes the plugin.
 * @see validation_pluginargs.go, ValidateNodeResourcesFitArgs
 */
export function fitArgsProblems(args: {
  readonly ignoredResources?: readonly string[];
  readonly ignoredResourceGroups?: readonly string[];
  readonly scoringStrategy?: {
    readonly type?: string;
    readonly resources?: readonly { readonly name?: string; readonly weight?: number }[];
    readonly requestedToCapacityRatio?: {
      readonly shape?: readonly { readonly utilization?: number; readonly score?: number }[];
    };
  };
}): string[] {
  const errors: string[] = [];
  const checkName = (path: string, name: string): void => {
    for (const why of qualifiedNameErrors(name)) errors.push(invalid(path, name, why));
  };
  for (const [index, resource] of (args.ignoredResources ?? []).entries())
    checkName(`ignoredResources[${index}]`, resource);
  for (const [index, group] of (args.ignoredResourceGroups ?? []).entries()) {
    const path = `ignoredResourceGroups[${index}]`;
    if (group.includes('/'))
      errors.push(invalid(path, group, "resource group name can't contain '/'"));
    checkName(path, group);
  }
  const {
    type = 'LeastAllocated',
    resources = [],
    requestedToCapacityRatio,
  } = args.scoringStrategy ?? {};
  const types = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'];
  if (!types.includes(type)) errors.push(unsupported('scoringStrategy.type', type, types));
  for (const [index, { name = '', weight }] of resources.entries())
    if ((weight || 1) < 0 || (weight ?? 1) > 100)
      errors.push(
        invalid(
          `scoringStrategy.resources[${index}].weight`,
          weight,
          `resource weight of ${name} not in valid range (0, 100]`,
        ),
      );
  const path = 'scoringStrategy.requestedToCapacityRatio';
  if (type !== 'RequestedToCapacityRatio') {
    if (requestedToCapacityRatio)
      errors.push(`${path}: Forbidden: must be nil when type is not RequestedToCapacityRatio`);
    return errors;
  }
  if (!requestedToCapacityRatio) {
    errors.push(required(path, 'must be specified when type is RequestedToCapacityRatio'));
    return errors;
  }
  const { shape = [] } = requestedToCapacityRatio;
  if (shape.length === 0)
    errors.push(required(`${path}.shape`, 'at least one point must be specified'));
  const unsorted = shape.findIndex(
    ({ utilization = 0 }, index) =>
      index > 0 && (shape[index - 1]?.utilization ?? 0) >= utilization,
  );
  if (unsorted > 0)
    errors.push(
      invalid(
        `${path}.shape[${unsorted}].utilization`,
        shape[unsorted]?.utilization ?? 0,
        'values must be sorted in increasing order',
      ),
    );
  for (const [index, { utilization = 0, score = 0 }] of shape.entries()) {
    const where = `${path}.shape[${index}]`;
    if (utilization < 0 || utilization > 100)
      errors.push(invalid(`${where}.utilization`, utilization, 'not in valid range [0, 100]'));
    if (score < 0 || score > 10)
      errors.push(invalid(`${where}.score`, score, 'not in valid range [0, 10]'));
  }
  return errors;
}
