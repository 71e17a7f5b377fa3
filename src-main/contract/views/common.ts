export type Language = 'ko' | 'en';

/** A text in both languages. */
export interface Bilingual {
  readonly ko: string;
  readonly en: string;
}

/** The five domains of the CKA curriculum. */
export type Domain = 'architecture' | 'workloads' | 'networking' | 'storage' | 'troubleshooting';
