import { addWords, switchLang } from './i18n';
import { type Lang, langStore } from './prefs';

type Loader = (lang: Lang) => Promise<object>;
let load: Loader = async () => ({});
let loadLater: Loader = async () => ({});
/** Whether a page was opened that needs the later words. */
let needsLater = false;

/** The app says once where the words are; modules only choose. */
export function setWordsLoader(loader: Loader, later: Loader) {
  load = loader;
  loadLater = later;
}

/** Fetches the words that no first page needs. */
export async function laterWords() {
  needsLater = true;
  const lang = langStore.get();
  addWords(lang, await loadLater(lang));
}

/** `fetch`, with the later words beside it. */
export const withLaterWords =
  <T>(fetch: () => Promise<T>) =>
  async () => {
    const [fetched] = await Promise.all([fetch(), laterWords()]);
    return fetched;
  };

export async function chooseLanguage(lang: Lang) {
  const [words, later] = await Promise.all([load(lang), needsLater ? loadLater(lang) : {}]);
  await switchLang(lang, { ...words, ...later });
  addWords(lang, later);
  langStore.set(lang);
}
