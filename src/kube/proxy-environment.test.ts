import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { proxyFor } from './proxy-environment.ts';

const proxy = 'http://proxy:3128';

describe('which proxy is used', () => {
  for (const [environment, url, expected] of [
    [{}, 'https://api.example.com', undefined],
    [{ HTTPS_PROXY: proxy }, 'https://api.example.com', proxy],
    [{ https_proxy: proxy }, 'https://api.example.com', proxy],
    [{ HTTPS_PROXY: 'proxy:3128' }, 'https://api.example.com', proxy],
    [{ HTTP_PROXY: proxy }, 'https://api.example.com', undefined],
    [{ HTTP_PROXY: proxy }, 'http://api.example.com', proxy],
    [{ HTTPS_PROXY: proxy }, 'https://localhost:6443', undefined],
    [{ HTTPS_PROXY: proxy }, 'https://127.0.0.1:6443', undefined],
    [{ HTTPS_PROXY: proxy }, 'https://[::1]:6443', undefined],
  ] as const) {
    it(`${JSON.stringify(environment)} to ${url}: ${expected ?? 'direct'}`, () =>
      assert.equal(proxyFor(new URL(url), environment), expected));
  }
});

describe('what NO_PROXY exempts', () => {
  for (const [noProxy, url, exempt] of [
    ['*', 'https://api.example.com', true],
    ['example.com', 'https://api.example.com', true],
    ['example.com', 'https://example.com', true],
    ['example.com', 'https://notexample.com', false],
    ['.example.com', 'https://api.example.com', true],
    ['*.example.com', 'https://api.example.com', true],
    ['.example.com', 'https://example.com', false],
    ['other.org, api.example.com', 'https://API.example.com', true],
    ['api.example.com:6443', 'https://api.example.com:6443', true],
    ['api.example.com:6443', 'https://api.example.com', false],
    ['api.example.com:443', 'https://api.example.com', true],
    ['10.96.0.1', 'https://10.96.0.1', true],
    ['10.96.0.0/12', 'https://10.96.0.1', true],
    ['10.96.0.0/12', 'https://10.128.0.1', false],
    ['fd00::/8', 'https://[fd00::1]', true],
    ['10.0.0.0/33', 'https://10.0.0.1', false],
    ['10.0.0.0/8', 'https://ten.example.com', false],
    ['', 'https://api.example.com', false],
  ] as const) {
    it(`"${noProxy}" ${exempt ? 'exempts' : 'does not exempt'} ${url}`, () => {
      assert.equal(proxyFor(new URL(url), { HTTPS_PROXY: proxy, NO_PROXY: noProxy }), exempt ? undefined : proxy);
    });
  }
});
