import type { DeepReadonly } from '#core/base';

import type { KubeObject, LabelSelector } from '../../../machinery/index.ts';
import type { FieldError, KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors, Printed } from '../../validation/field.ts';
import { isReadableSelector, semanticEqual, validateLabelSelector } from '../../validation/meta.ts';
import { isDns1123Subdomain, isPathSegment } from '../../validation/names.ts';
import { view } from '../core/pod-types.ts';

const group = 'rbac.authorization.k8s.io';

interface Rule {
  verbs?: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

interface Role {
  rules?: Rule[] | null;
  aggregationRule?: { clusterRoleSelectors?: LabelSelector[] };
}

interface Binding {
  roleRef?: { apiGroup?: string; kind?: string; name?: string };
  subjects?: { apiGroup?: string; kind?: string; name?: string; namespace?: string }[];
}

function validateRule(errors: FieldErrors, path: string, rule: Rule, namespaced: boolean): void {
  const { apiGroups = [], resources = [], resourceNames = [] } = rule;
  const verbs = rule.verbs ?? [];
  const urls = rule.nonResourceURLs ?? [];
  if (verbs.length === 0) {
    errors.required(`${path}.verbs`, 'verbs must contain at least one value');
  }
  if (urls.length > 0) {
    const at = `${path}.nonResourceURLs`;
    if (namespaced) {
      errors.invalid(at, urls, 'namespaced rules cannot apply to non-resource URLs');
    }
    if (apiGroups.length + resources.length + resourceNames.length > 0) {
      errors.invalid(
        at,
        urls,
        'rules cannot apply to both regular resources and non-resource URLs',
      );
    }
    return;
  }
  if (apiGroups.length === 0) {
    errors.required(`${path}.apiGroups`, 'resource rules must supply at least one api group');
  }
  if (resources.length === 0) {
    errors.required(`${path}.resources`, 'resource rules must supply at least one resource');
  }
}

function roleStrategy(kind: 'Role' | 'ClusterRole'): KindStrategy {
  const check = (object: DeepReadonly<KubeObject>): FieldError[] => {
    const errors = new FieldErrors();
    const role = view<Role>(object);
    role.rules?.forEach((rule, index) => {
      validateRule(errors, `rules[${index}]`, rule, kind === 'Role');
    });
    if (role.aggregationRule) {
      const path = 'aggregationRule.clusterRoleSelectors';
      const selectors = role.aggregationRule.clusterRoleSelectors ?? [];
      if (selectors.length === 0) {
        errors.required(
          path,
          'at least one clusterRoleSelector required if aggregationRule is non-nil',
        );
      }
      selectors.forEach((selector, index) => {
        validateLabelSelector(errors, `${path}[${index}]`, selector);
        // Upstream prints the selector it could not make.
        if (!isReadableSelector(selector))
          errors.invalid(`${path}[${index}]`, null, 'invalid label selector.');
      });
    }
    return errors.list;
  };
  return {
    group,
    kind,
    nameRule: 'path-segment',
    createOnUpdate: true,
    unconditionalUpdate: true,
    defaults(draft) {
      // The list is printed even when there is none.
      draft['rules'] ??= null;
    },
    validate: check,
    validateUpdate: check,
  };
}

function validateBinding(
  errors: FieldErrors,
  object: DeepReadonly<KubeObject>,
  namespaced: boolean,
): void {
  const { roleRef = {}, subjects = [] } = view<Binding>(object);
  if (roleRef.apiGroup !== group) {
    errors.notSupported('roleRef.apiGroup', roleRef.apiGroup ?? '', [group]);
  }
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (!kinds.includes(roleRef.kind ?? '')) {
    errors.notSupported('roleRef.kind', roleRef.kind ?? '', kinds);
  }
  if (!roleRef.name) errors.required('roleRef.name');
  else errors.invalidEach('roleRef.name', roleRef.name, isPathSegment(roleRef.name));
  subjects.forEach((subject, index) => {
    const at = `subjects[${index}]`;
    const { name = '', kind = '', apiGroup = '', namespace = '' } = subject;
    if (name === '') errors.required(`${at}.name`);
    if (kind === 'ServiceAccount') {
      if (name !== '') errors.invalidEach(`${at}.name`, name, isDns1123Subdomain(name));
      if (apiGroup !== '') errors.notSupported(`${at}.apiGroup`, apiGroup, ['']);
      if (!namespaced && namespace === '') errors.required(`${at}.namespace`);
    } else if (kind === 'User' || kind === 'Group') {
      if (apiGroup !== group) errors.notSupported(`${at}.apiGroup`, apiGroup, [group]);
    } else errors.notSupported(`${at}.kind`, kind, ['ServiceAccount', 'User', 'Group']);
  });
}

function bindingStrategy(kind: 'RoleBinding' | 'ClusterRoleBinding'): KindStrategy {
  const namespaced = kind === 'RoleBinding';
  return {
    group,
    kind,
    nameRule: 'path-segment',
    createOnUpdate: true,
    unconditionalUpdate: true,
    defaults(draft) {
      const { roleRef, subjects } = view<Binding>(draft);
      if (roleRef) roleRef.apiGroup ||= group;
      for (const subject of subjects ?? []) {
        if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= group;
      }
    },
    validate(object) {
      const errors = new FieldErrors();
      validateBinding(errors, object, namespaced);
      return errors.list;
    },
    validateUpdate(object, old) {
      const errors = new FieldErrors();
      const { roleRef = {} } = view<Binding>(object);
      validateBinding(errors, object, namespaced);
      if (!semanticEqual(roleRef, view<Binding>(old).roleRef)) {
        const printed = JSON.stringify({
          APIGroup: roleRef.apiGroup ?? '',
          Kind: roleRef.kind ?? '',
          Name: roleRef.name ?? '',
        });
        errors.invalid('roleRef', new Printed(printed), 'cannot change roleRef');
      }
      return errors.list;
    },
  };
}

export const rbacStrategies: readonly KindStrategy[] = [
  roleStrategy('Role'),
  roleStrategy('ClusterRole'),
  bindingStrategy('RoleBinding'),
  bindingStrategy('ClusterRoleBinding'),
];
