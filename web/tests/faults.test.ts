import i18next from 'i18next';
import { expect, it } from 'vitest';
import { faultText } from '@/modules/insight/faults';
import zh from '@/modules/insight/zh';

it('says faults of audiences in Chinese, and what it does not know as it is', async () => {
  const language = i18next.createInstance();
  await language.init({
    lng: 'zh',
    resources: { zh: { translation: { insight: zh } } },
    interpolation: { escapeValue: false },
  });
  const told = (message: string) => faultText(language.t, message);
  expect([
    told('there is no tag "老客"'),
    told('rating needs a bound'),
    told('no rating is 5 or more and 1 or less'),
    told('another audience is called "常客"'),
    told('expected a number, found the end'),
    told('there is no scheme of levels "会员"'),
    told('there is no level "金卡" in this scheme'),
    told('there is not exactly one to mean: say `points(programme "…")`'),
    told('something new'),
  ]).toEqual([
    '没有这个标签：老客',
    '请填下限或上限',
    '没有数字既不小于 5 又不大于 1',
    '已有同名人群：常客',
    '此处应为：a number；现为：the end',
    '没有这个等级方案：会员',
    '这个等级方案里没有“金卡”',
    '这样的方案不是正好一个，请写明是哪一个：points(programme "…")',
    'something new',
  ]);
});
