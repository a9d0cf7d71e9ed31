import { describe, expect, it } from 'vitest';
import { ProblemError } from '@/api/client';
import type { Shop } from '@/api/types';
import { currencyName } from '@/lib/format';
import { byCurrency, wantsOneShop } from '@/ui/OneShop';

const shop = (id: string, currency: string) => ({ id, name: id, currency }) as Shop;
const SHOPS = [shop('a', 'CNY'), shop('b', 'EUR'), shop('c', 'CNY')];

function refused(status: number, ...fields: string[]) {
  return new ProblemError(status, { errors: fields.map((field) => ({ field, message: 'no' })) });
}

describe('shops of several currencies', () => {
  it('are offered by currency', () => {
    expect(byCurrency(SHOPS).map(([currency, shops]) => [currency, shops.map((one) => one.id)])).toEqual([
      ['CNY', ['a', 'c']],
      ['EUR', ['b']],
    ]);
  });
  it('are offered where one is asked for', () => {
    expect(wantsOneShop(refused(422, 'rfm_shop'), SHOPS)).toBe(true);
    expect(wantsOneShop(refused(422, 'shop'), SHOPS)).toBe(true);
  });
  it('are not offered where it is about something else', () => {
    expect(wantsOneShop(refused(422, 'rfm_shop', 'bins'), SHOPS)).toBe(false);
    expect(wantsOneShop(refused(422), SHOPS)).toBe(false);
    expect(wantsOneShop(refused(500, 'rfm_shop'), SHOPS)).toBe(false);
    expect(wantsOneShop(refused(422, 'rfm_shop'), SHOPS.slice(0, 1))).toBe(false);
    expect(wantsOneShop(refused(422, 'rfm_shop'))).toBe(false);
    expect(wantsOneShop(null, SHOPS)).toBe(false);
  });
  it('have currencies with names', () => {
    expect(currencyName('zh-CN', 'EUR')).toBe('欧元 (EUR)');
    expect(currencyName('en-US', 'CNY')).toBe('Chinese Yuan (CNY)');
    expect(currencyName('en-US', 'XQZ')).toBe('XQZ');
  });
});
