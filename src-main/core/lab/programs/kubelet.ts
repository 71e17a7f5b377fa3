import {
  ConnectionError,
  createKubelet,
  CriError,
  type KubeletConfiguration,
  type NodeHost,
  parseKubeletConfiguration,
  parseYaml,
  type Pki,
  YamlError,
} from '#core/kube';
import type { Program, ProgramContext } from '#core/machines';
import type { KubernetesRelease } from '../release.ts';
import { CommandFailedError, type Component, componentProgram, listenOrFail } from './component.ts';
import { flagSpecs } from './flags.ts';
import { kubeletFlags } from './generated/component-flags.ts';
import { pathOf, plainAnswer } from './http-answer.ts';
import { readKubeconfig } from './kubeconfig.ts';
import { tokenAccess } from './kubelet-access.ts';

export interface KubeletDeps {
  /** The machine the program runs on, as a kubelet sees it. */
  readonly host: () => NodeHost;
  readonly pki: Pki;
  readonly release: KubernetesRelease;
}

/** kubelet: its flags, configuration file and credentials, and the ports it answers on. */
export function kubelet(deps: KubeletDeps): Program {
  return componentProgram({
    flags: [
      ...flagSpecs(kubeletFlags),
      { name: 'bootstrap-kubeconfig', kind: 'string' },
      { name: 'node-ip', kind: 'string' },
    ],
    flagError: (message) => `failed to parse kubelet flag: ${message}`,
    run: async (component) => {
      const { context, flags, klog, terminated, own } = component;
      const host = deps.host();
      const nodeName = (flags.text('hostname-override') ?? host.hostname).toLowerCase();
      const config = readConfiguration(component);
      klog.info('server.go:525', 'Kubelet version', { kubeletVersion: deps.release.gitVersion });
      const clientCaFile = config.authentication?.x509?.clientCAFile;
      const clientCa = clientCaFile === undefined ? undefined : readCa(context, clientCaFile);
      await checkRuntime(host, config);
      const kubeconfig = flags.text('kubeconfig');
      const api =
        kubeconfig === undefined ? undefined : connect(component, deps.release, kubeconfig);
      const made = own(
        createKubelet({
          nodeName,
          host,
          ...(api ? { client: api.client } : {}),
          config,
          clock: context.clock,
          random: context.random,
          logger: context.logger,
          klog: (severity, place, text) => klog.line(severity, place, text),
          version: deps.release.gitVersion,
          ...(flags.has('node-ip') ? { nodeIp: flags.text('node-ip') ?? '' } : {}),
          registerWithTaints: taints(flags.text('register-with-taints')),
          nodeLabels: labels(flags.text('node-labels')),
        }),
      );
      const mayEnter =
        api && config.authentication?.webhook?.enabled !== false
          ? tokenAccess(api.client, nodeName, context.clock)
          : undefined;
      const serving = '/var/lib/kubelet/pki/kubelet.crt';
      klog.info('server.go:182', 'Starting to listen', {
        address: '0.0.0.0',
        port: config.port ?? 10250,
      });
      own(
        listenOrFail(context.net, config.port ?? 10250, {
          kind: 'http',
          tls: {
            certificate: context.files.exists(serving) ? context.files.readText(serving) : '',
            ...(clientCa === undefined ? {} : { clientCa }),
          },
          handle: async (request) => {
            const { peerCertificate } = request;
            const trusted =
              peerCertificate !== undefined &&
              clientCa !== undefined &&
              (await deps.pki.verifyCertificate(
                peerCertificate,
                clientCa,
                context.clock.now(),
                'client',
              )) === undefined;
            const refusal = trusted
              ? undefined
              : mayEnter
                ? await mayEnter(request)
                : plainAnswer(401, 'Unauthorized');
            return refusal ?? made.handle(request);
          },
        }),
      );
      if (config.healthzPort !== 0)
        own(
          listenOrFail(
            context.net,
            config.healthzPort ?? 10248,
            {
              kind: 'http',
              handle: ({ url }) =>
                Promise.resolve(
                  pathOf(url) === '/healthz'
                    ? plainAnswer(200, 'ok')
                    : plainAnswer(404, '404 page not found\n'),
                ),
            },
            { address: config.healthzBindAddress ?? '127.0.0.1' },
          ),
        );
      context.process.setMemory(80 * 1024 * 1024);
      context.process.setCpu(18);
      made.start();
      await terminated;
      return 0;
    },
  });
}

