import type { Clock, Logger, Random } from '#core/base';
import {
  baseSystem,
  type ContainerRuntime,
  createMachine,
  createResolver,
  createRuntime,
  type ImageCatalogue,
  type Network,
  probe,
  type Program,
  runtimePrograms,
  type SimulatedMachine,
} from '#core/machines';
import type { TopologyMachine } from './topology.ts';

export interface LabMachineOptions {
  readonly spec: TopologyMachine;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly catalogue: ImageCatalogue;
  readonly programs: Readonly<Record<string, Program>>;
  /** Images on its disk from the beginning. */
  readonly preloaded: readonly string[];
}

export interface LabMachine {
  readonly machine: SimulatedMachine;
  readonly containers: ContainerRuntime;
}

/** A machine with its network and container runtime, not yet booted. */
export function createLabMachine(options: LabMachineOptions): LabMachine {
  const { spec, clock, random, logger, catalogue } = options;
  const network = options.network.addMachine({ name: spec.hostname, address: spec.address });
  let containers: ContainerRuntime | undefined;
  const machine = createMachine(
    spec,
    { clock, random, logger, catalogue, programs: options.programs },
    {
      net: network.namespace,
      runtime: ({ files, processes, procInfo, hostname }) => {
        containers = createRuntime({
          clock,
          random,
          logger,
          catalogue,
          network,
          files,
          processes,
          baseSystem,
          procInfo,
          hostname,
        });
        const made = containers;
        return {
          runtime: made.runtime,
          images: made.images,
          programs: spec.role === 'base' ? {} : runtimePrograms(made),
          writableBytes: () => made.writableBytes(),
          powerOff: () => {
            network.powered = false;
            made.powerOff();
          },
        };
      },
      probe: (target) => {
        const resolver = createResolver({
          files: machine.files,
          net: network.namespace,
          clock,
          random,
        });
        return probe(network.namespace, clock, target, (host) => resolver.lookup(host));
      },
    },
  );
  if (!containers) throw new Error(`machine ${spec.hostname} came without a container runtime`);
  containers.preload(options.preloaded);
  return { machine, containers };
}
