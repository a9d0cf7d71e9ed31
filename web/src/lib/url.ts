import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

export type Search = Record<string, string | undefined>;

/** Plain `a=b` pairs instead of JSON, so that a saved view is text people can read; what is named twice is joined. */
export function parseSearch(text: string): Search {
  const params = new URLSearchParams(text);
  return Object.fromEntries([...params.keys()].map((name) => [name, params.getAll(name).join(',')]));
}

export function stringifySearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    if (value !== undefined && value !== null && value !== '') params.set(name, String(value));
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

/** The URL's query and a way to change some of it; a changed filter starts at the first page again. */
export function useUrl(): [
  Search,
  (changes: Search, options?: { push?: boolean; keepPage?: boolean }) => void,
] {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const change = useCallback(
    (changes: Search, options: { push?: boolean; keepPage?: boolean } = {}) => {
      void navigate({
        to: '.',
        search: ((before: Search) => {
          const next: Search = { ...before, ...changes };
          if (!options.keepPage && !('after' in changes)) next.after = undefined;
          for (const name of Object.keys(next)) if (!next[name]) delete next[name];
          return next;
        }) as never,
        replace: !options.push,
        resetScroll: false,
      });
    },
    [navigate],
  );
  return [search, change];
}

/** Goes to a path that may carry its own query. */
export function useGo(): (href: string, replace?: boolean) => void {
  const navigate = useNavigate();
  return useCallback(
    (href: string, replace = false) => {
      const [path, query] = href.split('?');
      void navigate({ to: path || '/', search: parseSearch(query ?? '') as never, replace });
    },
    [navigate],
  );
}
