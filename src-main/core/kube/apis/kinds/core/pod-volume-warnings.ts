import { canonicalQuantity, milliValue } from '../../validation/quantity.ts';
import type { ClaimSpec, ProjectionSource, Volume } from './pod-types.ts';

const deprecatedVolumes: Readonly<Record<string, string>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
};

/** The field's name in Go, which upstream prints, where JSON spells it otherwise. */
const printed: Readonly<Record<string, string>> = { storageos: 'storageOS' };

const quote = (text = ''): string => JSON.stringify(text);

/** Warnings on the volumes of a pod. @see pkg/api/pod/warnings.go */
export function volumeWarnings(path: string, volumes: readonly Volume[]): string[] {
  return [
    ...volumes.flatMap((volume, index) => {
      const at = `${path}[${index}]`;
      const template = volume.ephemeral?.volumeClaimTemplate;
      return [
        ...Object.entries(deprecatedVolumes)
          .filter(([kind]) => kind in volume)
          .map(([kind, message]) => `${at}.${printed[kind] ?? kind}: ${message}`),
        ...(template
          ? claimSpecWarnings(`${at}.ephemeral.volumeClaimTemplate.spec`, template.spec)
          : []),
      ];
    }),
    ...volumes.flatMap(overlapWarnings),
  ];
}

/** The sources that a volume and a persistent volume share and that are no more. */
export function deprecatedSourceWarnings(
  path: string,
  source: object,
  kinds: readonly string[],
): string[] {
  return kinds
    .filter((kind) => kind in source)
    .map((kind) => `${path}.${printed[kind] ?? kind}: ${deprecatedVolumes[kind] ?? ''}`);
}

export function fractionWarnings(path: string, amount: unknown): string[] {
  return amount !== undefined && milliValue(amount) % 1000 !== 0
    ? [
        `${path}: fractional byte value ${quote(canonicalQuantity(amount))} is invalid, must be an integer`,
      ]
    : [];
}

/** @see pkg/api/persistentvolumeclaim/util.go, GetWarningsForPersistentVolumeClaimSpec */
export function claimSpecWarnings(path: string, spec: ClaimSpec | undefined): string[] {
  return (['requests', 'limits'] as const).flatMap((list) =>
    fractionWarnings(`${path}.resources.${list}[storage]`, spec?.resources?.[list]?.['storage']),
  );
}

interface SourcedPath {
  readonly path: string;
  readonly source: string;
}

function overlapWarnings({ name, ...volume }: Volume): string[] {
  const say = (kind: string, body: string): string =>
    `volume ${quote(name)} (${kind}): overlapping paths: ${body}`;
  const within = (kind: string, items: readonly { path?: string }[] | undefined): string[] =>
    overlaps((items ?? []).map(({ path = '' }) => ({ path, source: '' }))).map((body) =>
      say(kind, body),
    );
  const warnings = [
    ...within(`ConfigMap ${quote(volume.configMap?.name)}`, volume.configMap?.items),
    ...within(`Secret ${quote(volume.secret?.secretName)}`, volume.secret?.items),
    ...within('DownwardAPI', volume.downwardAPI?.items),
  ];
  const paths: SourcedPath[] = [];
  for (const source of volume.projected?.sources ?? []) {
    if (Object.keys(source).length === 0)
      warnings.push(`volume ${quote(name)} (Projected) has no sources provided`);
    paths.push(...projectedPaths(source));
  }
  return [...warnings, ...overlaps(paths).map((body) => say('Projected', body))];
}

function projectedPaths(source: ProjectionSource): SourcedPath[] {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle } = source;
  const from = (items: readonly { path?: string }[], name: string): SourcedPath[] =>
    items.map(({ path = '' }) => ({ path, source: name }));
  if (configMap?.items) return from(configMap.items, `ConfigMap ${quote(configMap.name)}`);
  if (secret?.items) return from(secret.items, `Secret ${quote(secret.name)}`);
  if (downwardAPI?.items) return from(downwardAPI.items, 'DownwardAPI');
  if (serviceAccountToken) return from([serviceAccountToken], 'ServiceAccountToken');
  if (clusterTrustBundle) {
    const { name, signerName } = clusterTrustBundle;
    return from([clusterTrustBundle], `ClusterTrustBundle ${quote(name ?? signerName)}`);
  }
  const { podCertificate } = source;
  if (!podCertificate) return [];
  return [
    { path: podCertificate.certificateChainPath, source: 'PodCertificate chain' },
    { path: podCertificate.keyPath, source: 'PodCertificate key' },
    { path: podCertificate.credentialBundlePath, source: 'PodCertificate credential bundle' },
  ].flatMap(({ path, source: part }) => (path ? [{ path, source: part }] : []));
}

/** Each path that is another's, lies under another or holds another, with that other. */
function overlaps(paths: readonly SourcedPath[]): string[] {
  const print = ({ path, source }: SourcedPath): string =>
    source === '' ? quote(path) : `${quote(path)} (${source})`;
  const seen: SourcedPath[] = [];
  return paths.flatMap((given) => {
    const here = { ...given, path: given.path.replace(/\/+$/, '') };
    const found = seen.filter(
      ({ path }) =>
        path !== '' &&
        here.path !== '' &&
        (`${path}/`.startsWith(`${here.path}/`) || `${here.path}/`.startsWith(`${path}/`)),
    );
    seen.push(here);
    return found.map((other) => `${print(here)} with ${print(other)}`);
  });
}
