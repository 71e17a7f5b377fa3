import { defineTexts } from '../lib/i18n/index.ts';

export const texts = defineTexts({
  loading: { ko: '불러오는 중', en: 'Loading' },
  retry: { ko: '다시 시도', en: 'Try again' },
  failed: { ko: '불러오지 못했습니다', en: 'This could not be loaded' },
  close: { ko: '닫기', en: 'Close' },
  copy: { ko: '복사', en: 'Copy' },
  copied: { ko: '복사됨', en: 'Copied' },
  copyFailed: { ko: '복사하지 못했습니다', en: 'Could not copy' },
  dismiss: { ko: '메시지 닫기', en: 'Dismiss message' },
  messages: { ko: '알림', en: 'Messages' },
  correct: { ko: '맞았습니다', en: 'Correct' },
  incorrect: { ko: '아직 아닙니다', en: 'Not yet' },
  expected: { ko: '기대한 것', en: 'Expected' },
  actual: { ko: '실제', en: 'Actual' },
  resize: { ko: '크기 조절', en: 'Resize' },
});
