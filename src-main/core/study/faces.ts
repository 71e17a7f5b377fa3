import type { Card, Language } from './types.ts';

const hidden = /\{\{(.+?)\}\}/g;

/** Both sides of a card as Markdown. */
export function facesOf(card: Card, language: Language): { front: string; back: string } {
  const back = card.back?.[language] ?? '';
  switch (card.kind) {
    case 'basic':
      return { front: card.front[language], back };
    case 'cloze': {
      const text = card.text[language];
      return {
        front: text.replace(hidden, '[…]'),
        back: joined(text.replace(hidden, '**$1**'), back),
      };
    }
    case 'typed':
      return { front: card.front[language], back: joined(`\`${card.answers[0]}\``, back) };
    case 'command':
      return { front: card.front[language], back: joined(fenced('sh', card.answer), back) };
    case 'manifest':
      return { front: card.front[language], back: joined(fenced('yaml', card.answer), back) };
  }
}

const fenced = (language: string, text: string): string =>
  `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
const joined = (first: string, second: string): string =>
  second === '' ? first : `${first}\n\n${second}`;
