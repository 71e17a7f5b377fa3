import type { Environment } from '@marcbachmann/cel-js';
import type { Attributes, Authorizer, UserInfo } from '../types.ts';

const parent = 'kubernetes.authorization';

class Decision {
  readonly allowed: boolean;
  readonly reason: string;

  constructor(allowed: boolean, reason: string) {
    this.allowed = allowed;
    this.reason = reason;
  }
}

interface ResourceQuestion {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector?: string;
  readonly labelSelector?: string;
}

/** `authorizer` in expressions: asks on behalf of the user of the request, or of a service account. */
export class CelAuthorizer {
  readonly authorizer: Authorizer;
  readonly user: UserInfo;
  /** The resource of the request. */
  readonly requestResource: ResourceCheck;

  constructor(authorizer: Authorizer, user: UserInfo, request: ResourceQuestion) {
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

class PathCheck {
  readonly owner: CelAuthorizer;
  readonly path: string;

  constructor(owner: CelAuthorizer, path: string) {
    this.owner = owner;
    this.path = path;
  }
}

class GroupCheck {
  readonly owner: CelAuthorizer;
  readonly group: string;

  constructor(owner: CelAuthorizer, group: string) {
    this.owner = owner;
    this.group = group;
  }
}

class ResourceCheck {
  readonly owner: CelAuthorizer;
  readonly question: ResourceQuestion;

  constructor(owner: CelAuthorizer, question: ResourceQuestion) {
    this.owner = owner;
    this.question = question;
  }

  with(more: Partial<ResourceQuestion>): ResourceCheck {
    return new ResourceCheck(this.owner, { ...this.question, ...more });
  }
}

/** @see k8s.io/apiserver/pkg/cel/library/authz.go */
export function registerAuthorizer(env: Environment): void {
  const [decision, resource] = [`${parent}.Decision`, `${parent}.ResourceCheck`];
  env.registerType(decision, Decision);
  env.registerType(resource, ResourceCheck);
  env.registerType(`${parent}.PathCheck`, PathCheck);
  env.registerType(`${parent}.GroupCheck`, GroupCheck);
  env.registerType(`${parent}.Authorizer`, {
    ctor: CelAuthorizer,
    fields: { requestResource: resource },
  });
  const own = `${parent}.Authorizer`;
  env.registerFunction(
    `${own}.path(string): ${parent}.PathCheck`,
    (owner: CelAuthorizer, path: string) => new PathCheck(owner, path),
  );
  env.registerFunction(
    `${own}.group(string): ${parent}.GroupCheck`,
    (owner: CelAuthorizer, group: string) => new GroupCheck(owner, group),
  );
  env.registerFunction(
    `${own}.serviceAccount(string, string): ${own}`,
    (owner: CelAuthorizer, namespace: string, name: string) =>
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
        owner.requestResource.question,
      ),
  );
  env.registerFunction(
    `${parent}.PathCheck.check(string): ${decision}`,
    ({ owner, path }: PathCheck, verb: string) =>
      owner.ask({ kind: 'non-resource', user: owner.user, verb, path }),
  );
  env.registerFunction(
    `${parent}.GroupCheck.resource(string): ${resource}`,
    ({ owner, group }: GroupCheck, name: string) =>
      new ResourceCheck(owner, { group, resource: name, subresource: '', namespace: '', name: '' }),
  );
  for (const part of [
    'subresource',
    'namespace',
    'name',
    'fieldSelector',
    'labelSelector',
  ] as const)
    env.registerFunction(
      `${resource}.${part}(string): ${resource}`,
      (check: ResourceCheck, value: string) => check.with({ [part]: value }),
    );
  env.registerFunction(
    `${resource}.check(string): ${decision}`,
    ({ owner, question }: ResourceCheck, verb: string) =>
      owner.ask({ kind: 'resource', user: owner.user, verb, version: '*', ...question }),
  );
  env.registerFunction(`${decision}.allowed(): bool`, ({ allowed }: Decision) => allowed);
  env.registerFunction(`${decision}.reason(): string`, ({ reason }: Decision) => reason);
  env.registerFunction(`${decision}.errored(): bool`, () => false);
  env.registerFunction(`${decision}.error(): string`, () => '');
}
