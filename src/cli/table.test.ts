import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { printTable } from './table.ts';

const columns = [
  { heading: 'Name', cell: (row: { name: string }) => row.name },
  { heading: 'Length', cell: (row: { name: string }) => String(row.name.length) },
];

describe('a printed table', () => {
  it('lines its columns up and leaves no blanks at line ends', () => {
    assert.equal(printTable(columns, [{ name: 'iris' }, { name: 'resnet50' }]), 'NAME       LENGTH\niris       4\nresnet50   8\n');
  });
  it('counts wide characters as two columns', () => {
    assert.equal(printTable(columns, [{ name: '目标检测' }, { name: 'ab' }]), 'NAME       LENGTH\n目标检测   4\nab         2\n');
  });
  it('says <none> for an empty cell and keeps control characters away from the terminal', () => {
    assert.equal(printTable(columns.slice(0, 1), [{ name: '' }, { name: 'a\n\u001b[31mb' }]), 'NAME\n<none>\na [31mb\n');
  });
});
