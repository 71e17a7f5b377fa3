import { failure, forbidden, notFound } from '../../machinery/index.ts';
import { textAt } from '../fields/index.ts';
import type { AdmissionPlugin, ServerState } from '../types.ts';
import { forbid } from './attributes.ts';

const immortal = new Set(['default', 'kube-system', 'kube-public']);

/**
 * No content in namespaces that are absent or on their way out, and some namespaces for ever.
 * @see k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go
 */
export function namespaceLifecycle(state: ServerState): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    admit(request) {
      const { operation, namespace, resource } = request;
      const isNamespace = resource.group === '' && resource.resource === 'namespaces';
      if (isNamespace) {
        if (operation === 'DELETE' && immortal.has(request.name))
          throw forbidden(resource, request.name, 'this namespace may not be deleted');
        return;
      }
      if (namespace === '' || operation === 'DELETE' || operation === 'CONNECT') return;
      if (resource.resource === 'localsubjectaccessreviews') return;
      const object = state.get('', 'namespaces', '', namespace);
      if (!object) throw notFound({ group: '', resource: 'namespaces' }, namespace);
      if (operation !== 'CREATE' || textAt(object, 'status', 'phase') !== 'Terminating') return;
      const { status } = forbid(
        request,
        `unable to create new content in namespace ${namespace} because it is being terminated`,
      );
      throw failure(403, 'Forbidden', status.message ?? '', {
        ...status.details,
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${namespace} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      });
    },
  };
}

/** Refuses every namespaced request to a namespace that does not exist. */
export function namespaceExists(state: ServerState): AdmissionPlugin {
  return {
    name: 'NamespaceExists',
    validate({ namespace, resource }) {
      if (namespace === '' || resource.resource === 'namespaces') return;
      if (!state.get('', 'namespaces', '', namespace))
        throw notFound({ group: '', resource: 'namespaces' }, namespace);
    },
  };
}
