import { describe, expect, test } from 'vitest';
import { admissionRequest, type TestRequest } from '#tests/server-state';
import type { KubeObject } from '../../../../../../src-main/core/kube/machinery/index.ts';
import { admit, deployments, namespace, namespaces, pod, pods, refusal, state } from './world.ts';

describe('pod security', () => {
  const restricted =
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")';
  const label = (labels: Record<string, string>): void =>
    void state.put(
      '',
      'namespaces',
      namespace(
        'ns',
        Object.fromEntries(
          Object.entries(labels).map(([key, value]) => [
            `pod-security.kubernetes.io/${key}`,
            value,
          ]),
        ),
      ),
    );

  test.each<[string, object, object, string]>([
    ['restricted', {}, {}, restricted],
    ['baseline', {}, {}, ''],
    [
      'baseline',
      { hostNetwork: true, hostPID: true },
      {},
      'host namespaces (hostNetwork=true, hostPID=true)',
    ],
    [
      'baseline',
      {},
      { securityContext: { privileged: true } },
      'privileged (container "c" must not set securityContext.privileged=true)',
    ],
    [
      'baseline',
      {},
      { securityContext: { capabilities: { add: ['NET_ADMIN', 'CHOWN'] } } },
      'non-default capabilities (container "c" must not include "NET_ADMIN" in securityContext.capabilities.add)',
    ],
    [
      'baseline',
      { volumes: [{ name: 'h', hostPath: { path: '/' } }] },
      {},
      'hostPath volumes (volume "h")',
    ],
    [
      'baseline',
      {},
      { ports: [{ hostPort: 80 }, { hostPort: 443 }] },
      'hostPort (container "c" uses hostPorts 443, 80)',
    ],
    [
      'baseline',
      {},
      { livenessProbe: { httpGet: { host: '10.0.0.1' } } },
      'probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")',
    ],
    [
      'baseline',
      { securityContext: { sysctls: [{ name: 'kernel.msgmax' }] } },
      {},
      'forbidden sysctls (kernel.msgmax)',
    ],
    [
      'baseline',
      { securityContext: { seLinuxOptions: { type: 'spc_t', user: 'u' } } },
      {},
      'seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)',
    ],
    [
      'baseline',
      { securityContext: { seccompProfile: { type: 'Unconfined' } } },
      {},
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      'restricted',
      {
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 0,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        volumes: [{ name: 'n', nfs: {} }],
      },
      {
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] },
        },
      },
      'restricted volume types (volume "n" uses restricted volume type "nfs"), runAsUser=0 (pod must not set runAsUser=0)',
    ],
  ])('%s: %j %j', async (level, spec, container, violations) => {
    label({ enforce: level });
    expect(await refusal(admissionRequest(pods, pod(spec, container)))).toBe(
      violations === ''
        ? ''
        : `pods "p" is forbidden: violates PodSecurity "${level}:latest": ${violations}`,
    );
  });

  test('old versions know less', async () => {
    label({ enforce: 'restricted', 'enforce-version': 'v1.18' });
    expect(await refusal(admissionRequest(pods, pod()))).toBe(
      'pods "p" is forbidden: violates PodSecurity "restricted:v1.18": allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true)',
    );
  });

  test('workloads are warned of', async () => {
    label({ enforce: 'restricted' });
    const request = admissionRequest(deployments, {
      metadata: { name: 'd' },
      spec: { template: pod() },
    });
    await admit(request);
    expect(request.warnings).toEqual([
      `would violate PodSecurity "restricted:latest": ${restricted}`,
    ]);
  });

  const relabel = (labels: Record<string, string>): TestRequest =>
    admissionRequest(
      namespaces,
      namespace(
        'ns',
        Object.fromEntries(
          Object.entries(labels).map(([key, value]) => [
            `pod-security.kubernetes.io/${key}`,
            value,
          ]),
        ),
      ),
      { operation: 'UPDATE', oldObject: namespace('ns') as KubeObject },
    );

  test('a new level warns of pods that are there', async () => {
    for (const name of ['b', 'a', 'z'])
      state.put('', 'pods', { ...pod(), metadata: { name, namespace: 'ns' } });
    const request = relabel({ enforce: 'restricted' });
    await admit(request);
    expect(request.warnings).toEqual([
      'existing pods in namespace "ns" violate the new PodSecurity enforce level "restricted:latest"',
      'a (and 2 other pods): allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile',
    ]);
  });

  test('an unknown level is invalid', async () => {
    expect(await refusal(relabel({ enforce: 'nonsense' }))).toBe(
      'Namespace "ns" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "nonsense": must be one of privileged, baseline, restricted',
    );
  });
});
