import i18next, { type i18n } from 'i18next';
import { initReactI18next } from 'react-i18next';
import type { Lang } from './prefs';

/** Starts translation with one dictionary; the other is fetched when it is asked for. */
export async function startI18n(lang: Lang, words: object): Promise<i18n> {
  await i18next.use(initReactI18next).init({
    lng: lang,
    fallbackLng: false,
    resources: { [lang]: { translation: words } },
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  document.documentElement.lang = lang;
  return i18next;
}

/** Shows everything in a language whose words were added. */
export async function switchLang(lang: Lang) {
  await i18next.changeLanguage(lang);
  document.documentElement.lang = lang;
}

/** Adds words to those of a language. */
export function addWords(lang: Lang, words: object) {
  i18next.addResourceBundle(lang, 'translation', words, true, true);
}
