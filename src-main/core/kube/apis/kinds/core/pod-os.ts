import type { FieldErrors } from '../../validation/field.ts';
import { dnsSubdomain } from '../../validation/meta.ts';
import { containersOf, type PodSpec, type WindowsOptions } from './pod-types.ts';

// Rules: pkg/apis/core/validation/validation.go, what depends on a pod's operating system.

const maxDomainLength = 256;
const maxUserLength = 104;
const maxCredentialSpecLength = 64 * 1024;

const controlCharacters = /\p{Cc}/u;
const netBiosDomain = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const dnsLabelPart = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const dnsDomain = new RegExp(`^${dnsLabelPart}(?:\\.${dnsLabelPart})*$`);
const badUserCharacters = /["/\\:;|=,+*?<>@[\]]/;

/** What is wrong with `DOMAIN\USER` or `USER`. */
function userNameFaults(name: string): string[] {
  if (name === '') return ['runAsUserName cannot be an empty string'];
  if (controlCharacters.test(name)) return ['runAsUserName cannot contain control characters'];
  const parts = name.split('\\');
  if (parts.length > 2) return ['runAsUserName cannot contain more than one backslash'];
  const [domain, user = ''] = parts.length === 2 ? parts : [undefined, name];
  const faults: string[] = [];
  if ((domain ?? '').length >= maxDomainLength)
    faults.push(`runAsUserName's Domain length must be under ${maxDomainLength} characters`);
  if (domain !== undefined && !netBiosDomain.test(domain) && !dnsDomain.test(domain))
    faults.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  if (user === '') faults.push("runAsUserName's User cannot be empty");
  else if (user.length > maxUserLength)
    faults.push(`runAsUserName's User length must not be longer than ${maxUserLength} characters`);
  if (/^[. ]+$/.test(user))
    faults.push("runAsUserName's User cannot contain only periods or spaces");
  if (badUserCharacters.test(user))
    faults.push('runAsUserName\'s User cannot contain the following characters: "/\\:;|=,+*?<>@[]');
  return faults;
}

/** Checks what a security context says for Windows. */
export function validateWindowsOptions(
  errors: FieldErrors,
  path: string,
  options: WindowsOptions | undefined,
): void {
  if (!options) return;
  const { gmsaCredentialSpecName, gmsaCredentialSpec, runAsUserName } = options;
  if (gmsaCredentialSpecName !== undefined)
    dnsSubdomain(errors, `${path}.gmsaCredentialSpecName`, gmsaCredentialSpecName);
  const spec = `${path}.gmsaCredentialSpec`;
  if (gmsaCredentialSpec === '')
    errors.invalid(spec, gmsaCredentialSpec, 'gmsaCredentialSpec cannot be an empty string');
  else if ((gmsaCredentialSpec ?? '').length > maxCredentialSpecLength)
    errors.invalid(
      spec,
      gmsaCredentialSpec,
      `gmsaCredentialSpec size must be under ${maxCredentialSpecLength / 1024} KiB`,
    );
  if (runAsUserName !== undefined)
    errors.invalidEach(`${path}.runAsUserName`, runAsUserName, userNameFaults(runAsUserName));
}

/** If one container is a process of the host, all are, in the host's network. */
export function validateHostProcess(errors: FieldErrors, path: string, spec: PodSpec): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  const containers = containersOf(spec, path);
  let count = 0;
  for (const { container, path: at } of containers) {
    const own = container.securityContext?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && ofPod !== own)
      errors.invalid(
        `${at}.securityContext.windowsOptions.hostProcess`,
        own,
        `pod hostProcess value must be identical if both are specified, was ${String(ofPod)}`,
      );
    if (own ?? ofPod) count++;
  }
  if (count === 0) return;
  if (count !== containers.length)
    errors.invalid(
      path,
      '',
      'If pod contains any hostProcess containers then all containers must be HostProcess containers',
    );
  if (!spec.hostNetwork)
    errors.invalid(
      `${path}.hostNetwork`,
      false,
      'hostNetwork must be true if pod contains any hostProcess containers',
    );
}

/** Fields of a Linux pod that a Windows pod must leave out, in upstream's order. */
const linuxOfPod = [
  'securityContext.appArmorProfile',
  'securityContext.seLinuxOptions',
  'hostUsers',
  'hostPID',
  'hostIPC',
  'securityContext.seccompProfile',
  'securityContext.fsGroup',
  'securityContext.fsGroupChangePolicy',
  'securityContext.sysctls',
  'shareProcessNamespace',
  'securityContext.runAsUser',
  'securityContext.runAsGroup',
  'securityContext.supplementalGroups',
  'securityContext.supplementalGroupsPolicy',
  'securityContext.seLinuxChangePolicy',
];
const linuxOfContainer = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
];

/** These are plain booleans upstream, where false is as good as nothing. */
const plainBooleans = new Set(['hostPID', 'hostIPC']);

function isSet(object: object | undefined, field: string): boolean {
  const value = (object as Readonly<Record<string, unknown>> | undefined)?.[field];
  if (value === undefined || value === null) return false;
  if (field === 'sysctls') return Array.isArray(value) && value.length > 0;
  return value !== false || !plainBooleans.has(field);
}

function validateWindows(errors: FieldErrors, path: string, spec: PodSpec): void {
  const refuse = (at: string): void => {
    errors.forbidden(at, 'cannot be set for a windows pod');
  };
  for (const field of linuxOfPod) {
    const [first = '', second] = field.split('.');
    const set = second === undefined ? isSet(spec, first) : isSet(spec.securityContext, second);
    if (set) refuse(`${path}.${field}`);
  }
  for (const { container, path: at } of containersOf(spec, path))
    for (const field of linuxOfContainer)
      if (isSet(container.securityContext, field)) refuse(`${at}.securityContext.${field}`);
}

function validateLinux(errors: FieldErrors, path: string, spec: PodSpec): void {
  const contexts = [
    { context: spec.securityContext, path },
    ...containersOf(spec, path).map(({ container, path: at }) => ({
      context: container.securityContext,
      path: at,
    })),
  ];
  for (const { context, path: at } of contexts)
    if (context?.windowsOptions)
      errors.forbidden(
        `${at}.securityContext.windowsOptions`,
        'windows options cannot be set for a linux pod',
      );
}

/** Checks the operating system a pod names, and that it asks for nothing of the other one. */
export function validateOs(errors: FieldErrors, path: string, spec: PodSpec): void {
  if (!spec.os) return;
  const name = spec.os.name ?? '';
  if (name === '') errors.required(`${path}.os.name`);
  else if (name === 'linux') validateLinux(errors, path, spec);
  else if (name === 'windows') validateWindows(errors, path, spec);
  else errors.notSupported(`${path}.os`, name, ['linux', 'windows']);
}
