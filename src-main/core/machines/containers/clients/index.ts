import type { Program } from '../../process/index.ts';
import { containerdProgram } from '../daemon.ts';
import type { ContainerRuntime } from '../runtime.ts';
import { crictl } from './crictl.ts';
import { ctr } from './ctr.ts';
import { docker, nerdctl } from './docker.ts';

/** The programs of a host that talk to its runtime, and the daemon itself, by path. */
export function runtimePrograms(runtime: ContainerRuntime): Readonly<Record<string, Program>> {
  return {
    '/usr/bin/containerd': containerdProgram(runtime),
    '/usr/bin/crictl': crictl(runtime),
    '/usr/bin/ctr': ctr(runtime),
    '/usr/local/bin/nerdctl': nerdctl(runtime),
    '/usr/bin/docker': docker(runtime),
  };
}
