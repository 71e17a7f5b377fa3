import { serviceAccountGroups } from '../../service-accounts.ts';
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

/** What may be asked about: a path, a group, or a resource. */
abstract class Check<Subject> extends AuthorizationValue {
  readonly owner: CelAuthorizer;
  readonly subject: Subject;

  constructor(owner: CelAuthorizer, subject: Subject) {
    super();
    this.owner = owner;
    this.subject = subject;
  }
}

class PathCheck extends Check<string> {
  readonly typeName = 'kubernetes.authorization.PathCheck';
}

class GroupCheck extends Check<string> {
  readonly typeName = 'kubernetes.authorization.GroupCheck';
}

class ResourceCheck extends Check<ResourceAttributes> {
  readonly typeName = 'kubernetes.authorization.ResourceCheck';

  with(more: Partial<ResourceAttributes>): ResourceCheck {
    return new ResourceCheck(this.owner, { ...this.subject, ...more });
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
        groups: [...serviceAccountGroups(namespace), 'system:authenticated'],
      },
      owner.requestResource.subject,
    ),
  pathcheck_check: ({ owner, subject: path }: PathCheck, verb: string) =>
    owner.ask({ kind: 'non-resource', user: owner.user, verb, path }),
  groupcheck_resource: ({ owner, subject: group }: GroupCheck, name: string) =>
    new ResourceCheck(owner, { group, resource: name, subresource: '', namespace: '', name: '' }),
  resourcecheck_subresource: part('subresource'),
  resourcecheck_namespace: part('namespace'),
  resourcecheck_name: part('name'),
  authorizer_fieldselector: part('fieldSelector'),
  authorizer_labelselector: part('labelSelector'),
  resourcecheck_check: ({ owner, subject }: ResourceCheck, verb: string) =>
    owner.ask({ kind: 'resource', user: owner.user, verb, version: '*', ...subject }),
  decision_allowed: ({ allowed }: Decision) => allowed,
  decision_reason: ({ reason }: Decision) => reason,
  decision_errored: () => false,
  decision_error: () => '',
};
