import type { ContainerView } from './pods.ts';

/**
 * A port by number or by the name of one of the container's ports.
 * @throws Error with the text that Go's parser has for an unknown name.
 */
export function portNumber(port: number | string, container: ContainerView): number {
  if (typeof port === 'number') return port;
  const named = (container.ports ?? []).find(({ name }) => name === port);
  if (named) return named.containerPort;
  if (/^\d+$/.test(port)) return Number(port);
  throw new Error(`strconv.Atoi: parsing ${JSON.stringify(port)}: invalid syntax`);
}
