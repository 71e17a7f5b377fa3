import type { PodSandboxConfig } from '#core/kube';
import { virtualFile, type VirtualNode } from '../filesystem/index.ts';

/** The kernel's settings that each pod has of its own, as containerd leaves them. */
const defaults: Readonly<Record<string, string>> = {
  'kernel.shm_rmid_forced': '0',
  'net.ipv4.ip_local_port_range': '32768\t60999',
  'net.ipv4.ip_local_reserved_ports': '',
  'net.ipv4.ip_unprivileged_port_start': '0',
  'net.ipv4.ping_group_range': '0\t2147483647',
  'net.ipv4.tcp_fin_timeout': '60',
  'net.ipv4.tcp_keepalive_intvl': '75',
  'net.ipv4.tcp_keepalive_probes': '9',
  'net.ipv4.tcp_keepalive_time': '7200',
  'net.ipv4.tcp_syncookies': '1',
};

/** Files below `/proc` for the settings of a pod: the usual ones and those it asks for, by dots or slashes. */
export function podSysctls(config: PodSandboxConfig): Readonly<Record<string, VirtualNode>> {
  // A pod on the node's network has the node's.
  const own = Object.entries(defaults).filter(
    ([name]) => !config.hostNetwork || !name.startsWith('net.'),
  );
  return Object.fromEntries(
    [...own, ...Object.entries(config.sysctls)].map(([name, value]) => [
      `sys/${name.includes('/') ? name : name.replaceAll('.', '/')}`,
      virtualFile(() => `${value}\n`),
    ]),
  );
}
