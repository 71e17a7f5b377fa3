import DOMPurify from 'dompurify';
import { Marked } from 'marked';

const marked = new Marked({ gfm: true, async: false });
// In Korean a particle follows its word without a space, where CommonMark lets bold code not end:
// **`nginx`**를 would show its asterisks.
marked.use({
  extensions: [
    {
      name: 'strong',
      level: 'inline',
      start: (text) => text.indexOf('**`'),
      tokenizer(text) {
        const [raw, inner] = /^\*\*(`[^`\n]+`)\*\*(?=[가-힣])/.exec(text) ?? [];
        if (raw === undefined || inner === undefined) return undefined;
        return { type: 'strong', raw, text: inner, tokens: this.lexer.inlineTokens(inner) };
      },
    },
  ],
});

/**
 * Markdown to HTML that is safe to insert: no scripts, handlers, styles, forms or frames; links only to https,
 * which open outside; pictures only as data.
 */
export function renderMarkdown(markdown: string): string {
  const fragment = DOMPurify.sanitize(marked.parse(markdown, { async: false }), {
    RETURN_DOM_FRAGMENT: true,
    USE_PROFILES: { html: true },
    FORBID_TAGS: [
      'style',
      'form',
      'input',
      'button',
      'textarea',
      'select',
      'iframe',
      'video',
      'audio',
    ],
    FORBID_ATTR: ['style', 'class', 'id', 'name'],
    ALLOWED_URI_REGEXP: /^(?:https:|#|data:image\/(?:png|svg\+xml|webp|gif|jpeg);)/i,
  });
  for (const link of fragment.querySelectorAll('a[href]')) {
    link.setAttribute('target', '_blank');
    link.setAttribute('rel', 'noopener noreferrer');
  }
  // Nothing is fetched from elsewhere, and a picture that cannot be shown should not look broken.
  for (const image of fragment.querySelectorAll('img'))
    if (image.getAttribute('src')?.startsWith('data:') !== true) image.removeAttribute('src');
  const box = document.createElement('div');
  box.append(fragment);
  return box.innerHTML;
}
