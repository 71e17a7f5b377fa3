import { expect, test } from 'vitest';
import { renderMarkdown } from '../../../../src-renderer/ui/render-markdown.ts';

test.each([
  { markdown: '<script>alert(1)</script>x', html: 'x', why: 'scripts' },
  { markdown: '<img src=x onerror=alert(1)>', html: '<img>', why: 'handlers' },
  { markdown: '[x](javascript:alert(1))', html: '<p><a>x</a></p>', why: 'script addresses' },
  { markdown: '[x](http://a.example)', html: '<p><a>x</a></p>', why: 'addresses without TLS' },
  { markdown: '<iframe src="https://a.example"></iframe>', html: '', why: 'frames' },
  { markdown: '<form><input name="x"></form>', html: '', why: 'forms' },
  { markdown: '<p style="position:fixed" id="app">x</p>', html: '<p>x</p>', why: 'styles and ids' },
  { markdown: '![x](https://a.example/x.png)', html: '<p><img alt="x"></p>', why: 'remote images' },
])('$why do not survive: $markdown', ({ markdown, html }) => {
  expect(renderMarkdown(markdown).trim()).toBe(html);
});

test('a link to the documentation opens outside', () => {
  expect(renderMarkdown('[docs](https://kubernetes.io/docs/)').trim()).toBe(
    '<p><a href="https://kubernetes.io/docs/" target="_blank" rel="noopener noreferrer">docs</a></p>',
  );
});

test('tables and code are kept', () => {
  const html = renderMarkdown('| a |\n| --- |\n| `b` |\n\n```yaml\nkind: Pod\n```');
  expect(html).toContain('<td><code>b</code></td>');
  expect(html).toContain('<pre><code>kind: Pod\n</code></pre>');
});

test.each([
  { markdown: '파드 **`web`**를', html: '<p>파드 <strong><code>web</code></strong>를</p>' },
  { markdown: '**`a`**와 **`b`**', html: '<strong><code>a</code></strong>와 <strong>' },
  { markdown: '**굵게**를', html: '<p><strong>굵게</strong>를</p>' },
])('bold code ends before a Korean particle: $markdown', ({ markdown, html }) => {
  expect(renderMarkdown(markdown)).toContain(html);
});
