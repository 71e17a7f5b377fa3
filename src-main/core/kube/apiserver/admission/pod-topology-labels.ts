import type { KubeObject } from '../../machinery/index.ts';
import { draftAt, textAt } from '../fields/index.ts';
import type { AdmissionPlugin, ServerState } from '../types.ts';

const topologyLabels = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region'];

/**
 * A pod gets the zone and region of the node it comes to, whatever it said itself; by its binding, or made there.
 * @see plugin/pkg/admission/podtopologylabels
 */
export function podTopologyLabels(state: ServerState): AdmissionPlugin {
  const label = (object: KubeObject, node: string): void => {
    const known = state.get('', 'nodes', '', node)?.metadata.labels ?? {};
    for (const key of topologyLabels) {
      const value = known[key];
      if (value !== undefined) draftAt(object, 'metadata', 'labels')[key] = value;
    }
  };
  return {
    name: 'PodTopologyLabels',
    admit({ operation, resource, subresource, object }) {
      if (!object || operation !== 'CREATE') return;
      if (resource.group !== '' || resource.resource !== 'pods') return;
      if (subresource === 'binding') {
        if (textAt(object, 'target', 'kind') === 'Node')
          label(object, textAt(object, 'target', 'name'));
      } else if (subresource === '' && textAt(object, 'spec', 'nodeName') !== '')
        label(object, textAt(object, 'spec', 'nodeName'));
    },
  };
}
