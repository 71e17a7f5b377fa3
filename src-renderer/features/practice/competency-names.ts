import type { Bilingual } from '#contract';

/** The competencies of the curriculum by id, in its order. */
export const competencyNames: Readonly<Record<string, Bilingual>> = {
  'ar.rbac': {
    ko: '역할 기반 접근 제어(RBAC) 관리',
    en: 'Manage role based access control (RBAC)',
  },
  'ar.infrastructure': {
    ko: '클러스터 설치를 위한 기반 인프라 준비',
    en: 'Prepare underlying infrastructure for installing a Kubernetes cluster',
  },
  'ar.kubeadm': {
    ko: 'kubeadm으로 클러스터 생성과 관리',
    en: 'Create and manage Kubernetes clusters using kubeadm',
  },
  'ar.lifecycle': {
    ko: '클러스터 수명 주기 관리',
    en: 'Manage the lifecycle of Kubernetes clusters',
  },
  'ar.ha': {
    ko: '고가용성 컨트롤 플레인 구성',
    en: 'Implement and configure a highly-available control plane',
  },
  'ar.helm-kustomize': {
    ko: 'Helm과 Kustomize로 클러스터 구성 요소 설치',
    en: 'Use Helm and Kustomize to install cluster components',
  },
  'ar.extension-interfaces': {
    ko: '확장 인터페이스(CNI, CSI, CRI 등) 이해',
    en: 'Understand extension interfaces (CNI, CSI, CRI, etc.)',
  },
  'ar.crds-operators': {
    ko: 'CRD 이해, 오퍼레이터 설치와 설정',
    en: 'Understand CRDs, install and configure operators',
  },
  'wl.deployments': {
    ko: '애플리케이션 배포와 롤링 업데이트·롤백',
    en: 'Understand application deployments and how to perform rolling update and rollbacks',
  },
  'wl.configuration': {
    ko: 'ConfigMap과 Secret으로 애플리케이션 설정',
    en: 'Use ConfigMaps and Secrets to configure applications',
  },
  'wl.autoscaling': { ko: '워크로드 오토스케일링 설정', en: 'Configure workload autoscaling' },
  'wl.self-healing': {
    ko: '견고하고 스스로 복구하는 배포를 위한 기본 요소 이해',
    en: 'Understand the primitives used to create robust, self-healing, application deployments',
  },
  'wl.scheduling': {
    ko: '파드 어드미션과 스케줄링 설정(limits, 노드 어피니티 등)',
    en: 'Configure Pod admission and scheduling (limits, node affinity, etc.)',
  },
  'sn.pod-connectivity': { ko: '파드 간 통신 이해', en: 'Understand connectivity between Pods' },
  'sn.network-policies': {
    ko: '네트워크 폴리시 정의와 적용',
    en: 'Define and enforce Network Policies',
  },
  'sn.services': {
    ko: 'ClusterIP, NodePort, LoadBalancer 서비스와 엔드포인트 사용',
    en: 'Use ClusterIP, NodePort, LoadBalancer service types and endpoints',
  },
  'sn.gateway-api': {
    ko: 'Gateway API로 인그레스 트래픽 관리',
    en: 'Use the Gateway API to manage Ingress traffic',
  },
  'sn.ingress': {
    ko: '인그레스 컨트롤러와 인그레스 리소스 사용',
    en: 'Know how to use Ingress controllers and Ingress resources',
  },
  'sn.coredns': { ko: 'CoreDNS 이해와 사용', en: 'Understand and use CoreDNS' },
  'st.storage-classes': {
    ko: '스토리지클래스와 동적 볼륨 프로비저닝 구현',
    en: 'Implement storage classes and dynamic volume provisioning',
  },
  'st.volume-types': {
    ko: '볼륨 유형, 접근 모드, 회수 정책 설정',
    en: 'Configure volume types, access modes and reclaim policies',
  },
  'st.persistent-volumes': {
    ko: '퍼시스턴트볼륨과 클레임 관리',
    en: 'Manage persistent volumes and persistent volume claims',
  },
  'tr.nodes': { ko: '클러스터와 노드 문제 해결', en: 'Troubleshoot clusters and nodes' },
  'tr.components': { ko: '클러스터 구성 요소 문제 해결', en: 'Troubleshoot cluster components' },
  'tr.monitoring': {
    ko: '클러스터와 애플리케이션 자원 사용량 모니터링',
    en: 'Monitor cluster and application resource usage',
  },
  'tr.output-streams': {
    ko: '컨테이너 출력 스트림 관리와 분석',
    en: 'Manage and evaluate container output streams',
  },
  'tr.services-networking': {
    ko: '서비스와 네트워크 문제 해결',
    en: 'Troubleshoot services and networking',
  },
};

/** The name of a competency; its id, when the curriculum here does not have it. */
export const competencyName = (id: string): Bilingual => competencyNames[id] ?? { ko: id, en: id };
