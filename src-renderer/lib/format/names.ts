import type { Bilingual, Domain, Tier } from '#contract';

/** The domains of the curriculum, in its order and wording. */
export const domainNames: Readonly<Record<Domain, Bilingual>> = {
  architecture: {
    ko: '클러스터 아키텍처, 설치, 구성',
    en: 'Cluster Architecture, Installation & Configuration',
  },
  workloads: { ko: '워크로드와 스케줄링', en: 'Workloads & Scheduling' },
  networking: { ko: '서비스와 네트워킹', en: 'Services & Networking' },
  storage: { ko: '스토리지', en: 'Storage' },
  troubleshooting: { ko: '트러블슈팅', en: 'Troubleshooting' },
};

export const tierNames: Readonly<Record<Tier, Bilingual>> = {
  quick: { ko: '빠른 과제', en: 'Quick' },
  core: { ko: '핵심 과제', en: 'Core' },
  deep: { ko: '심화 과제', en: 'Deep' },
};
