import { defineTexts } from '../../lib/i18n/index.ts';

export const texts = defineTexts({
  title: { ko: '보관함', en: 'Library' },
  subtitle: { ko: '학습 기록의 백업', en: 'Backups of your study record' },
  create: { ko: '지금 백업', en: 'Back up now' },
  created: { ko: '백업을 만들었습니다 ({size}).', en: 'Backup made ({size}).' },
  backups: { ko: '백업', en: 'Backups' },
  about: {
    ko: '카드, 복습 기록, 시험 결과, 설정이 들어 있습니다. 복원하기 전의 상태도 자동으로 백업됩니다.',
    en: 'Cards, review log, exam results and settings. Before a restore the present state is backed up too.',
  },
  none: { ko: '아직 백업이 없습니다', en: 'No backups yet' },
  noneText: {
    ko: '날마다 자동으로 만들어지며, 지금 직접 만들 수도 있습니다.',
    en: 'They are made automatically as you study; you can also make one now.',
  },
  when: { ko: '만든 때', en: 'Made' },
  reason: { ko: '이유', en: 'Reason' },
  size: { ko: '크기', en: 'Size' },
  action: { ko: '작업', en: 'Action' },
  manual: { ko: '직접', en: 'By hand' },
  automatic: { ko: '자동', en: 'Automatic' },
  beforeRestore: { ko: '복원 전', en: 'Before a restore' },
  beforeMigration: { ko: '업그레이드 전', en: 'Before an upgrade' },
  restore: { ko: '복원', en: 'Restore' },
  restoreTitle: { ko: '이 백업으로 되돌릴까요?', en: 'Restore this backup?' },
  restoreText: {
    ko: '학습 기록이 {when}의 상태로 바뀝니다. 지금 상태는 먼저 백업됩니다.',
    en: 'Your study record returns to its state of {when}. The present state is backed up first.',
  },
  cancel: { ko: '취소', en: 'Cancel' },
  restored: { ko: '{when}의 백업으로 복원했습니다.', en: 'Restored the backup of {when}.' },
});
