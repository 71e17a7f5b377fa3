import type { FieldError } from '../../apis/index.ts';
import { dns1035LabelErrors, dns1123SubdomainErrors } from '../../machinery/index.ts';
import { at, isMap, mapOf, numberOf, textOf, textsOf } from '../fields/index.ts';
import { forbiddenField, invalidValue, notSupported, required } from './field-errors.ts';

const path = 'spec.conversion';

/** @see apiextensions-apiserver validateCustomResourceConversion */
export function conversionErrors(crd: unknown): FieldError[] {
  const conversion = mapOf(at(crd, 'spec', 'conversion'));
  const strategy = textOf(conversion['strategy']);
  const errors: FieldError[] = [];
  if (strategy === '') errors.push(required(`${path}.strategy`));
  else if (strategy !== 'None' && strategy !== 'Webhook')
    errors.push(notSupported(`${path}.strategy`, strategy, ['None', 'Webhook']));
  const client = at(conversion, 'webhook', 'clientConfig');
  const versions = textsOf(at(conversion, 'webhook', 'conversionReviewVersions'));
  if (strategy === 'Webhook')
    return [...errors, ...clientErrors(client), ...reviewVersionErrors(versions)];
  const unwanted = 'should not be set when strategy is not set to Webhook';
  if (isMap(client)) errors.push(forbiddenField(`${path}.webhookClientConfig`, unwanted));
  if (versions.length > 0)
    errors.push(forbiddenField(`${path}.conversionReviewVersions`, unwanted));
  return errors;
}

function clientErrors(client: unknown): FieldError[] {
  const own = `${path}.webhookClientConfig`;
  if (!isMap(client)) return [required(own, 'required when strategy is set to Webhook')];
  const { url, service } = client;
  if ((url === undefined) === !isMap(service))
    return [required(own, 'exactly one of url or service is required')];
  return isMap(service) ? serviceErrors(service, `${own}.service`) : urlErrors(textOf(url), own);
}

function urlErrors(url: string, own: string): FieldError[] {
  const form = '; desired format: https://host[/path]';
  const [, scheme = '', host = ''] = /^(?:([A-Za-z][\w+.-]*):)?(?:\/\/([^/?#]*))?/.exec(url) ?? [];
  const errors: FieldError[] = [];
  if (scheme !== 'https')
    errors.push(
      invalidValue(`${own}.url`, scheme, `'https' is the only allowed URL scheme${form}`),
    );
  if (host === '') errors.push(invalidValue(`${own}.url`, host, `host must be specified${form}`));
  return errors;
}

function serviceErrors(service: Readonly<Record<string, unknown>>, own: string): FieldError[] {
  const errors: FieldError[] = [];
  // Upstream takes one for the other here.
  if (textOf(service['namespace']) === '') errors.push(required(`${own}.name`));
  if (textOf(service['name']) === '') errors.push(required(`${own}.namespace`));
  const port = numberOf(service['port']) ?? 0;
  if (port < 1 || port > 65_535)
    errors.push(
      invalidValue(
        `${own}.port`,
        port,
        'port is not valid: must be between 1 and 65535, inclusive',
      ),
    );
  const urlPath = textOf(service['path']);
  if (urlPath === '' || urlPath === '/') return errors;
  if (!urlPath.startsWith('/'))
    errors.push(invalidValue(`${own}.path`, urlPath, "must start with a '/'"));
  urlPath
    .slice(1)
    .replace(/\/$/, '')
    .split('/')
    .forEach((step, index) => {
      const faults = step === '' ? [] : dns1123SubdomainErrors(step);
      if (step === '')
        errors.push(invalidValue(`${own}.path`, urlPath, `segment[${index}] may not be empty`));
      for (const fault of faults)
        errors.push(invalidValue(`${own}.path`, urlPath, `segment[${index}]: ${fault}`));
    });
  return errors;
}

function reviewVersionErrors(versions: readonly string[]): FieldError[] {
  const own = `${path}.conversionReviewVersions`;
  if (versions.length === 0) return [required(own)];
  const errors = versions.flatMap((version, index) =>
    versions.indexOf(version) < index
      ? [invalidValue(`${own}[${index}]`, version, 'duplicate version')]
      : dns1035LabelErrors(version).map((why) => invalidValue(`${own}[${index}]`, version, why)),
  );
  if (!versions.some((version) => version === 'v1' || version === 'v1beta1'))
    errors.push(invalidValue(own, versions, 'must include at least one of v1, v1beta1'));
  return errors;
}
