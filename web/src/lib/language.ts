import { switchLang } from './i18n';
import { type Lang, langStore } from './prefs';

type Loader = (lang: Lang) => Promise<object>;
let load: Loader = async () => ({});

/** The app says once where the words are; modules only choose. */
export function setWordsLoader(loader: Loader) {
  load = loader;
}

export async function chooseLanguage(lang: Lang) {
  await switchLang(lang, await load(lang));
  langStore.set(lang);
}
