import { useSyncExternalStore } from 'react';

/** What is kept on this machine only: never personal data. */
function store<T extends string>(key: string, fallback: () => T, allowed?: readonly T[]) {
  const listeners = new Set<() => void>();
  const read = (): T => {
    try {
      const kept = localStorage.getItem(key) as T | null;
      if (kept !== null && (!allowed || allowed.includes(kept))) return kept;
    } catch {
      // Storage may be forbidden; the default serves.
    }
    return fallback();
  };
  let value = read();
  return {
    get: () => value,
    set(next: T) {
      value = next;
      try {
        localStorage.setItem(key, next);
      } catch {
        // As above.
      }
      for (const listener of listeners) listener();
    },
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export type Lang = 'zh-CN' | 'en-US';
export type ThemeChoice = 'system' | 'light' | 'dark';

export const langStore = store<Lang>('guanxi.lang', () => 'zh-CN', ['zh-CN', 'en-US']);
export const themeStore = store<ThemeChoice>('guanxi.theme', () => 'system', ['system', 'light', 'dark']);
export const menuStore = store<'open' | 'folded'>('guanxi.menu', () => 'open', ['open', 'folded']);

export function usePref<T extends string>(source: {
  get: () => T;
  set: (value: T) => void;
  subscribe: (listener: () => void) => () => void;
}): [T, (value: T) => void] {
  const value = useSyncExternalStore(source.subscribe, source.get);
  return [value, source.set];
}

const darkQuery = typeof matchMedia === 'function' ? matchMedia('(prefers-color-scheme: dark)') : undefined;

/** Whether the page is dark now, by choice or by the system. */
export function useDark(): boolean {
  const [choice] = usePref(themeStore);
  const system = useSyncExternalStore(
    (listener) => {
      darkQuery?.addEventListener('change', listener);
      return () => darkQuery?.removeEventListener('change', listener);
    },
    () => darkQuery?.matches ?? false,
  );
  return choice === 'system' ? system : choice === 'dark';
}

const phoneQuery = typeof matchMedia === 'function' ? matchMedia('(max-width: 767.98px)') : undefined;

/** Whether the page is as narrow as a phone. */
export function usePhone(): boolean {
  return useSyncExternalStore(
    (listener) => {
      phoneQuery?.addEventListener('change', listener);
      return () => phoneQuery?.removeEventListener('change', listener);
    },
    () => phoneQuery?.matches ?? false,
  );
}

/** A small JSON value kept on this machine, such as the chosen columns of a list. */
export function readKept<T>(key: string): T | undefined {
  try {
    const text = localStorage.getItem(`guanxi.${key}`);
    return text ? (JSON.parse(text) as T) : undefined;
  } catch {
    return undefined;
  }
}

export function keep(key: string, value: unknown) {
  try {
    localStorage.setItem(`guanxi.${key}`, JSON.stringify(value));
  } catch {
    // Storage may be forbidden or full; the choice then lasts for this page.
  }
}
