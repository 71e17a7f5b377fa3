import { failure } from '#core/kube';
import type { Lab } from '#core/lab';

/** A machine of a lab that commands can be started on. @throws StatusError 404 no such machine; 503 it is off. */
export function runningMachine(lab: Lab, host: string): ReturnType<Lab['machine']> {
  const machine = lab.machine(host);
  if (!machine.running) throw failure(503, 'ServiceUnavailable', `${host} is switched off`);
  return machine;
}
