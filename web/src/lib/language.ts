import { addWords, switchLang } from './i18n';
import { type Lang, langStore } from './prefs';

type Loader = (lang: Lang) => Promise<object>;
let load: Loader = async () => ({});
let loadLater: Loader = async () => ({});
/** Whether a page was opened that needs the later words. */
let needsLater = false;
/** The language that was asked for last. */
let wanted: Lang | undefined;

/** The app says once where the words are; modules only choose. */
export function setWordsLoader(loader: Loader, later: Loader) {
  load = loader;
  loadLater = later;
}

/** Fetches the words that no first page needs; those of a language that is being switched to as well. */
export async function laterWords() {
  needsLater = true;
  for (const lang of new Set([langStore.get(), wanted ?? langStore.get()])) {
    addWords(lang, await loadLater(lang));
  }
}

/** `fetch`, with the later words beside it. */
export const withLaterWords =
  <T>(fetch: () => Promise<T>) =>
  async () => {
    const [fetched] = await Promise.all([fetch(), laterWords()]);
    return fetched;
  };

export async function chooseLanguage(lang: Lang) {
  wanted = lang;
  const words = await load(lang);
  // All words are there before anything is shown in them.
  addWords(lang, words);
  if (needsLater) addWords(lang, await loadLater(lang));
  // Somebody was quicker with another one.
  if (wanted !== lang) return;
  await switchLang(lang);
  langStore.set(lang);
}