function connect(component: Component, release: KubernetesRelease, path: string) {
  const { context, flags } = component;
  if (!context.files.exists(path)) {
    const bootstrap = flags.text('bootstrap-kubeconfig');
    throw new CommandFailedError(
      bootstrap === undefined
        ? `failed to run Kubelet: unable to load kubeconfig: stat ${path}: no such file or directory`
        : `failed to run Kubelet: unable to load bootstrap kubeconfig: stat ${bootstrap}: no such file or directory`,
    );
  }
  return component.client(readKubeconfig(context.files, path), `kubelet/${release.gitVersion}`);
}

/** @throws CommandFailedError with the text of the real one. */
function readConfiguration({ context, flags }: Component): KubeletConfiguration {
  const path = flags.text('config');
  if (path === undefined) return parseKubeletConfiguration({});
  const prefix = `failed to load kubelet config file, path: ${path}, error: failed to load Kubelet config file ${path}, error `;
  if (!context.files.exists(path))
    throw new CommandFailedError(
      `${prefix}failed to read kubelet config file "${path}", error: open ${path}: no such file or directory`,
    );
  let document: unknown;
  try {
    document = parseYaml(context.files.readText(path));
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new CommandFailedError(
      `${prefix}failed to decode: yaml: line ${error.line ?? 1}: did not find expected key`,
    );
  }
  const { apiVersion, kind } = (document ?? {}) as { apiVersion?: string; kind?: string };
  if (apiVersion !== 'kubelet.config.k8s.io/v1beta1' || kind !== 'KubeletConfiguration')
    throw new CommandFailedError(
      `${prefix}failed to decode: no kind "${kind ?? ''}" is registered for version "${apiVersion ?? ''}" in scheme "pkg/runtime/scheme.go:111"`,
    );
  const { containerRuntimeEndpoint } = flags.has('container-runtime-endpoint')
    ? { containerRuntimeEndpoint: flags.text('container-runtime-endpoint') }
    : (document as { containerRuntimeEndpoint?: string });
  return parseKubeletConfiguration({
    ...(document as object),
    ...(containerRuntimeEndpoint === undefined ? {} : { containerRuntimeEndpoint }),
  });
}

function readCa(context: ProgramContext, path: string): string {
  if (!context.files.exists(path))
    throw new CommandFailedError(
      `failed to construct kubelet dependencies: unable to load client CA file ${path}: open ${path}: no such file or directory`,
    );
  return context.files.readText(path);
}

const runtimeEndpoints: ReadonlySet<string> = new Set([
  'unix:///run/containerd/containerd.sock',
  'unix:///var/run/containerd/containerd.sock',
]);

async function checkRuntime(host: NodeHost, config: KubeletConfiguration): Promise<void> {
  const endpoint = config.containerRuntimeEndpoint ?? 'unix:///run/containerd/containerd.sock';
  const refuse = (detail: string): never => {
    throw new CommandFailedError(
      `failed to run Kubelet: validate service connection: validate CRI v1 runtime API for endpoint "${endpoint}": rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix ${endpoint.replace('unix://', '')}: connect: ${detail}"`,
    );
  };
  if (!runtimeEndpoints.has(endpoint)) refuse('no such file or directory');
  try {
    await host.runtime.version();
  } catch (error) {
    if (error instanceof CriError || error instanceof ConnectionError)
      refuse('no such file or directory');
    throw error;
  }
}

/** `key=value:Effect,…` */
function taints(text: string | undefined): { key: string; value?: string; effect: string }[] {
  return (text ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const match = /^([^=:]+)(?:=([^:]*))?:(.+)$/.exec(part);
      if (!match) throw new CommandFailedError(`invalid taint spec: ${part}`);
      const [, key = '', value, effect = ''] = match;
      return { key, effect, ...(value ? { value } : {}) };
    });
}

function labels(text: string | undefined): Record<string, string> {
  return Object.fromEntries(
    (text ?? '')
      .split(',')
      .filter((part) => part !== '')
      .map((part) => part.split('=', 2) as [string, string]),
  );
}
