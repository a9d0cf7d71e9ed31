import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import i18next, { type TFunction } from 'i18next';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FileEvidence, ImportObstacle, RejectReason } from '@/api/types';
import en from '@/app/words/en';
import zh from '@/app/words/zh';
import { evidenceText, obstacleText, reasonText } from '@/modules/commerce/told';

type Schema = { enum?: string[]; type?: string; properties?: Record<string, Schema>; oneOf?: Schema[] };
const document = JSON.parse(readFileSync(join(import.meta.dirname, '../../docs/openapi.json'), 'utf8'));

/** Every code of the document, each with an argument of the right kind for each of its names. */
function examples(name: string): { code: string }[] {
  const all = document.components.schemas[name].oneOf as Schema[];
  return all.map((one) => {
    const entries = Object.entries(one.properties ?? {}).map(([argument, schema]) => {
      if (argument === 'code') return [argument, schema.enum?.[0]];
      if (argument === 'format') return [argument, 'pdd'];
      if (argument === 'later') return [argument, [{ id: 'imp_1', number: 7 }]];
      if (schema.type === 'array') return [argument, ['a', 'b']];
      return [argument, schema.type === 'string' ? 'x' : 7];
    });
    return Object.fromEntries(entries);
  });
}

const languages: [string, object][] = [
  ['zh-CN', zh],
  ['en-US', en],
];

describe.each(languages)('what the server says by code, in %s', (lang, words) => {
  let t: TFunction;
  beforeAll(async () => {
    const one = i18next.createInstance();
    t = await one.init({
      lng: lang,
      fallbackLng: false,
      resources: { [lang]: { translation: words } },
      interpolation: { escapeValue: false },
    });
  });

  it('has a text for every reason', () => {
    const all = examples('RejectFault') as RejectReason[];
    expect(all.length).toBeGreaterThan(30);
    for (const reason of all) {
      const text = reasonText(t, reason, 'no text');
      expect(text, reason.code).not.toMatch(/no text|\{\{|undefined|^$/);
    }
  });

  it('has a text for all evidence', () => {
    const all = examples('FileEvidence') as FileEvidence[];
    expect(all.length).toBeGreaterThan(10);
    for (const evidence of all) {
      const text = evidenceText(t, evidence, 'no text');
      expect(text, evidence.code).not.toMatch(/no text|\{\{|undefined|^$/);
    }
  });

  it('has a text for every obstacle', () => {
    const all = examples('ImportObstacle') as ImportObstacle[];
    expect(all.length).toBeGreaterThan(10);
    for (const obstacle of all) {
      const text = obstacleText(t, obstacle, 'no text');
      expect(text, obstacle.code).not.toMatch(/no text|\{\{|undefined|^$/);
    }
  });

  it('says why an import failed, and why it cannot be undone', () => {
    const isChinese = lang === 'zh-CN';
    const changed: ImportObstacle = { code: 'file_changed', file: '订单 $t(ui.comma).csv' };
    expect(obstacleText(t, changed, 'as told')).toBe(
      isChinese
        ? '“订单 $t(ui.comma).csv”已经不是这次导入开始时的那个文件'
        : '"订单 $t(ui.comma).csv" is not the file that this import began with',
    );
    const later = [12, 9].map((number) => ({ id: `imp_${number}`, number }));
    expect(obstacleText(t, { code: 'built_upon', later }, 'as told')).toBe(
      isChinese
        ? '之后的导入（#12、#9）用到了这次导入的数据，请从最新的一次开始，先撤销它们'
        : 'later imports (#12, #9) build on this one; undo them first, the newest first',
    );
    const worked: ImportObstacle = { code: 'worked_with', noted: 3, tagged: 0, edited: 0, merged: 1 };
    expect(obstacleText(t, worked, 'as told')).toContain(
      isChinese ? '客户：3 位有备注、1 位合并过。' : ': 3 with notes, 1 merged.',
    );
  });

  it('says what stands around a reason, and the names of formats in its language', () => {
    const reason = {
      code: 'unknown_state',
      cell: '$t(ui.comma) {{cell}}',
      format: 'jd',
      column: 'a',
      lines_lost: 2,
      kept_back: { line: 3, rows: 4, order_no: 'N5' },
    } as RejectReason;
    expect(reasonText(t, reason, '')).toBe(
      lang === 'zh-CN'
        ? '“$t(ui.comma) {{cell}}”不是京东订单里已知的订单状态（另有 2 行随之丢失）（错在第 3 行；订单 N5 的 4 行都没有写入）'
        : '`$t(ui.comma) {{cell}}` is not an order state known in this format (JD orders) (2 more lines were lost with it) (line 3; all 4 rows of order N5 are kept back with it)',
    );
  });

  it('keeps the words of a server that knows more', () => {
    expect(reasonText(t, { code: 'of_tomorrow' } as unknown as RejectReason, 'as told')).toBe('as told');
    expect(evidenceText(t, { code: 'of_tomorrow' } as unknown as FileEvidence, 'as told')).toBe('as told');
    expect(obstacleText(t, { code: 'of_tomorrow' } as unknown as ImportObstacle, 'as told')).toBe('as told');
    expect(obstacleText(t, null, 'as told')).toBe('as told');
    expect(obstacleText(t, { code: 'disk_full' }, null)).toBeUndefined();
  });
});
