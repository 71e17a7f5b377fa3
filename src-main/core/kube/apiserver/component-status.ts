import { type ApiResponse, type KubeObject, notFound } from '../machinery/index.ts';
import type { Call } from './call.ts';
import { isSelected, listOptionsOf } from './list-options.ts';
import type { ComponentHealth } from './options.ts';
import { respondList, respondObject } from './read.ts';
import { StoredObject } from './stored-object.ts';

function statusObject({ name, healthy, message, error }: ComponentHealth): StoredObject {
  const object: KubeObject = {
    kind: 'ComponentStatus',
    apiVersion: 'v1',
    metadata: { name },
    conditions: [
      {
        type: 'Healthy',
        status: healthy ? 'True' : 'False',
        ...(message === undefined ? {} : { message }),
        ...(error === undefined ? {} : { error }),
      },
    ],
  };
  return new StoredObject(object);
}

/**
 * Answers GET of one component's health, or of all. Nothing is stored: every request asks the components.
 * @see pkg/registry/core/componentstatus/rest.go
 */
export async function handleComponentStatus(call: Call): Promise<ApiResponse> {
  const { context, served, info } = call;
  const all = (await context.options.componentHealth?.()) ?? [];
  if (info.verb === 'get') {
    const found = all.find(({ name }) => name === info.name);
    if (!found) throw notFound({ group: '', resource: 'componentstatus' }, info.name);
    return respondObject(call, 200, statusObject(found));
  }
  const options = listOptionsOf(served, info, false);
  const items = all.map(statusObject).filter(({ object }) => isSelected(served, options, object));
  return respondList(call, { items, metadata: {} });
}
