import { expect, it } from 'vitest';
import { pageFor } from './page.mjs';

it('The page of a view shows a title as text, whatever a folder is called', () => {
  const page = pageFor({
    title: '</title><script>"&',
    nonce: 'n',
    source: 'https://here',
    style: 'a.css',
    script: 'a.js',
  });
  expect(page).toContain('<title>&lt;/title&gt;&lt;script&gt;&quot;&amp;</title>');
  expect(page.match(/<script/g)).toHaveLength(1);
  expect(page).toContain("script-src 'nonce-n';");
});
