import type { DeepReadonly } from '#core/base';
import type { KubeObject } from '../../machinery/index.ts';
import { at, textAt } from '../fields/index.ts';
import type { Authorizer, Decision, ResourceAttributes, ServerState, UserInfo } from '../types.ts';
import { bootstrapNodeRules } from './bootstrap-policy.ts';
import { isMirrorPod, podReferences, podResourceClaims, volumeSecrets } from './node-graph.ts';
import { ruleAllows } from './policy-rule.ts';

const noOpinion = (reason = ''): Decision => ({ decision: 'no-opinion', reason });
const allow: Decision = { decision: 'allow', reason: '' };

/** The node a kubelet's user stands for; undefined for other users, '' when it names none. */
export function nodeNameOf(user: UserInfo): string | undefined {
  if (!user.username.startsWith('system:node:') || !user.groups.includes('system:nodes'))
    return undefined;
  return user.username.slice('system:node:'.length);
}

/**
 * Lets a kubelet read what the pods of its node need and nothing else. Relations are looked up in the state at
 * each question instead of in a graph kept beside it: the answer is never stale.
 * @see k8s.io/kubernetes/plugin/pkg/auth/authorizer/node/node_authorizer.go
 */
export function createNodeAuthorizer(state: ServerState): Authorizer {
  const rules = bootstrapNodeRules();
  const relations = new Relations(state);
  return {
    authorize(attributes) {
      const node = nodeNameOf(attributes.user);
      if (node === undefined) return noOpinion();
      if (node === '')
        return noOpinion(`unknown node for user ${JSON.stringify(attributes.user.username)}`);
      if (attributes.kind === 'resource') {
        const decision = decide(relations, node, attributes);
        if (decision) return decision;
      }
      return rules.some((rule) => ruleAllows(rule, attributes)) ? allow : noOpinion();
    },
  };
}

type Kind = 'secrets' | 'configmaps' | 'persistentvolumeclaims' | 'persistentvolumes' | 'pods';
type Related = Kind | 'serviceaccounts' | 'volumeattachments' | 'resourceclaims' | 'resourceslices';

/** Undefined: not a resource that is divided between nodes. */
function decide(relations: Relations, node: string, a: ResourceAttributes): Decision | undefined {
  const related = (kind: Related): Decision => {
    if (a.name === '') return noOpinion('No Object name found');
    return relations.isRelated(node, kind, a.namespace, a.name)
      ? allow
      : noOpinion(`no relationship found between node '${node}' and this object`);
  };
  const getOnly = (kind: Related): Decision => {
    if (a.verb !== 'get') return noOpinion('can only get individual resources of this type');
    if (a.subresource !== '') return noOpinion('cannot get subresource');
    return related(kind);
  };
  const read = (kind: Related): Decision => {
    if (!['get', 'list', 'watch'].includes(a.verb))
      return noOpinion('can only read resources of this type');
    if (a.subresource !== '') return noOpinion('cannot read subresource');
    if (a.namespace === '') return noOpinion('can only read namespaced object of this type');
    return related(kind);
  };
  const selectsNode = (field: string): boolean =>
    (a.fieldSelector ?? '').split(',').some((term) => {
      const [name = '', value = ''] = term.split(/==?/);
      return name === field && value === node;
    });

  switch (a.group === '' ? a.resource : `${a.resource}.${a.group}`) {
    case 'secrets':
    case 'configmaps':
      return read(a.resource as Kind);
    case 'persistentvolumeclaims':
      if (a.subresource !== 'status') return getOnly('persistentvolumeclaims');
      if (a.verb !== 'update' && a.verb !== 'patch')
        return noOpinion('can only get/update/patch this type');
      return related('persistentvolumeclaims');
    case 'persistentvolumes':
      return getOnly('persistentvolumes');
    case 'resourceclaims.resource.k8s.io':
      return getOnly('resourceclaims');
    case 'volumeattachments.storage.k8s.io':
      return getOnly('volumeattachments');
    case 'serviceaccounts':
      if (a.verb === 'get' && a.subresource === '') return read('serviceaccounts');
      if (a.verb !== 'create' || a.name === '')
        return noOpinion('can only create tokens for individual service accounts');
      if (a.subresource !== 'token')
        return noOpinion('can only create token subresource of serviceaccount');
      return related('serviceaccounts');
    case 'leases.coordination.k8s.io':
      return ownObject(a, node, {
        verbs: 'can only get, create, update, patch, or delete a node lease',
        name: 'can only access node lease with the same name as the requesting node',
        namespace: 'can only access leases in the "kube-node-lease" system namespace',
      });
    case 'csinodes.storage.k8s.io':
      return ownObject(a, node, {
        verbs: 'can only get, create, update, patch, or delete a CSINode',
        name: 'can only access CSINode with the same name as the requesting node',
        subresource: 'cannot authorize CSINode subresources',
      });
    case 'resourceslices.resource.k8s.io':
      if (a.subresource !== '') return noOpinion('cannot authorize ResourceSlice subresources');
      if (a.verb === 'create') return allow;
      if (['get', 'update', 'patch', 'delete'].includes(a.verb)) return related('resourceslices');
      if (['watch', 'list', 'deletecollection'].includes(a.verb))
        return selectsNode('spec.nodeName')
          ? allow
          : noOpinion(
              'can only list/watch/deletecollection resourceslices with nodeName field selector',
            );
      return noOpinion(
        'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
      );
    case 'nodes':
      return ownNode(a, node);
    case 'pods':
      if (a.subresource === '') {
        if (a.verb === 'get') return getOnly('pods');
        if (a.verb === 'create' || a.verb === 'delete') return allow;
        if (a.verb !== 'list' && a.verb !== 'watch') return noOpinion();
        if (selectsNode('spec.nodeName')) return allow;
        return a.name === ''
          ? noOpinion('can only list/watch pods with spec.nodeName field selector')
          : related('pods');
      }
      if (a.subresource === 'status' && (a.verb === 'update' || a.verb === 'patch')) return allow;
      if (a.subresource === 'eviction' && a.verb === 'create') return allow;
      return noOpinion();
    default:
      return undefined;
  }
}

