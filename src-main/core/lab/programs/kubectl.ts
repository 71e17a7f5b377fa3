import { runKubectl } from '#core/kubectl';
import { createResolver, type Program } from '#core/machines';
import { apiTransport } from './api-transport.ts';

/** kubectl on a machine: the built-in client over the machine's own files and network. */
export const kubectl: Program = (context) => {
  const { files, net, clock, random, signal } = context;
  const resolver = createResolver({ files, net, clock, random, signal });
  return runKubectl(context.argv.slice(1), {
    ...context,
    connect: (config) =>
      apiTransport(config, { net, files, clock, signal, resolve: (host) => resolver.lookup(host) }),
  });
};
