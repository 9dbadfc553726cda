/** What the pages for people refer to is there: files, headings, and the tests and folders that a sentence names as proof. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, it } from 'node:test';

const root = resolve(import.meta.dirname, '..');
const pages = globSync(['*.md', '{charts,docs,hack,manifests,src,test}/**/*.md'], { cwd: root });

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-');
}

function anchorsOf(page: string): string[] {
  return [...readFileSync(page, 'utf8').matchAll(/^#+\s+(.*)$/gm)].map(([, heading = '']) => anchorOf(heading));
}

/** Links of a page to files of this repository that lead nowhere. */
function deadLinks(page: string, text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !/^(https?|mailto):/.test(link));
  return links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const file = path === '' ? join(root, page) : join(root, dirname(page), path);
    return !existsSync(file) || (anchor !== undefined && file.endsWith('.md') && !anchorsOf(file).includes(anchor));
  });
}

/** Files and folders named from the root of the repository that are not there. Patterns with a star are left out. */
function missingPaths(text: string): string[] {
  const named = [...text.matchAll(/`((?:charts|docs|hack|manifests|src|test)\/[\w./-]+)`/g)].map(([, path = '']) => path);
  return named.filter((path) => !existsSync(join(root, path)));
}

describe('the pages', () => {
  it('are found', () => assert.ok(pages.length > 20 && pages.includes('README.md')));

  for (const page of pages) {
    it(`${page} refers to what is there`, () => {
      const text = readFileSync(join(root, page), 'utf8');
      assert.deepEqual([...deadLinks(page, text), ...missingPaths(text)], []);
    });
  }

  it('would be caught with a dead link, a heading that is gone, or a test that was renamed', () => {
    const text = 'See [this](nowhere.md), [that](README.md#no-such-heading), `test/no-such.test.ts`, [me](#contributing) and `[a](b)`.';
    assert.deepEqual(deadLinks('README.md', text), ['nowhere.md', 'README.md#no-such-heading']);
    assert.deepEqual(missingPaths(text), ['test/no-such.test.ts']);
  });
});
