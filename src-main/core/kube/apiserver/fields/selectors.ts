import { matchesSelector } from '../../machinery/index.ts';
import { isMap } from './view.ts';

/**
 * Whether labels match a `LabelSelector` of an object that was validated. An absent selector matches nothing,
 * an empty one everything.
 */
export function matchesLabelSelector(
  selector: unknown,
  labels: Readonly<Record<string, string>>,
): boolean {
  return isMap(selector) && matchesSelector(selector, labels);
}
