import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { client, take } from '@/api/client';
import type { CareCalendar, CareKind } from '@/api/types';

/** The calendar of some days, 62 at most. */
export function useCare(from: string, to: string, kind?: CareKind) {
  return useQuery({
    queryKey: ['customers', 'care', from, to, kind],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      take<CareCalendar>(
        client.GET('/api/v1/customers/care', { params: { query: { from, to, kind } }, signal }),
      ),
  });
}

/** Everybody of one day, page by page. */
export function useCareDay(day: string, kind: CareKind) {
  return useInfiniteQuery({
    queryKey: ['customers', 'care', day, kind],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      take<CareCalendar>(
        client.GET('/api/v1/customers/care', {
          params: { query: { from: day, to: day, kind, after: pageParam } },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.days[0]?.birthdays_next ?? undefined,
  });
}
