/** Why a container waits: what `state.waiting` shows as reason. */
export type WaitingReason =
  | 'CrashLoopBackOff'
  | 'CreateContainerConfigError'
  | 'CreateContainerError'
  | 'ErrImageNeverPull'
  | 'ErrImagePull'
  | 'ImagePullBackOff'
  | 'ImageInspectError'
  | 'InvalidImageName'
  | 'PostStartHookError'
  | 'RunContainerError';

/** A container could not be started. The message is what `state.waiting` shows. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly reason: WaitingReason;
  /** When the back-off ends, ms since the epoch. */
  readonly retryMs: number | undefined;

  constructor(reason: WaitingReason, message: string, retryMs?: number) {
    super(message);
    this.reason = reason;
    this.retryMs = retryMs;
  }
}
