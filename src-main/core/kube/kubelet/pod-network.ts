import { fromUtf8 } from '#core/base';
import type { KubeletContext } from './context.ts';
import type { PodSandboxConfig } from './cri.ts';
import { specOf, type PodView } from './pods.ts';

/** Host name and cluster domain name of a pod. @see pkg/kubelet/kubelet_pods.go, GeneratePodHostNameAndDomain */
export function hostnameOf(
  context: KubeletContext,
  pod: PodView,
): { readonly hostname: string; readonly domain: string } {
  const spec = specOf(pod);
  if (spec.hostnameOverride) return { hostname: spec.hostnameOverride, domain: '' };
  const hostname = spec.hostname || (pod.metadata.name ?? '').slice(0, 63).replace(/[-.]+$/, '');
  const domain = spec.subdomain
    ? `${spec.subdomain}.${pod.metadata.namespace ?? ''}.svc.${context.config.clusterDomain ?? ''}`
    : '';
  return { hostname, domain };
}

/** What the pod's processes see as their host name: with `setHostnameAsFQDN` the full one. */
export function sandboxHostname(context: KubeletContext, pod: PodView): string {
  if (specOf(pod).hostNetwork) return context.host.hostname;
  const { hostname, domain } = hostnameOf(context, pod);
  return specOf(pod).setHostnameAsFQDN && domain !== '' ? `${hostname}.${domain}` : hostname;
}

interface Dns {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** The pod's resolv.conf by `dnsPolicy` and `dnsConfig`. @see pkg/kubelet/network/dns/dns.go */
export function dnsOf(context: KubeletContext, pod: PodView): PodSandboxConfig['dns'] {
  const { clusterDomain = '', clusterDNS = [] } = context.config;
  const { dnsPolicy = 'ClusterFirst', dnsConfig, hostNetwork } = specOf(pod);
  const cluster =
    (dnsPolicy === 'ClusterFirst' && !hostNetwork) || dnsPolicy === 'ClusterFirstWithHostNet';
  let dns: Dns;
  if (dnsPolicy === 'None') dns = { servers: [], searches: [], options: [] };
  else if (!cluster || clusterDNS.length === 0) dns = nodeDns(context);
  else {
    const namespace = pod.metadata.namespace ?? '';
    const own =
      clusterDomain === ''
        ? []
        : [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
    dns = {
      servers: clusterDNS,
      searches: [...new Set([...own, ...nodeDns(context).searches])],
      options: ['ndots:5'],
    };
  }
  if (!dnsConfig) return dns;
  const options = new Map<string, string | undefined>();
  for (const option of dns.options) {
    const [name = '', value] = option.split(':', 2);
    options.set(name, value);
  }
  for (const { name = '', value } of dnsConfig.options ?? []) options.set(name, value);
  return {
    servers: [...new Set([...dns.servers, ...(dnsConfig.nameservers ?? [])])].slice(0, 3),
    searches: [...new Set([...dns.searches, ...(dnsConfig.searches ?? [])])].slice(0, 32),
    options: [...options].map(([name, value]) => (value ? `${name}:${value}` : name)),
  };
}

function nodeDns({ host, config }: KubeletContext): Dns {
  const { files } = host;
  const text = files.exists(config.resolvConf) ? fromUtf8(files.readFile(config.resolvConf)) : '';
  const servers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === 'nameserver' && rest[0]) servers.push(rest[0]);
    else if (word === 'search') searches = rest;
    else if (word === 'options') options = rest;
  }
  return { servers, searches, options };
}

/** `/etc/hosts` of a pod's containers. @see pkg/kubelet/kubelet_pods.go, managedHostsFileContent */
export function hostsFile(context: KubeletContext, pod: PodView, ips: readonly string[]): string {
  const { hostNetwork, hostAliases = [] } = specOf(pod);
  let text: string;
  if (hostNetwork) {
    const { files } = context.host;
    const own = files.exists('/etc/hosts') ? fromUtf8(files.readFile('/etc/hosts')) : '';
    text = `# Kubernetes-managed hosts file (host network).\n${own}`;
  } else {
    const { hostname, domain } = hostnameOf(context, pod);
    const names = domain === '' ? hostname : `${hostname}.${domain}\t${hostname}`;
    text = [
      '# Kubernetes-managed hosts file.',
      '127.0.0.1\tlocalhost',
      '::1\tlocalhost ip6-localhost ip6-loopback',
      'fe00::0\tip6-localnet',
      'fe00::0\tip6-mcastprefix',
      'fe00::1\tip6-allnodes',
      'fe00::2\tip6-allrouters',
      ...ips.map((ip) => `${ip}\t${names}`),
      '',
    ].join('\n');
  }
  if (hostAliases.length === 0) return text;
  const aliases = hostAliases.map(({ ip, hostnames = [] }) => `${[ip, ...hostnames].join('\t')}\n`);
  return `${text}\n# Entries added by HostAliases.\n${aliases.join('')}`;
}
