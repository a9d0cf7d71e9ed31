import { useInfiniteQuery } from '@tanstack/react-query';
import { client, take } from '@/api/client';
import type { Page, PersonRequest, PersonRequestQuery } from '@/api/types';

export const KINDS = ['access', 'correction', 'erasure', 'restriction', 'withdrawal'] as const;
export const STATES = ['open', 'done', 'refused'] as const;

export function useRequests(query: PersonRequestQuery, enabled = true) {
  return useInfiniteQuery({
    queryKey: ['person-requests', query],
    enabled,
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      take<Page<PersonRequest>>(
        client.GET('/api/v1/customers/person-requests', {
          params: { query: { ...query, after: pageParam, limit: 50 } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export const receiveRequest = (body: {
  customer: string;
  kind: PersonRequest['kind'];
  received_at?: string;
  text?: string;
}) => take<PersonRequest>(client.POST('/api/v1/customers/person-requests', { body }));

export const takeRequest = (id: string) =>
  take<PersonRequest>(
    client.POST('/api/v1/customers/person-requests/{id}/take', { params: { path: { id } } }),
  );

export const finishRequest = (id: string, body: { done: boolean; answer: string }) =>
  take<PersonRequest>(
    client.POST('/api/v1/customers/person-requests/{id}/finish', { params: { path: { id } }, body }),
  );
