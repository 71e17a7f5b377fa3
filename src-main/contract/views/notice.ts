import type { BackupView } from './study.ts';

/** Something that happened to the person's data or content, and that a person can mend. */
export type Notice =
  /** The file of progress was damaged: it is kept aside, and an empty one took its place until a backup is restored. */
  | {
      readonly kind: 'progress-damaged';
      readonly noticeId: string;
      /** Where the damaged file lies. */
      readonly keptAs: string;
      /** The newest good backup from before; null when there is none. */
      readonly backup: BackupView | null;
    }
  /** A piece of content is left out; the message names its file and place, and what is wrong. */
  | { readonly kind: 'content-broken'; readonly noticeId: string; readonly message: string };
