import { formatYaml } from '../../machinery/index.ts';
import type {
  ConfiguredPlugins,
  EnabledPlugin,
  ExtensionPoint,
  PluginArgs,
  ProfileConfiguration,
  SchedulerConfiguration,
} from '../types.ts';
import type { FitArgs, WeightedResource } from '../plugins/resource-plugins.ts';
import { extendsPoint, pluginNames } from '../plugins/registry.ts';
import { defaultArgs, defaultPlugins } from './defaults.ts';
import {
  argsShapes,
  configurationShape,
  DecodingError,
  type Shape,
  unknownFields,
} from './shapes.ts';
import type { PluginSetDocument, ProfileDocument, SchedulerDocument } from './document.ts';
import { fitArgsProblems, validateConfiguration } from './validation.ts';

const apiVersion = 'kubescheduler.config.k8s.io/v1';
const kind = 'KubeSchedulerConfiguration';

/**
 * Reads a KubeSchedulerConfiguration, fills in its defaults and checks it.
 *
 * @param document absent: the default configuration.
 * @returns the error as kube-scheduler prints it, if there is one.
 * @see cmd/kube-scheduler/app/options/configfile.go, pkg/scheduler/apis/config/{v1,validation}
 */
export function parseSchedulerConfiguration(document: unknown): SchedulerConfiguration | string {
  if (document === undefined) return configurationOf({});
  const problem = decodingProblem(document);
  if (problem !== undefined) return problem;
  const source = document as SchedulerDocument;
  const errors = validateConfiguration(source);
  if (errors.length > 0) return errors.length === 1 ? (errors[0] ?? '') : `[${errors.join(', ')}]`;
  return pluginProblem(source) ?? configurationOf(source);
}

function decodingProblem(document: unknown): string | undefined {
  const text = (): string => `'${document === null ? '' : formatYaml(document)}'`;
  const meta = (document ?? {}) as { apiVersion?: string; kind?: string };
  if (Array.isArray(document))
    return `couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }`;
  if (!meta.kind) return `Object 'Kind' is missing in ${text()}`;
  if (!meta.apiVersion) return `Object 'apiVersion' is missing in ${text()}`;
  if (meta.apiVersion !== apiVersion || meta.kind !== kind)
    return `no kind "${meta.kind}" is registered for version "${meta.apiVersion}" in scheme "pkg/runtime/scheme.go:111"`;
  try {
    const problems = unknownFields(document, configurationShape).map(unknownField);
    for (const [index, profile] of ((document as SchedulerDocument).profiles ?? []).entries())
      for (const [at, { name = '', args }] of (profile.pluginConfig ?? []).entries()) {
        const shape = argsShapes[name];
        if (!shape || args === undefined || args === null) continue;
        const place = `decoding .profiles[${index}].pluginConfig[${at}]: `;
        const wrongKind = kindProblem(name, args);
        if (wrongKind !== undefined) return `${place}${wrongKind}`;
        const unknown = argsUnknown(args, shape, `${place}decoding args for plugin ${name}: `);
        if (unknown.length > 0)
          problems.push(
            `${place}strict decoding error: decoding args for plugin ${name}: strict decoding error: ${unknown.join(', ')}`,
          );
      }
    return problems.length === 0 ? undefined : `strict decoding error: ${problems.join(', ')}`;
  } catch (error) {
    if (error instanceof DecodingError) return error.message;
    throw error;
  }
}

/** @throws DecodingError a value has the wrong type; told with its place. */
function argsUnknown(args: unknown, shape: Shape, place: string): string[] {
  try {
    return unknownFields(args, shape).map(unknownField);
  } catch (error) {
    if (error instanceof DecodingError) throw new DecodingError(`${place}${error.message}`);
    throw error;
  }
}

function kindProblem(plugin: string, args: { readonly kind?: string }): string | undefined {
  const expected = `${plugin}Args`;
  if (!args.kind || args.kind === expected) return undefined;
  const group = apiVersion.split('/')[0] ?? '';
  return `args for plugin ${plugin} were not of type ${expected}.${group}, got ${args.kind}.${group}`;
}

const unknownField = (path: string): string => `unknown field "${path}"`;

const typeOf = (point: string): string => `${point.charAt(0).toUpperCase()}${point.slice(1)}Plugin`;

/** In which order plugins of all points are given to each. @see runtime/framework.go, getExtensionPoints */
const expansionOrder: readonly ExtensionPoint[] = [
  'preFilter',
  'filter',
  'postFilter',
  'reserve',
  'preScore',
  'score',
  'preBind',
  'bind',
  'postBind',
  'permit',
  'preEnqueue',
  'queueSort',
];

