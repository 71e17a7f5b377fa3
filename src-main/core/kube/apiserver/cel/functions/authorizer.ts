import type { Attributes, Authorizer, UserInfo } from '../../types.ts';
import type { Implementations } from '../language/interpreter.ts';
import { LibraryValue } from '../language/values.ts';

/** Values of the authorizer are never the same. */
abstract class AuthorizationValue extends LibraryValue {
  equals(other: LibraryValue): boolean {
    return other === this;
  }
}

class Decision extends AuthorizationValue {
  readonly typeName = 'kubernetes.authorization.Decision';
  readonly allowed: boolean;
  readonly reason: string;

  constructor(allowed: boolean, reason: string) {
    super();
    this.allowed = allowed;
    this.reason = reason;
  }
}

interface ResourceAttributes {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

/** `authorizer` in expressions: asks on behalf of the user of the request, or of a service account. */
export class CelAuthorizer extends AuthorizationValue {
  readonly typeName = 'kubernetes.authorization.Authorizer';
  readonly authorizer: Authorizer;
  readonly user: UserInfo;
  /** The resource of the request. */
  readonly requestResource: ResourceCheck;

  constructor(authorizer: Authorizer, user: UserInfo, request: ResourceAttributes) {
    super();
    this.authorizer = authorizer;
    this.user = user;
    this.requestResource = new ResourceCheck(this, request);
  }

  ask(attributes: Attributes): Decision {
    const answer = this.authorizer.authorize(attributes);
    // Authorizers of this process answer at once; another's answer cannot be waited for within an expression.
    if (answer instanceof Promise) return new Decision(false, '');
    return new Decision(answer.decision === 'allow', answer.reason);
  }
}

class PathCheck extends AuthorizationValue {
  readonly typeName = 'kubernetes.authorization.PathCheck';
  readonly owner: CelAuthorizer;
  readonly path: string;

  constructor(owner: CelAuthorizer, path: string) {
    super();
    this.owner = owner;
    this.path = path;
  }
}

class GroupCheck extends AuthorizationValue {
  readonly typeName = 'kubernetes.authorization.GroupCheck';
  readonly owner: CelAuthorizer;
  readonly group: string;

  constructor(owner: CelAuthorizer, group: string) {
    super();
    this.owner = owner;
    this.group = group;
  }
}

class ResourceCheck extends AuthorizationValue {
  readonly typeName = 'kubernetes.authorization.ResourceCheck';
  readonly owner: CelAuthorizer;
  readonly attributes: ResourceAttributes;

  constructor(owner: CelAuthorizer, attributes: ResourceAttributes) {
    super();
    this.owner = owner;
    this.attributes = attributes;
  }

  with(more: Partial<ResourceAttributes>): ResourceCheck {
    return new ResourceCheck(this.owner, { ...this.attributes, ...more });
  }
}

const part =
  (name: 'subresource' | 'namespace' | 'name' | 'fieldSelector' | 'labelSelector') =>
  (check: ResourceCheck, value: string): ResourceCheck =>
    check.with({ [name]: value });

/** @see k8s.io/apiserver/pkg/cel/library/authz.go */
export const authorization: Implementations = {
  authorizer_path: (owner: CelAuthorizer, path: string) => new PathCheck(owner, path),
  authorizer_group: (owner: CelAuthorizer, group: string) => new GroupCheck(owner, group),
  authorizer_serviceaccount: (owner: CelAuthorizer, namespace: string, name: string) =>
    new CelAuthorizer(
      owner.authorizer,
      {
        username: `system:serviceaccount:${namespace}:${name}`,
        groups: [
          'system:serviceaccounts',
          `system:serviceaccounts:${namespace}`,
          'system:authenticated',
        ],
      },
      owner.requestResource.attributes,
    ),
  pathcheck_check: ({ owner, path }: PathCheck, verb: string) =>
    owner.ask({ kind: 'non-resource', user: owner.user, verb, path }),
  groupcheck_resource: ({ owner, group }: GroupCheck, name: string) =>
    new ResourceCheck(owner, { group, resource: name, subresource: '', namespace: '', name: '' }),
  resourcecheck_subresource: part('subresource'),
  resourcecheck_namespace: part('namespace'),
  resourcecheck_name: part('name'),
  authorizer_fieldselector: part('fieldSelector'),
  authorizer_labelselector: part('labelSelector'),
  resourcecheck_check: ({ owner, attributes }: ResourceCheck, verb: string) =>
    owner.ask({ kind: 'resource', user: owner.user, verb, version: '*', ...attributes }),
  decision_allowed: ({ allowed }: Decision) => allowed,
  decision_reason: ({ reason }: Decision) => reason,
  decision_errored: () => false,
  decision_error: () => '',
};
