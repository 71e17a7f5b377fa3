import { type Clock, nameSuffix, type Random, sleep } from '#core/base';
import { notFound } from '../../machinery/index.ts';
import { isMirrorPod, podReferences } from '../authorization/index.ts';
import { at, draftAt, isMap, mapsOf, textAt, textOf } from '../fields/index.ts';
import type { AdmissionPlugin, AdmissionRequest, ServerState } from '../types.ts';
import { forbid, isPod } from './attributes.ts';

const tokenMountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const volumePrefix = 'kube-api-access-';
const enforceAnnotation = 'kubernetes.io/enforce-mountable-secrets';

/**
 * Gives pods their service account, its token volume and its pull secrets.
 * @see k8s.io/kubernetes/plugin/pkg/admission/serviceaccount/admission.go
 */
export function serviceAccount(state: ServerState, clock: Clock, random: Random): AdmissionPlugin {
  /** The default account of a new namespace may still be on its way; up to ten looks wait for it. */
  const find = async (request: AdmissionRequest, name: string): Promise<object> => {
    const attempts = name === 'default' ? 10 : 1;
    const intervalMs = 100 + random.integer(100);
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (attempt > 0) await sleep(clock, intervalMs);
      const account = state.get('', 'serviceaccounts', request.namespace, name);
      if (account) return account;
    }
    const missing = notFound({ group: '', resource: 'serviceaccount' }, name);
    throw forbid(
      request,
      `error looking up service account ${request.namespace}/${name}: ${missing.message}`,
    );
  };

  return {
    name: 'ServiceAccount',
    async admit(request) {
      const pod = request.object;
      if (!pod || !isPod(request) || request.operation !== 'CREATE') return;
      if (isMirrorPod(pod)) {
        checkMirrorPod(request);
        return;
      }
      const spec = draftAt(pod, 'spec');
      if (textOf(spec['serviceAccountName']) === '') {
        spec['serviceAccountName'] = 'default';
        spec['serviceAccount'] = 'default';
      }
      const account = await find(request, textOf(spec['serviceAccountName']));
      const automount =
        spec['automountServiceAccountToken'] ?? at(account, 'automountServiceAccountToken') ?? true;
      if (automount === true) mountToken(spec, random);
      const pulls = mapsOf(at(account, 'imagePullSecrets'));
      if (mapsOf(spec['imagePullSecrets']).length === 0 && pulls.length > 0)
        spec['imagePullSecrets'] = pulls.map((pull) => ({ name: textOf(pull['name']) }));
    },
    async validate(request) {
      const pod = request.object;
      if (!pod || request.resource.group !== '' || request.resource.resource !== 'pods') return;
      const ephemeral =
        request.operation === 'UPDATE' && request.subresource === 'ephemeralcontainers';
      if (!ephemeral && !(request.operation === 'CREATE' && request.subresource === '')) return;
      if (!ephemeral && isMirrorPod(pod)) {
        checkMirrorPod(request);
        return;
      }
      const name = textAt(pod, 'spec', 'serviceAccountName');
      if (name === '')
        throw forbid(
          request,
          `no service account specified for pod ${request.namespace}/${pod.metadata.name ?? ''}`,
        );
      const account = await find(request, name);
      const enforce = textAt(account, 'metadata', 'annotations', enforceAnnotation);
      if (!['1', 't', 'T', 'true', 'TRUE', 'True'].includes(enforce)) return;
      const problem = unlistedSecret(account, pod, ephemeral);
      if (problem !== undefined) throw forbid(request, problem);
    },
  };
}

function checkMirrorPod(request: AdmissionRequest): void {
  const pod = request.object;
  if (textAt(pod, 'spec', 'serviceAccountName') !== '')
    throw forbid(request, 'a mirror pod may not reference service accounts');
  if (podReferences(pod).secrets.size > 0)
    throw forbid(request, 'a mirror pod may not reference secrets');
  const projected = mapsOf(at(pod, 'spec', 'volumes')).some((volume) =>
    mapsOf(at(volume, 'projected', 'sources')).some((source) =>
      isMap(source['serviceAccountToken']),
    ),
  );
  if (projected)
    throw forbid(request, 'a mirror pod may not use ServiceAccountToken volume projections');
}

function mountToken(spec: Record<string, unknown>, random: Random): void {
  const volumes = mapsOf(spec['volumes']);
  const existing = volumes.find((volume) => textOf(volume['name']).startsWith(volumePrefix));
  const name = existing ? textOf(existing['name']) : `${volumePrefix}${nameSuffix(random)}`;
  let needed = false;
  for (const list of ['initContainers', 'containers'])
    for (const container of mapsOf(spec[list]) as readonly Record<string, unknown>[]) {
      const mounts = mapsOf(container['volumeMounts']);
      if (mounts.some((mount) => mount['mountPath'] === tokenMountPath)) continue;
      container['volumeMounts'] = [...mounts, { name, readOnly: true, mountPath: tokenMountPath }];
      needed = true;
    }
  if (existing || !needed) return;
  spec['volumes'] = [
    ...volumes,
    {
      name,
      projected: {
        sources: [
          { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
          {
            configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] },
          },
          {
            downwardAPI: {
              items: [
                {
                  path: 'namespace',
                  fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' },
                },
              ],
            },
          },
        ],
        defaultMode: 420,
      },
    },
  ];
}

function unlistedSecret(account: object, pod: object, ephemeral: boolean): string | undefined {
  const accountName = textAt(account, 'metadata', 'name');
  const names = (field: string): readonly string[] =>
    mapsOf(at(account, field)).map((item) => textOf(item['name']));
  const mountable = names('secrets');
  const tail = `is not allowed because service account ${accountName} does not reference that`;
  if (!ephemeral)
    for (const volume of mapsOf(at(pod, 'spec', 'volumes'))) {
      if (!isMap(volume['secret'])) continue;
      const secret = textAt(volume, 'secret', 'secretName');
      if (!mountable.includes(secret))
        return `volume with secret.secretName="${secret}" ${tail} secret`;
    }
  const lists: readonly (readonly [string, string])[] = ephemeral
    ? [['ephemeralContainers', 'ephemeral container']]
    : [
        ['initContainers', 'init container'],
        ['containers', 'container'],
      ];
  for (const [list, label] of lists)
    for (const container of mapsOf(at(pod, 'spec', list))) {
      const who = `${label} ${textOf(container['name'])}`;
      for (const variable of mapsOf(container['env'])) {
        const reference = at(variable, 'valueFrom', 'secretKeyRef');
        const secret = textAt(reference, 'name');
        if (isMap(reference) && !mountable.includes(secret))
          return `${who} with envVar ${textOf(variable['name'])} referencing secret.secretName="${secret}" ${tail} secret`;
      }
      for (const source of mapsOf(container['envFrom'])) {
        const secret = textAt(source, 'secretRef', 'name');
        if (isMap(source['secretRef']) && !mountable.includes(secret))
          return `${who} with envFrom referencing secret.secretName="${secret}" ${tail} secret`;
      }
    }
  if (ephemeral) return undefined;
  const pulls = names('imagePullSecrets');
  const index = mapsOf(at(pod, 'spec', 'imagePullSecrets')).findIndex(
    (pull) => !pulls.includes(textOf(pull['name'])),
  );
  if (index < 0) return undefined;
  const pull = textOf(mapsOf(at(pod, 'spec', 'imagePullSecrets'))[index]?.['name']);
  return `imagePullSecrets[${index}].name="${pull}" ${tail} imagePullSecret`;
}
