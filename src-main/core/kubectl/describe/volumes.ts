import { at, has, list, text } from '../json-view.ts';
import type { Description } from './writer.ts';

const sizeOf = (value: string): string => (value === '' ? '<unset>' : value);

/** The `Volumes:` section; a template's is less deep than its title lets expect. @see describe.go, describeVolumes */
export function describeVolumes(
  out: Description,
  volumes: readonly unknown[],
  level: number,
): void {
  if (volumes.length === 0) {
    out.line(level, 'Volumes:', '<none>');
    return;
  }
  out.line(level, 'Volumes:');
  for (const volume of volumes) {
    out.line(1, `${level > 0 ? ' ' : ''}${text(volume, 'name')}:`);
    describeSource(out, volume, 2);
  }
}

/** One volume's source, of a pod or a persistent volume. */
export function describeSource(out: Description, volume: unknown, level: number): void {
  const line = (name: string, value: string): void => {
    out.line(level, `${name}:`, value);
  };
  const optional = (key: string): string => String(at(volume, key, 'optional') === true);
  if (has(volume, 'hostPath')) {
    line('Type', 'HostPath (bare host directory volume)');
    line('Path', text(volume, 'hostPath', 'path'));
    line('HostPathType', text(volume, 'hostPath', 'type'));
  } else if (has(volume, 'emptyDir')) {
    line('Type', "EmptyDir (a temporary directory that shares a pod's lifetime)");
    line('Medium', text(volume, 'emptyDir', 'medium'));
    line('SizeLimit', sizeOf(text(volume, 'emptyDir', 'sizeLimit')));
  } else if (has(volume, 'configMap')) {
    line('Type', 'ConfigMap (a volume populated by a ConfigMap)');
    line('Name', text(volume, 'configMap', 'name'));
    line('Optional', optional('configMap'));
  } else if (has(volume, 'secret')) {
    line('Type', 'Secret (a volume populated by a Secret)');
    line('SecretName', text(volume, 'secret', 'secretName'));
    line('Optional', optional('secret'));
  } else if (has(volume, 'persistentVolumeClaim')) {
    line(
      'Type',
      'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)',
    );
    line('ClaimName', text(volume, 'persistentVolumeClaim', 'claimName'));
    line('ReadOnly', String(at(volume, 'persistentVolumeClaim', 'readOnly') === true));
  } else if (has(volume, 'projected')) {
    line('Type', 'Projected (a volume that contains injected data from multiple sources)');
    for (const source of list(volume, 'projected', 'sources')) {
      if (has(source, 'secret')) {
        line('SecretName', text(source, 'secret', 'name'));
        line('Optional', String(at(source, 'secret', 'optional') === true));
      } else if (has(source, 'downwardAPI')) line('DownwardAPI', 'true');
      else if (has(source, 'configMap')) {
        line('ConfigMapName', text(source, 'configMap', 'name'));
        line('Optional', String(at(source, 'configMap', 'optional') === true));
      } else if (has(source, 'serviceAccountToken'))
        line('TokenExpirationSeconds', text(source, 'serviceAccountToken', 'expirationSeconds'));
    }
  } else if (has(volume, 'downwardAPI')) {
    line('Type', 'DownwardAPI (a volume populated by information about the pod)');
    out.line(level, 'Items:');
    for (const item of list(volume, 'downwardAPI', 'items'))
      if (has(item, 'fieldRef'))
        out.line(level + 1, `${text(item, 'fieldRef', 'fieldPath')} -> ${text(item, 'path')}`);
  } else if (has(volume, 'nfs')) {
    line('Type', 'NFS (an NFS mount that lasts the lifetime of a pod)');
    line('Server', text(volume, 'nfs', 'server'));
    line('Path', text(volume, 'nfs', 'path'));
    line('ReadOnly', String(at(volume, 'nfs', 'readOnly') === true));
  } else if (has(volume, 'local')) {
    line('Type', 'LocalVolume (a persistent volume backed by local storage on a node)');
    line('Path', text(volume, 'local', 'path'));
  } else if (has(volume, 'csi')) {
    line('Type', 'CSI (a Container Storage Interface (CSI) volume source)');
    line('Driver', text(volume, 'csi', 'driver'));
    line('FSType', text(volume, 'csi', 'fsType'));
    if (has(volume, 'csi', 'volumeHandle'))
      line('VolumeHandle', text(volume, 'csi', 'volumeHandle'));
    line('ReadOnly', String(at(volume, 'csi', 'readOnly') === true));
  } else if (has(volume, 'image')) {
    line('Type', 'Image (a container image or OCI artifact)');
    line('Reference', text(volume, 'image', 'reference'));
    line('PullPolicy', text(volume, 'image', 'pullPolicy'));
  } else out.line(level, '<unknown>');
}
