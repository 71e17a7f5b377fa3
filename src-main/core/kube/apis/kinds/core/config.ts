import { type KubeObject, type ObjectMeta, scanJson } from '../../../machinery/index.ts';
import { fromBase64, fromUtf8, jsonEqual, toBase64, utf8 } from '#core/base';
import type { KindStrategy } from '../../kind-strategy.ts';
import { FieldErrors } from '../../validation/field.ts';
import { immutable, sortedEntries } from '../../validation/meta.ts';
import { isConfigMapKey } from '../../validation/names.ts';
import { view } from './pod-types.ts';

type Texts = Record<string, string>;

interface Secret {
  metadata: ObjectMeta;
  type?: string;
  data?: Texts;
  stringData?: Texts;
  immutable?: boolean;
}

interface ConfigMap {
  metadata: ObjectMeta;
  data?: Texts;
  binaryData?: Texts;
  immutable?: boolean;
}

const maxBytes = 1_048_576;
const sealed = 'field is immutable when `immutable` is set';

/** Bytes a base64 text stands for. */
const decodedLength = (text: string): number =>
  Math.floor((text.length * 3) / 4) - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);

/** What is wrong with a text that should be a JSON object, in Go's words. */
function jsonProblem(base64: string): string | undefined {
  const text = fromUtf8(fromBase64(base64));
  const { error } = scanJson(text);
  if (error !== undefined) return error;
  const value: unknown = JSON.parse(text);
  if (value === null || (typeof value === 'object' && !Array.isArray(value))) return undefined;
  const kind = Array.isArray(value) ? 'array' : typeof value;
  return `json: cannot unmarshal ${kind === 'boolean' ? 'bool' : kind} into Go value of type map[string]interface {}`;
}

function validateSecret(errors: FieldErrors, secret: Secret): void {
  const data = secret.data ?? {};
  let size = 0;
  for (const [key, value] of sortedEntries(data)) {
    errors.invalidEach(`data[${key}]`, key, isConfigMapKey(key));
    size += decodedLength(value);
  }
  if (size > maxBytes) errors.tooLong('data', maxBytes);
  const has = (key: string): boolean => Object.hasOwn(data, key);
  const requireJson = (key: string): void => {
    if (!has(key)) errors.required(`data[${key}]`);
    else {
      const problem = jsonProblem(data[key] ?? '');
      if (problem) errors.invalid(`data[${key}]`, '<secret contents redacted>', problem);
    }
  };
  switch (secret.type ?? '') {
    case 'kubernetes.io/service-account-token': {
      const key = 'kubernetes.io/service-account.name';
      if (!secret.metadata.annotations?.[key]) errors.required(`metadata.annotations[${key}]`);
      break;
    }
    case 'kubernetes.io/dockercfg':
      requireJson('.dockercfg');
      break;
    case 'kubernetes.io/dockerconfigjson':
      requireJson('.dockerconfigjson');
      break;
    case 'kubernetes.io/basic-auth':
      if (!has('username') && !has('password')) {
        errors.required('data[username]');
        errors.required('data[password]');
      }
      break;
    case 'kubernetes.io/ssh-auth':
      if (!data['ssh-privatekey']) errors.required('data[ssh-privatekey]');
      break;
    case 'kubernetes.io/tls':
      for (const key of ['tls.crt', 'tls.key']) if (!has(key)) errors.required(`data[${key}]`);
      break;
    default:
  }
}

export const secretStrategy: KindStrategy = {
  group: '',
  kind: 'Secret',
  unconditionalUpdate: true,
  defaults(draft) {
    const secret = view<Secret>(draft);
    secret.type ||= 'Opaque';
    if (secret.stringData) {
      const data = (secret.data ??= {});
      for (const [key, value] of Object.entries(secret.stringData)) {
        data[key] = toBase64(utf8(value));
      }
      delete secret.stringData;
    }
  },
  validate(object) {
    const errors = new FieldErrors();
    validateSecret(errors, view<Secret>(object));
    return errors.list;
  },
  prepareForUpdate(draft, old) {
    // The empty type means "as it was".
    const secret = view<Secret>(draft);
    const before = view<Secret>(old).type;
    if (!secret.type && before) secret.type = before;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    const secret = view<Secret>(object);
    const before = view<Secret>(old);
    immutable(errors, 'type', secret.type, before.type);
    if (before.immutable) {
      if (!secret.immutable) errors.forbidden('immutable', sealed);
      if (!jsonEqual(secret.data ?? {}, before.data ?? {})) errors.forbidden('data', sealed);
    }
    validateSecret(errors, secret);
    return errors.list;
  },
  warnings(object) {
    const { type, data = {} } = view<Secret>(object);
    const problem =
      type === 'kubernetes.io/tls'
        ? keyPairProblem(pemTypes(data['tls.crt'] ?? ''), pemTypes(data['tls.key'] ?? ''))
        : undefined;
    return problem === undefined ? [] : [problem];
  },
  selectableFields: (object) => ({ type: view<Secret>(object).type ?? '' }),
};

