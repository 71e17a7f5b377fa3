import type { EventFrame, Notice } from '#contract';
import { Emitter, type Event } from '#core/base';
import { notFound } from '#core/kube';
import type { Handlers } from './serve.ts';

/** Notices as the host keeps them. */
export interface NoticeBoard {
  list(): readonly Notice[];
  /** Never shown again, also after a restart where its cause lies in the past. */
  dismiss(noticeId: string): void;
  /** One came or went. */
  readonly onChange: Event<void>;
}

/** For hosts that have nothing to tell. */
export const noNotices: NoticeBoard = {
  list: () => [],
  dismiss: () => undefined,
  onChange: new Emitter<void>().event,
};

export function noticeHandlers(
  board: NoticeBoard,
  events: Emitter<EventFrame>,
): Pick<Handlers, 'app.notices' | 'app.dismissNotice'> {
  board.onChange(() => events.fire({ kind: 'event', event: 'app.notices', payload: board.list() }));
  return {
    'app.notices': () => Promise.resolve(board.list()),
    'app.dismissNotice': ({ noticeId }) => {
      if (!board.list().some((notice) => notice.noticeId === noticeId))
        return Promise.reject(notFound({ group: '', resource: 'notices' }, noticeId));
      board.dismiss(noticeId);
      return Promise.resolve({});
    },
  };
}
