import { useCallback } from 'react';
import { ProblemError, queryText } from '@/api/client';
import type { Problem } from '@/api/types';
import { useGo } from '@/lib/url';
import { useSay } from './say';

type Query = Record<string, string | number | string[] | undefined | null>;

/** The address of customers as a file. */
export const fileHref = (query: Query, format: 'csv' | 'xlsx') =>
  `/api/v1/customers/export${queryText({ ...query, format })}`;

/** Where an export is asked for that is too large to be given out at once; an empty filter is no value of an address. */
const askHref = (query: Query, format: 'csv' | 'xlsx') =>
  `/settings/exports?format=${format}&ask=${encodeURIComponent(queryText({ sort: '-last_order_at', ...query }).slice(1))}`;

/** Fetches a file and saves it as `name`; a refusal is thrown, not saved. */
export async function saveFile(href: string, name: string): Promise<void> {
  const answer = await fetch(href, { credentials: 'same-origin' }).catch(() => undefined);
  if (!answer) throw new ProblemError(0, {});
  if (!answer.ok) {
    const problem = (await answer.json().catch(() => ({}))) as Partial<Problem>;
    throw new ProblemError(answer.status, problem);
  }
  // A file that breaks off on the way is as good as none.
  const file = await answer.blob().catch(() => undefined);
  if (!file) throw new ProblemError(0, {});
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Takes customers as a file, or leads to where somebody else is asked to approve it. */
export function useTakeFile(): (query: Query, format: 'csv' | 'xlsx') => Promise<void> {
  const go = useGo();
  const say = useSay();
  return useCallback(
    async (query, format) => {
      try {
        await saveFile(fileHref(query, format), `customers.${format}`);
      } catch (error) {
        if (error instanceof ProblemError && error.problem.code === 'export_needs_approval')
          go(askHref(query, format));
        else say.refused(error);
      }
    },
    [go, say],
  );
}
