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

/** Takes customers as a file, or leads to where somebody else is asked to approve it. */
export function useTakeFile(): (query: Query, format: 'csv' | 'xlsx') => Promise<void> {
  const go = useGo();
  const say = useSay();
  return useCallback(
    async (query, format) => {
      try {
        const answer = await fetch(fileHref(query, format), { credentials: 'same-origin' });
        if (answer.ok) {
          const link = document.createElement('a');
          link.href = URL.createObjectURL(await answer.blob());
          link.download = `customers.${format}`;
          link.click();
          URL.revokeObjectURL(link.href);
          return;
        }
        const problem = (await answer.json().catch(() => ({}))) as Partial<Problem>;
        if (problem.code === 'export_needs_approval') go(askHref(query, format));
        else say.refused(new ProblemError(answer.status, problem));
      } catch {
        say.refused(new ProblemError(0, {}));
      }
    },
    [go, say],
  );
}
