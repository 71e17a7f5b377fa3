import type { Authorizer, Decision } from '../types.ts';

/**
 * Asks in order; the first clear answer counts, and the reasons of the others are joined by line breaks.
 * @see k8s.io/apiserver/pkg/authorization/union/union.go
 */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return {
    authorize(attributes) {
      const reasons: string[] = [];
      // At once where all answer at once: expressions of policies cannot wait.
      const ask = (from: number): Decision | Promise<Decision> => {
        for (const [i, authorizer] of authorizers.entries()) {
          if (i < from) continue;
          const answer = authorizer.authorize(attributes);
          if (answer instanceof Promise)
            return answer.then((decision) => (settles(decision) ? decision : ask(i + 1)));
          if (settles(answer)) return answer;
        }
        return { decision: 'no-opinion', reason: reasons.join('\n') };
      };
      const settles = ({ decision, reason }: Decision): boolean => {
        if (decision !== 'no-opinion') return true;
        if (reason !== '') reasons.push(reason);
        return false;
      };
      return ask(0);
    },
  };
}

/** `--authorization-mode=AlwaysAllow`. */
export const alwaysAllowAuthorizer: Authorizer = {
  authorize: () => ({ decision: 'allow', reason: '' }),
};

/** `--authorization-mode=AlwaysDeny`. */
export const alwaysDenyAuthorizer: Authorizer = {
  authorize: () => ({ decision: 'no-opinion', reason: 'Everything is forbidden.' }),
};

/** Members of `system:masters` may do anything, whatever the other authorizers say. */
export const mastersAuthorizer: Authorizer = {
  authorize: ({ user }) =>
    user.groups.includes('system:masters')
      ? { decision: 'allow', reason: '' }
      : { decision: 'no-opinion', reason: '' },
};
