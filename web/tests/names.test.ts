import { describe, expect, it } from 'vitest';
import type { Import } from '@/api/types';
import { withRejects } from '@/modules/commerce/names';

type File = Import['files'][number];

function file(name: string, rejected?: number, sheet?: string): File {
  return { name, sheet, size_bytes: 1, format: null, encoding: null, rejected };
}

describe('files with rejected rows', () => {
  it('are those of which some were counted', () => {
    const files = [file('a.csv', 0), file('b.csv', 3), file('c.csv')];
    expect(withRejects({ files })).toEqual([{ number: 2, name: 'b.csv' }]);
    expect(withRejects({ files: [] })).toEqual([]);
  });
  it('are told apart', () => {
    const files = [
      file('book.xlsx', 1, '订单报表'),
      file('book.xlsx', 1, '宝贝报表'),
      file('a.csv', 1),
      file('a.csv', 1),
    ];
    expect(withRejects({ files }).map((one) => one.name)).toEqual([
      'book.xlsx · 订单报表',
      'book.xlsx · 宝贝报表',
      'a.csv (3)',
      'a.csv (4)',
    ]);
  });
});