/** Plugins that are not there, or that leave a profile without what it must have. */
function pluginProblem({ profiles = [] }: SchedulerDocument): string | undefined {
  for (const profile of profiles) {
    const name = profile.schedulerName ?? 'default-scheduler';
    const failed = (why: string): string =>
      `initializing profiles: creating profile for scheduler name ${name}: ${why}`;
    const { multiPoint, points } = pluginsOf(profile);
    const fit = profile.pluginConfig?.find((each) => each.name === 'NodeResourcesFit');
    const fitProblems = fitArgsProblems(fit?.args ?? {});
    if (fitProblems.length > 0)
      return failed(
        `initializing plugin "NodeResourcesFit": ${fitProblems.length === 1 ? (fitProblems[0] ?? '') : `[${fitProblems.join(', ')}]`}`,
      );
    for (const { name: plugin } of multiPoint.enabled)
      if (!pluginNames.includes(plugin))
        return failed(`PreFilterPlugin "${plugin}" does not exist`);
    for (const [point, set] of Object.entries(points)) {
      const seen = new Set<string>();
      for (const { name: plugin } of set.enabled) {
        const type = typeOf(point);
        if (!pluginNames.includes(plugin)) return failed(`${type} "${plugin}" does not exist`);
        if (!extendsPoint(plugin, point as ExtensionPoint))
          return failed(`plugin "${plugin}" does not extend ${type} plugin`);
        if (seen.has(plugin)) return failed(`plugin "${plugin}" already registered as "${type}"`);
        seen.add(plugin);
      }
    }
    const repeated = multiPoint.enabled.find(
      ({ name: plugin }, index) =>
        multiPoint.enabled.findIndex((each) => each.name === plugin) !== index,
    );
    const at = expansionOrder.find((point) => repeated && extendsPoint(repeated.name, point));
    if (repeated && at)
      return failed(`plugin "${repeated.name}" already registered as "${typeOf(at)}"`);
    if ([...(points.score?.enabled ?? []), ...multiPoint.enabled].some(({ weight }) => weight < 0))
      return failed('score plugins: total score of Score plugins could overflow');
    const has = (plugin: string, point: ExtensionPoint): boolean => {
      const { enabled = [], disabled = [] } = points[point] ?? {};
      if (enabled.some((each) => each.name === plugin)) return true;
      return (
        !disabled.includes('*') &&
        !disabled.includes(plugin) &&
        multiPoint.enabled.some((each) => each.name === plugin)
      );
    };
    if (!has('PrioritySort', 'queueSort'))
      return failed(
        `only one queue sort plugin required for profile with scheduler name "${name}", but got 0`,
      );
    if (!has('DefaultBinder', 'bind'))
      return failed(`at least one bind plugin is needed for profile with scheduler name "${name}"`);
  }
  return undefined;
}

function setOf(set: PluginSetDocument | undefined): ConfiguredPlugins {
  return {
    enabled: (set?.enabled ?? []).map(({ name = '', weight = 0 }) => ({ name, weight })),
    disabled: (set?.disabled ?? []).map(({ name = '' }) => name),
  };
}

/** The defaults with a profile's changes. @see apis/config/v1/default_plugins.go, mergePluginSet */
function pluginsOf({
  plugins,
}: ProfileDocument): Pick<ProfileConfiguration, 'multiPoint' | 'points'> {
  const { multiPoint, ...others } = plugins ?? {};
  const custom = setOf(multiPoint);
  const replaced = new Set<EnabledPlugin>();
  const kept = custom.disabled.includes('*')
    ? []
    : defaultPlugins
        .filter(({ name }) => !custom.disabled.includes(name))
        .map((plugin) => {
          const own = custom.enabled.find(({ name }) => name === plugin.name);
          if (own) replaced.add(own);
          return own ?? plugin;
        });
  return {
    multiPoint: {
      enabled: [...kept, ...custom.enabled.filter((plugin) => !replaced.has(plugin))],
      disabled: custom.disabled,
    },
    points: Object.fromEntries(Object.entries(others).map(([point, set]) => [point, setOf(set)])),
  };
}

const weights = (
  resources: readonly { name?: string; weight?: number }[] | undefined,
  otherwise: readonly WeightedResource[],
): readonly WeightedResource[] =>
  resources && resources.length > 0
    ? resources.map(({ name = '', weight }) => ({ name, weight: weight || 1 }))
    : otherwise;

function argsOf({ pluginConfig = [] }: ProfileDocument): PluginArgs {
  const given = Object.fromEntries(pluginConfig.map(({ name = '', args }) => [name, args ?? {}]));
  const of = <T>(name: string): Partial<T> => given[name] ?? {};
  const fit = of<{
    ignoredResources: string[];
    ignoredResourceGroups: string[];
    scoringStrategy: {
      type?: FitArgs['type'];
      resources?: WeightedResource[];
      requestedToCapacityRatio?: { shape?: FitArgs['shape'] };
    };
  }>('NodeResourcesFit');
  const strategy = fit.scoringStrategy;
  return {
    defaultPreemption: { ...defaultArgs.defaultPreemption, ...of('DefaultPreemption') },
    interPodAffinity: { ...defaultArgs.interPodAffinity, ...of('InterPodAffinity') },
    nodeAffinity: of('NodeAffinity'),
    balancedAllocation: weights(
      of<{ resources: WeightedResource[] }>('NodeResourcesBalancedAllocation').resources,
      defaultArgs.balancedAllocation,
    ),
    fit: {
      ignoredResources: fit.ignoredResources ?? [],
      ignoredResourceGroups: fit.ignoredResourceGroups ?? [],
      type: strategy?.type ?? defaultArgs.fit.type,
      resources: weights(strategy?.resources, defaultArgs.fit.resources),
      shape: strategy?.requestedToCapacityRatio?.shape ?? [],
    },
    spread: { ...defaultArgs.spread, ...of('PodTopologySpread') },
    volumeBinding: { ...defaultArgs.volumeBinding, ...of('VolumeBinding') },
  };
}

function configurationOf(source: SchedulerDocument): SchedulerConfiguration {
  const profiles = source.profiles && source.profiles.length > 0 ? source.profiles : [{}];
  return {
    profiles: profiles.map((profile: ProfileDocument) => ({
      schedulerName: profile.schedulerName ?? 'default-scheduler',
      ...(profile.percentageOfNodesToScore === undefined
        ? {}
        : { percentageOfNodesToScore: profile.percentageOfNodesToScore }),
      ...pluginsOf(profile),
      args: argsOf(profile),
    })),
    percentageOfNodesToScore: source.percentageOfNodesToScore ?? 0,
    podInitialBackoffSeconds: source.podInitialBackoffSeconds ?? 1,
    podMaxBackoffSeconds: source.podMaxBackoffSeconds ?? 10,
  };
}
