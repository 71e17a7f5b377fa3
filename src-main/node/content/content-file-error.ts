import { ContentError } from '#core/study';

/** Content that cannot be used, named by file and place, with what to do about it. */
export class ContentFileError extends ContentError {
  override readonly name = 'ContentFileError';
  readonly file: string;
  /** Place in the file: `checks[2].assert`, or line and column; empty for the whole. */
  readonly place: string;

  constructor(file: string, place: string, problem: string, options?: ErrorOptions) {
    super(`${file}${place === '' ? '' : `: ${place}`}: ${problem}`, options);
    this.file = file;
    this.place = place;
  }
}
