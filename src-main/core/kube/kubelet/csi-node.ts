import { isReason } from '../machinery/index.ts';
import { errorText, type KubeletContext } from './context.ts';

const firstRetryMs = 500;
const maxRetryMs = 60_000;
/** In-tree plugins whose volumes CSI drivers serve. */
const migratedPlugins = [
  'aws-ebs',
  'azure-disk',
  'azure-file',
  'cinder',
  'gce-pd',
  'portworx-volume',
  'vsphere-volume',
];

/**
 * Makes the node's CSINode object, in which CSI drivers are listed as they register.
 *
 * @see pkg/volume/csi/nodeinfomanager/nodeinfomanager.go
 */
export async function publishCsiNode(
  context: KubeletContext,
  isDisposed: () => boolean,
  delayMs = firstRetryMs,
): Promise<void> {
  const { api, clock, log, nodeName } = context;
  if (!api || isDisposed()) return;
  try {
    const node = await api.client.resource('nodes').get(undefined, nodeName);
    await api.client.resource('csinodes.storage.k8s.io').create({
      apiVersion: 'storage.k8s.io/v1',
      kind: 'CSINode',
      metadata: {
        name: nodeName,
        annotations: {
          'storage.alpha.kubernetes.io/migrated-plugins': migratedPlugins
            .map((plugin) => `kubernetes.io/${plugin}`)
            .join(','),
        },
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Node', name: nodeName, uid: node.metadata.uid ?? '' },
        ],
      },
      spec: { drivers: [] },
    });
  } catch (error) {
    if (isReason(error, 'AlreadyExists')) return;
    log('W', 'csi_plugin.go:375', 'Failed to publish CSINode', { err: errorText(error) });
    clock.setTimer(
      delayMs,
      () => void publishCsiNode(context, isDisposed, Math.min(delayMs * 2, maxRetryMs)),
      { background: true },
    );
  }
}
