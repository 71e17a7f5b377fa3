import type { FileSystem } from '../filesystem/index.ts';
import { parseCidr } from '../network/index.ts';

/** What containerd found in `/etc/cni/net.d`. */
export interface CniConfig {
  readonly name: string;
  readonly plugins: readonly CniPlugin[];
}

interface CniPlugin {
  readonly type: string;
  readonly ipam?: {
    readonly type?: string;
    readonly subnet?: string;
    readonly ranges?: readonly (readonly { readonly subnet?: string }[])[];
  };
  readonly subnetFile?: string;
  readonly nodename?: string;
}

/** Where the plugins of the pods' network leave their configuration. */
export const cniDirectory = '/etc/cni/net.d';
const pluginDirectory = '/opt/cni/bin';

/** The first valid configuration by name. @returns undefined: `cni plugin not initialized`. */
export function loadCni(files: FileSystem): CniConfig | undefined {
  const names = files.exists(cniDirectory) ? files.readdir(cniDirectory) : [];
  for (const name of names) {
    if (!/\.(conf|conflist|json)$/.test(name)) continue;
    try {
      const config = readConfig(JSON.parse(files.readText(`${cniDirectory}/${name}`)));
      if (config) return config;
    } catch {
      // containerd skips what it cannot read and takes the next.
    }
  }
  return undefined;
}

function readConfig(value: unknown): CniConfig | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const config = value as { name?: unknown; type?: unknown; plugins?: unknown };
  if (typeof config.name !== 'string') return undefined;
  if (Array.isArray(config.plugins)) {
    const plugins = config.plugins.filter(isPlugin);
    return plugins.length === 0 ? undefined : { name: config.name, plugins };
  }
  return isPlugin(value) ? { name: config.name, plugins: [value] } : undefined;
}

function isPlugin(value: unknown): value is CniPlugin {
  return (
    typeof value === 'object' && value !== null && typeof (value as CniPlugin).type === 'string'
  );
}

/**
 * Runs the plugins of a configuration for one sandbox, as far as it decides the block of its address.
 *
 * @param node its block as the node object names it, for plugins that take it from there (`usePodCidr`).
 * @returns the pods' block on this node.
 * @throws Error with libcni's text.
 * @see github.com/containernetworking/cni/libcni/api.go AddNetworkList
 */
export function podBlock(
  files: FileSystem,
  config: CniConfig,
  node: { readonly name: string; readonly podCidr: string | undefined },
): string {
  let block: string | undefined;
  for (const plugin of [{ type: 'loopback' }, ...config.plugins] as readonly CniPlugin[]) {
    const fail = (text: string): Error =>
      new Error(`plugin type="${plugin.type}" failed (add): ${text}`);
    if (files.exists(pluginDirectory) && !files.exists(`${pluginDirectory}/${plugin.type}`))
      throw fail(`failed to find plugin "${plugin.type}" in path [${pluginDirectory}]`);
    block ??= blockOf(files, plugin, fail);
    if (block === 'usePodCidr') {
      if (node.podCidr === undefined) throw fail(`no podCidr for node ${node.name}`);
      block = node.podCidr;
    }
  }
  if (block === undefined) throw new Error('no plugin of the list gives an address');
  return block;
}

function blockOf(
  files: FileSystem,
  plugin: CniPlugin,
  fail: (text: string) => Error,
): string | undefined {
  switch (plugin.type) {
    case 'loopback':
    case 'portmap':
    case 'bandwidth':
    case 'firewall':
    case 'tuning':
      return undefined;
    case 'flannel': {
      const path = plugin.subnetFile ?? '/run/flannel/subnet.env';
      if (!files.exists(path))
        throw fail(
          `failed to load flannel 'subnet.env' file: open ${path}: no such file or directory. Check the flannel pod log for this node.`,
        );
      const subnet = /^FLANNEL_SUBNET=(.+)$/m.exec(files.readText(path))?.[1];
      return network(subnet, fail);
    }
    case 'calico': {
      const path = '/var/lib/calico/nodename';
      if (plugin.nodename === undefined && !files.exists(path))
        throw fail(
          `stat ${path}: no such file or directory: check that the calico/node container is running and has mounted /var/lib/calico/`,
        );
      return network(ipamSubnet(plugin), fail);
    }
    case 'cilium-cni': {
      const path = '/var/run/cilium/cilium.sock';
      if (!files.exists(path))
        throw fail(
          `unable to connect to Cilium agent: failed to create cilium agent client after 30.000000 seconds timeout: Get "http://localhost/v1/config": dial unix ${path}: connect: no such file or directory\nIs the agent running?`,
        );
      return network(ipamSubnet(plugin), fail);
    }
    default:
      return network(ipamSubnet(plugin), fail);
  }
}

function ipamSubnet({ ipam }: CniPlugin): string | undefined {
  return ipam?.subnet ?? ipam?.ranges?.[0]?.[0]?.subnet;
}

function network(subnet: string | undefined, fail: (text: string) => Error): string {
  if (subnet === 'usePodCidr') return subnet;
  if (subnet === undefined || subnet === '') throw fail('no IP ranges specified');
  if (!parseCidr(subnet)) throw fail(`invalid CIDR address: ${subnet}`);
  return subnet;
}