/** The types of the PEM blocks in a base64 text. */
const pemTypes = (base64: string): string[] =>
  [
    ...fromUtf8(fromBase64(base64)).matchAll(
      /^-----BEGIN ([^\n]*)-----\s*\n[\s\S]*?^-----END \1-----/gm,
    ),
  ].map(([, type = '']) => type);

/** What Go's `tls.X509KeyPair` finds wrong before it looks into the certificate. */
function keyPairProblem(certificates: string[], keys: string[]): string | undefined {
  const isKey = (type: string): boolean => type === 'PRIVATE KEY' || type.endsWith(' PRIVATE KEY');
  if (!certificates.includes('CERTIFICATE')) {
    if (certificates.length === 0) return 'tls: failed to find any PEM data in certificate input';
    return certificates.length === 1 && isKey(certificates[0] ?? '')
      ? 'tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched'
      : `tls: failed to find "CERTIFICATE" PEM block in certificate input after skipping PEM blocks of the following types: [${certificates.join(' ')}]`;
  }
  if (keys.some(isKey)) return undefined;
  if (keys.length === 0) return 'tls: failed to find any PEM data in key input';
  return keys.length === 1 && keys[0] === 'CERTIFICATE'
    ? 'tls: found a certificate rather than a key in the PEM for the private key'
    : `tls: failed to find PEM block with type ending in "PRIVATE KEY" in key input after skipping PEM blocks of the following types: [${keys.join(' ')}]`;
}

function validateConfigMap(errors: FieldErrors, { data, binaryData }: ConfigMap): void {
  let size = 0;
  for (const [key, value] of sortedEntries(data)) {
    errors.invalidEach(`data[${key}]`, key, isConfigMapKey(key));
    if (binaryData && Object.hasOwn(binaryData, key)) {
      errors.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData');
    }
    size += utf8(value).length;
  }
  for (const [key, value] of sortedEntries(binaryData)) {
    errors.invalidEach(`binaryData[${key}]`, key, isConfigMapKey(key));
    size += decodedLength(value);
  }
  if (size > maxBytes) errors.tooLong('[]', maxBytes);
}

export const configMapStrategy: KindStrategy = {
  group: '',
  kind: 'ConfigMap',
  unconditionalUpdate: true,
  validate(object) {
    const errors = new FieldErrors();
    validateConfigMap(errors, view<ConfigMap>(object));
    return errors.list;
  },
  validateUpdate(object, old) {
    const errors = new FieldErrors();
    const map = view<ConfigMap>(object);
    const before = view<ConfigMap>(old);
    if (before.immutable) {
      if (!map.immutable) errors.forbidden('immutable', sealed);
      for (const field of ['data', 'binaryData'] as const) {
        if (!jsonEqual(map[field] ?? {}, before[field] ?? {})) errors.forbidden(field, sealed);
      }
    }
    validateConfigMap(errors, map);
    return errors.list;
  },
};

/** References of an account to secrets are their names. */
function keepSecretNames(draft: KubeObject): void {
  const account = view<{ secrets?: { name?: string }[] }>(draft);
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name ? { name } : {}));
}

export const serviceAccountStrategy: KindStrategy = {
  group: '',
  kind: 'ServiceAccount',
  unconditionalUpdate: true,
  prepareForCreate: keepSecretNames,
  prepareForUpdate: keepSecretNames,
  warnings(object, old) {
    const key = 'kubernetes.io/enforce-mountable-secrets';
    return object.metadata.annotations?.[key] === undefined ||
      old?.metadata.annotations?.[key] !== undefined
      ? []
      : [
          `metadata.annotations[${key}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
        ];
  },
};