function ownObject(
  a: ResourceAttributes,
  node: string,
  texts: { verbs: string; name: string; namespace?: string; subresource?: string },
): Decision {
  if (!['get', 'create', 'update', 'patch', 'delete'].includes(a.verb))
    return noOpinion(texts.verbs);
  if (texts.subresource !== undefined && a.subresource !== '') return noOpinion(texts.subresource);
  if (texts.namespace !== undefined && a.namespace !== 'kube-node-lease')
    return noOpinion(texts.namespace);
  // On create the name is not known yet; NodeRestriction checks it.
  return a.verb !== 'create' && a.name !== node ? noOpinion(texts.name) : allow;
}

function ownNode(a: ResourceAttributes, node: string): Decision {
  if (a.subresource === 'status')
    return a.verb === 'update' || a.verb === 'patch' ? allow : noOpinion();
  if (a.subresource !== '') return noOpinion();
  if (['create', 'update', 'patch'].includes(a.verb)) return allow;
  if (!['get', 'list', 'watch'].includes(a.verb)) return noOpinion();
  if (a.name === node) return allow;
  return noOpinion(
    a.name === ''
      ? `node '${node}' cannot read all nodes, only its own Node object`
      : `node '${node}' cannot read '${a.name}', only its own Node object`,
  );
}

type PodView = DeepReadonly<KubeObject>;

/** What the pods of a node have to do with other objects. */
class Relations {
  readonly #state: ServerState;
  /** The pod that showed a relation last is asked first: all pods of a node need the same few objects. */
  readonly #witnesses = new Map<string, string>();

  constructor(state: ServerState) {
    this.#state = state;
  }

  isRelated(node: string, kind: Related, namespace: string, name: string): boolean {
    const usesClaim = (claimNamespace: string, claim: string): boolean =>
      this.#anyPodHere(node, claimNamespace, `persistentvolumeclaims/${claim}`, (pod) =>
        podReferences(pod).claims.has(claim),
      );
    const usedHere = (predicate: (pod: PodView) => boolean): boolean =>
      this.#anyPodHere(node, namespace, `${kind}/${name}`, predicate);

    switch (kind) {
      case 'pods': {
        const pod = this.#state.get('', 'pods', namespace, name);
        return pod !== undefined && textAt(pod, 'spec', 'nodeName') === node;
      }
      case 'configmaps':
        return usedHere((pod) => podReferences(pod).configMaps.has(name));
      case 'secrets':
        return (
          usedHere((pod) => podReferences(pod).secrets.has(name)) ||
          this.#state
            .list('', 'persistentvolumes')
            .some(
              (volume) =>
                volumeSecrets(volume).some(
                  (secret) => secret.namespace === namespace && secret.name === name,
                ) &&
                usesClaim(
                  textAt(volume, 'spec', 'claimRef', 'namespace'),
                  textAt(volume, 'spec', 'claimRef', 'name'),
                ),
            )
        );
      case 'persistentvolumeclaims':
        return usesClaim(namespace, name);
      case 'persistentvolumes': {
        const reference = at(
          this.#state.get('', 'persistentvolumes', '', name),
          'spec',
          'claimRef',
        );
        return (
          reference !== undefined &&
          usesClaim(textAt(reference, 'namespace'), textAt(reference, 'name'))
        );
      }
      case 'serviceaccounts':
        return usedHere((pod) => textAt(pod, 'spec', 'serviceAccountName') === name);
      case 'volumeattachments':
        return (
          textAt(
            this.#state.get('storage.k8s.io', 'volumeattachments', '', name),
            'spec',
            'nodeName',
          ) === node
        );
      case 'resourceclaims':
        return usedHere((pod) => podResourceClaims(pod).has(name));
      case 'resourceslices':
        return (
          textAt(
            this.#state.get('resource.k8s.io', 'resourceslices', '', name),
            'spec',
            'nodeName',
          ) === node
        );
    }
  }

  /** Whether a pod of the node, mirror pods aside, satisfies a predicate that depends on `question` alone. */
  #anyPodHere(
    node: string,
    namespace: string,
    question: string,
    predicate: (pod: PodView) => boolean,
  ): boolean {
    const fits = (pod: PodView): boolean =>
      textAt(pod, 'spec', 'nodeName') === node && !isMirrorPod(pod) && predicate(pod);
    const key = `${node} ${namespace} ${question}`;
    const witness = this.#state.get('', 'pods', namespace, this.#witnesses.get(key) ?? '');
    if (witness && fits(witness)) return true;
    const found = this.#state.list('', 'pods', namespace).find(fits);
    if (found) this.#witnesses.set(key, found.metadata.name ?? '');
    else this.#witnesses.delete(key);
    return found !== undefined;
  }
}
