import { defineTexts } from '../../lib/i18n/index.ts';

export const texts = defineTexts({
  overall: {
    ko: '시험 비중으로 본 전체 예상 (합격선 {pass}%)',
    en: 'overall, by exam weight (pass mark {pass}%)',
  },
  noEvidence: { ko: '아직 근거가 없습니다', en: 'no evidence yet' },
  overallUnknown: {
    ko: '카드나 과제를 풀면 나타납니다 (합격선 {pass}%)',
    en: 'shown once you answer cards or solve tasks (pass mark {pass}%)',
  },
  evidence: {
    ko: '시험 비중 {weight}% · 카드 {cards}/{cardsTotal} · 과제 {tasks}/{tasksTotal}',
    en: '{weight}% of the exam · cards {cards}/{cardsTotal} · tasks {tasks}/{tasksTotal}',
  },
});
