import { defineTexts } from '../../lib/i18n/index.ts';

export const texts = defineTexts({
  map: { ko: '클러스터 지도', en: 'Cluster map' },
  nodes: { ko: '노드', en: 'Nodes' },
  noNodes: { ko: '등록된 노드가 없습니다', en: 'No node has registered' },
  unplaced: { ko: '노드에 배치되지 않음', en: 'On no node' },
  noPods: { ko: '파드 없음', en: 'no pods' },
  pods: { ko: '파드 {count}개', en: '{count|pod|pods}' },
  system: { ko: '시스템 파드', en: 'System pods' },
  clock: { ko: '클러스터의 시간', en: 'Time in the cluster' },
  speed: { ko: '시간의 속도', en: 'Speed of time' },
  paused: { ko: '멈춤', en: 'Paused' },
  minute: { ko: '+1분', en: '+1 min' },
  tenMinutes: { ko: '+10분', en: '+10 min' },
  advanceHint: {
    ko: '클러스터의 시간을 앞으로 돌립니다: 백오프, 크론잡, 리스가 실제처럼 지나갑니다',
    en: 'Runs the time of the cluster forward: back-offs, CronJobs and leases pass as they would',
  },
  settle: { ko: '안정될 때까지', en: 'Settle' },
  settleHint: {
    ko: '컨트롤러에 할 일이 없을 때까지 시간을 돌립니다',
    en: 'Runs time until no controller has anything left to do',
  },
});
