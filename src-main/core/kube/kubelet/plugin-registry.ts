import type { KubeletContext } from './context.ts';

const registrations = '/var/lib/kubelet/plugins_registry';

/**
 * Whether a driver of volumes or devices has announced itself, by a socket in the folder that the kubelet watches.
 *
 * @see pkg/kubelet/pluginmanager
 */
export function isPluginRegistered({ host }: KubeletContext, driver: string): boolean {
  return host.files.exists(`${registrations}/${driver}-reg.sock`);
}
