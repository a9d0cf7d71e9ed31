import { useInfiniteQuery } from '@tanstack/react-query';
import { client, take } from '@/api/client';
import type { CustomerExport, Page } from '@/api/types';

/** States that go on by themselves. */
const MOVING = ['waiting', 'queued'];

/** One's own exports, or those of all. */
export function useExports(whose: 'own' | 'all', enabled = true) {
  return useInfiniteQuery({
    queryKey: ['exports', whose],
    enabled,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => {
      const params = { query: { after: pageParam, limit: 20 } };
      return take<Page<CustomerExport>>(
        whose === 'all'
          ? client.GET('/api/v1/customers/exports/all', { params })
          : client.GET('/api/v1/customers/exports', { params }),
      );
    },
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: (query) =>
      query.state.data?.pages.some((page) => page.items.some((one) => MOVING.includes(one.state)))
        ? 2_000
        : false,
  });
}

export const askExport = (body: { query: string; format: 'csv' | 'xlsx'; reason?: string }) =>
  take<CustomerExport>(client.POST('/api/v1/customers/exports', { body }));

export const decideExport = (id: string, body: { approve: boolean; word?: string }) =>
  take<CustomerExport>(
    client.POST('/api/v1/customers/exports/{id}/decision', { params: { path: { id } }, body }),
  );

export const exportOf = (text: string) =>
  take<CustomerExport>(client.POST('/api/v1/customers/exports/of', { body: { text } }));

export const exportFile = (id: string) => `/api/v1/customers/exports/${id}/file`;
