import type { Settings } from '#contract';
import type { SettingsState } from '../../lib/app/index.ts';
import { messageOf } from '../../lib/loading/index.ts';

/** Inclusive limits of the numbers a person may enter. */
export const limits = {
  newCardsPerDay: { min: 0, max: 200 },
  terminalFontSize: { min: 10, max: 24 },
  desiredRetention: { min: 0.7, max: 0.99 },
} as const;

type NumberName = keyof typeof limits;

/** Stores each change as it is made and remembers what came of it. */
export class SettingsForm {
  /** Message of the last change that was refused; null after one that was stored. */
  problem = $state<string | null>(null);
  /** Field whose number lies outside its limits. */
  outOfRange = $state<NumberName | null>(null);
  /** Whether the last change has been stored. */
  saved = $state(false);
  readonly #settings: SettingsState;

  constructor(settings: SettingsState) {
    this.#settings = settings;
  }

  get values(): Settings {
    return this.#settings.values;
  }

  async change(changes: Partial<Settings>): Promise<void> {
    this.saved = false;
    this.outOfRange = null;
    try {
      await this.#settings.update(changes);
      this.problem = null;
      this.saved = true;
    } catch (error) {
      this.problem = messageOf(error);
    }
  }

  /** A number outside its limits is not sent. */
  async changeNumber(name: NumberName, value: number): Promise<void> {
    const { min, max } = limits[name];
    if (!(value >= min && value <= max)) {
      this.saved = false;
      this.outOfRange = name;
      return;
    }
    await this.change({ [name]: value });
  }
}
