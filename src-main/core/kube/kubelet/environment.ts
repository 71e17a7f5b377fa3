import { type DeepReadonly, fromBase64, fromUtf8 } from '#core/base';
import type { ConfigMap, EnvVarSource, Secret, Service } from '../apis/index.ts';
import type { Lister } from '../client/index.ts';
import { objectKey } from '../machinery/index.ts';
import { type DownwardValues, fieldValue, resourceValue } from './downward-api.ts';
import { type ContainerView, specOf, type PodView } from './pods.ts';
import { ReferenceNotFoundError, type ReferencedObjects } from './referenced-objects.ts';

export interface EnvironmentOptions {
  readonly pod: PodView;
  readonly container: ContainerView;
  readonly objects: ReferencedObjects;
  /** Absent: no API. */
  readonly services: Lister<Service> | undefined;
  readonly values: DownwardValues;
}

/**
 * The variables of a container, as its runtime gets them: those of `envFrom`, then its own with `$(NAME)` replaced,
 * then the services'.
 *
 * @throws Error what names it needs is not there; the message is that of CreateContainerConfigError.
 * @see pkg/kubelet/kubelet_pods.go, makeEnvironmentVariables
 */
export async function environmentOf(
  options: EnvironmentOptions,
): Promise<{ name: string; value: string }[]> {
  const { pod, container } = options;
  const service = serviceVariables(options);
  const own = new Map<string, string>();
  const sources = new Sources(options);
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const data = configMapRef
      ? await sources.configMap(configMapRef.name ?? '', configMapRef.optional)
      : secretRef
        ? await sources.secret(secretRef.name ?? '', secretRef.optional)
        : undefined;
    for (const [key, value] of Object.entries(data ?? {})) own.set(`${prefix}${key}`, value);
  }
  const lookUp = (name: string): string | undefined => own.get(name) ?? service.get(name);
  for (const { name, value, valueFrom } of container.env ?? []) {
    if (value || !valueFrom) own.set(name, expand(value ?? '', lookUp));
    else {
      const found = await sources.value(pod, container, valueFrom, options.values);
      if (found !== undefined) own.set(name, found);
    }
  }
  for (const [name, value] of service) if (!own.has(name)) own.set(name, value);
  return [...own].map(([name, value]) => ({ name, value }));
}

/** `$(NAME)` becomes its value, `$$` a dollar; unknown names stay as they are. @see third_party/forked/golang/expansion */
export function expand(text: string, lookUp: (name: string) => string | undefined): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, what: string, name: string | undefined) =>
    what === '$' ? '$' : (lookUp(name ?? '') ?? whole),
  );
}

class Sources {
  readonly #options: EnvironmentOptions;
  readonly #namespace: string;

  constructor(options: EnvironmentOptions) {
    this.#options = options;
    this.#namespace = options.pod.metadata.namespace ?? '';
  }

  configMap(name: string, optional = false): Promise<Readonly<Record<string, string>> | undefined> {
    const read = async (): Promise<Readonly<Record<string, string>>> => {
      const map: DeepReadonly<ConfigMap> = await this.#options.objects.configMap(
        this.#namespace,
        name,
      );
      return map.data ?? {};
    };
    return orNothing(read, optional);
  }

  secret(name: string, optional = false): Promise<Readonly<Record<string, string>> | undefined> {
    const read = async (): Promise<Readonly<Record<string, string>>> => {
      const { data = {} }: DeepReadonly<Secret> = await this.#options.objects.secret(
        this.#namespace,
        name,
      );
      return Object.fromEntries(
        Object.entries(data).map(([key, value]) => [key, fromUtf8(fromBase64(value))]),
      );
    };
    return orNothing(read, optional);
  }

  async value(
    pod: PodView,
    container: ContainerView,
    source: DeepReadonly<EnvVarSource>,
    values: DownwardValues,
  ): Promise<string | undefined> {
    const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = source;
    if (fieldRef) return fieldValue(pod, fieldRef, values);
    if (resourceFieldRef) return resourceValue(pod, resourceFieldRef, container, values);
    const reference = configMapKeyRef ?? secretKeyRef;
    if (!reference) return '';
    const { name = '', key, optional = false } = reference;
    const data = configMapKeyRef
      ? await this.configMap(name, optional)
      : await this.secret(name, optional);
    const found = data?.[key];
    if (found !== undefined || optional) return found;
    throw new Error(
      `couldn't find key ${key} in ${configMapKeyRef ? 'ConfigMap' : 'Secret'} ${this.#namespace}/${name}`,
    );
  }
}

async function orNothing<T>(read: () => Promise<T>, optional: boolean): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (optional && error instanceof ReferenceNotFoundError) return undefined;
    throw error;
  }
}

/** @see pkg/kubelet/envvars/envvars.go */
function serviceVariables({ pod, services }: EnvironmentOptions): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  if (!services) return variables;
  const namespace = pod.metadata.namespace ?? '';
  const links = specOf(pod).enableServiceLinks !== false;
  const kubernetes = services.get(objectKey({ namespace: 'default', name: 'kubernetes' }));
  const shown = links ? services.list(namespace) : [];
  const all = kubernetes && (namespace !== 'default' || !links) ? [kubernetes, ...shown] : shown;
  for (const service of all) addService(variables, service);
  return variables;
}

function addService(variables: Map<string, string>, service: DeepReadonly<Service>): void {
  const { clusterIP = '', ports = [] } = service.spec ?? {};
  const [first] = ports;
  if (clusterIP === '' || clusterIP === 'None' || !first) return;
  const prefix = variableName(service.metadata.name ?? '');
  variables.set(`${prefix}_SERVICE_HOST`, clusterIP);
  variables.set(`${prefix}_SERVICE_PORT`, String(first.port));
  for (const { name, port } of ports)
    if (name) variables.set(`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port));
  for (const [index, { port, protocol = 'TCP' }] of ports.entries()) {
    const scheme = protocol.toLowerCase();
    const address = `${scheme}://${clusterIP.includes(':') ? `[${clusterIP}]` : clusterIP}:${port}`;
    if (index === 0) variables.set(`${prefix}_PORT`, address);
    const one = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
    variables.set(one, address);
    variables.set(`${one}_PROTO`, scheme);
    variables.set(`${one}_PORT`, String(port));
    variables.set(`${one}_ADDR`, clusterIP);
  }
}

function variableName(name: string): string {
  return name.replaceAll('-', '_').toUpperCase();
}
