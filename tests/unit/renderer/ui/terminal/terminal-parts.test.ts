import { expect, test } from 'vitest';
import {
  documentationLink,
  isDocumentationLink,
} from '../../../../../src-renderer/ui/terminal/documentation-links.ts';
import { replayOf } from '../../../../../src-renderer/ui/terminal/replay.ts';

test.each([
  {
    line: 'See https://kubernetes.io/docs/reference/kubectl/.',
    found: 'https://kubernetes.io/docs/reference/kubectl/',
  },
  { line: '(https://helm.sh/docs)', found: 'https://helm.sh/docs' },
  {
    line: 'https://gateway-api.sigs.k8s.io/guides/?x=1#a',
    found: 'https://gateway-api.sigs.k8s.io/guides/?x=1#a',
  },
  { line: 'http://kubernetes.io/docs', found: undefined },
  { line: 'https://kubernetes.io.evil.example/', found: undefined },
  { line: 'https://kubernetes.io@evil.example/', found: undefined },
  { line: 'https://example.com/', found: undefined },
])('a link in $line', ({ line, found }) => {
  const link = documentationLink.exec(line)?.[0];
  expect(link).toBe(found);
  if (link !== undefined) expect(isDocumentationLink(link)).toBe(true);
});

test.each([
  { address: 'https://kubernetes.io@evil.example/' },
  { address: 'https://user@kubernetes.io/' },
  { address: 'https://kubernetes.io:8443/' },
  { address: 'javascript:alert(1)' },
  { address: 'no address' },
])('a hyperlink of a program to $address stays closed', ({ address }) => {
  expect(isDocumentationLink(address)).toBe(false);
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test.each([
  { chunks: ['$ ', 'hi\n$ '], replayed: 5, shown: 'hi\n$ ', why: 'what came before it is dropped' },
  { chunks: ['ab', 'cd'], replayed: 3, shown: 'bcd', why: 'a replay may begin within a chunk' },
  { chunks: ['ab'], replayed: undefined, shown: 'ab', why: 'without a length everything counts' },
  { chunks: [], replayed: 0, shown: '', why: 'nothing is remembered' },
])('a replay of $replayed bytes: $why', ({ chunks, replayed, shown }) => {
  expect(new TextDecoder().decode(replayOf(chunks.map(bytes), replayed))).toBe(shown);
});
