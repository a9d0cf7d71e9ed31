import type { Locale } from 'antd/es/locale';
import dayjs from 'dayjs';
import { startI18n } from '@/lib/i18n';
import { setWordsLoader } from '@/lib/language';
import { type Lang, langStore } from '@/lib/prefs';

let antLocale: Locale | undefined;

/** The words of Ant Design's own parts in the present language. */
export function currentAntLocale(): Locale | undefined {
  return antLocale;
}

async function load(lang: Lang): Promise<object> {
  if (lang === 'zh-CN') {
    const [words, ant] = await Promise.all([
      import('./words/zh'),
      import('antd/es/locale/zh_CN'),
      import('dayjs/locale/zh-cn'),
    ]);
    antLocale = ant.default;
    dayjs.locale('zh-cn');
    return words.default;
  }
  const [words, ant] = await Promise.all([import('./words/en'), import('antd/es/locale/en_US')]);
  antLocale = ant.default;
  dayjs.locale('en');
  return words.default;
}

async function loadLater(lang: Lang): Promise<object> {
  const words = lang === 'zh-CN' ? await import('./words/later/zh') : await import('./words/later/en');
  return words.default;
}

export async function startLanguage() {
  setWordsLoader(load, loadLater);
  const lang = langStore.get();
  await startI18n(lang, await load(lang));
}
