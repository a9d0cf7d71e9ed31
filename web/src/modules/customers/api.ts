import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { client, itemsOf, take } from '@/api/client';
import type {
  Birthday,
  CustomerCard,
  CustomerQuery,
  CustomerRow,
  CustomerSettings,
  Merge,
  Note,
  Order,
  Page,
  Revealed,
  Suggestion,
  Tag,
  TagRule,
  TagRuleBody,
  TimelineItem,
  TimelineKind,
  View,
} from '@/api/types';
import { useMay } from '@/lib/rights';

export function useCustomers(query: CustomerQuery & { after?: string; limit?: number }) {
  return useQuery({
    queryKey: ['customers', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      take<Page<CustomerRow> & { total?: number | null }>(
        client.GET('/api/v1/customers', { params: { query }, signal }),
      ),
  });
}

export function useCustomer(id: string) {
  return useQuery({
    queryKey: ['customer', id],
    queryFn: () => take<CustomerCard>(client.GET('/api/v1/customers/{id}', { params: { path: { id } } })),
  });
}

export const patchCustomer = (
  id: string,
  version: number,
  body: { name?: string; rating?: CustomerRow['rating']; birthday?: Birthday | null },
) =>
  take<CustomerCard>(
    client.PATCH('/api/v1/customers/{id}', {
      params: { path: { id }, header: { 'If-Match': `"${version}"` } },
      body,
    }),
  );

export function useTimeline(id: string, kind: TimelineKind) {
  return useInfiniteQuery({
    queryKey: ['customer', id, 'timeline', kind],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      take<Page<TimelineItem>>(
        client.GET('/api/v1/customers/{id}/timeline', {
          params: { path: { id }, query: { kind, after: pageParam, limit: 50 } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function useCustomerOrders(customer: string) {
  return useInfiniteQuery({
    queryKey: ['orders', 'of', customer],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      take<Page<Order>>(
        client.GET('/api/v1/commerce/orders', {
          params: { query: { customer, after: pageParam, limit: 50, sort: '-ordered_at' } },
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export const addNote = (id: string, text: string) =>
  take<Note>(client.POST('/api/v1/customers/{id}/notes', { params: { path: { id } }, body: { text } }));

export const deleteNote = (id: string, note: string) =>
  take(client.DELETE('/api/v1/customers/{id}/notes/{note}', { params: { path: { id, note } } }));

export const putTags = (id: string, tags: string[]) =>
  take<{ tags: Tag[] }>(
    client.PUT('/api/v1/customers/{id}/tags', { params: { path: { id } }, body: { tags } }),
  );

export const makeTag = (body: { name: string; colour: string }) =>
  take<Tag>(client.POST('/api/v1/customers/tags', { body }));

export const deleteTag = (id: string) =>
  take(client.DELETE('/api/v1/customers/tags/{id}', { params: { path: { id } } }));

export const setTagRule = (id: string, body: TagRuleBody) =>
  take<TagRule>(client.PUT('/api/v1/customers/tags/{id}/rule', { params: { path: { id } }, body }));

export const clearTagRule = (id: string) =>
  take(client.DELETE('/api/v1/customers/tags/{id}/rule', { params: { path: { id } } }));

/** The rules of automatic tags by tag; asked again as long as one is being brought up to date. */
export function useTagRules() {
  const may = useMay();
  return useQuery({
    queryKey: ['tag-rules'],
    enabled: may('insight.read'),
    queryFn: async () => itemsOf<TagRule>(await take(client.GET('/api/v1/customers/tags/rules'))),
    refetchInterval: ({ state }) => (state.data?.some(underWay) ? 1_500 : false),
  });
}

/** Whether a rule has not reached all customers yet. */
export const underWay = (rule: TagRule) => rule.state === 'waiting' || rule.state === 'settling';

export const bulkTags = (body: { customers: string[]; add: string[]; remove: string[] }) =>
  take<{ changed: number }>(client.POST('/api/v1/customers/bulk/tags', { body }));

export const assignCustomers = (body: { customers: string[]; owner: string | null }) =>
  take<{ changed: number }>(client.POST('/api/v1/customers/bulk/owner', { body }));

export const revealCustomer = (id: string, reason: string) =>
  take<Revealed>(
    client.POST('/api/v1/customers/{id}/reveal', { params: { path: { id } }, body: { reason } }),
  );

export function useSuggestions() {
  return useInfiniteQuery({
    queryKey: ['suggestions'],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      take<Page<Suggestion>>(
        client.GET('/api/v1/customers/suggestions', { params: { query: { after: pageParam, limit: 20 } } }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function useCustomerSettings() {
  const may = useMay();
  return useQuery({
    enabled: may('customers.settings'),
    queryKey: ['customer-settings'],
    queryFn: () => take<CustomerSettings>(client.GET('/api/v1/customers/settings')),
  });
}

export const putCustomerSettings = (body: Partial<CustomerSettings>) =>
  take<CustomerSettings>(client.PUT('/api/v1/customers/settings', { body }));

export const dismissSuggestion = (id: string) =>
  take(client.POST('/api/v1/customers/suggestions/{id}/dismiss', { params: { path: { id } } }));

export const mergeCustomers = (body: { keep: string; absorb: string }) =>
  take<Merge>(client.POST('/api/v1/customers/merges', { body }));

export const unmerge = (id: string) =>
  take(client.DELETE('/api/v1/customers/merges/{id}', { params: { path: { id } } }));

export function useViews() {
  return useQuery({
    queryKey: ['views', 'customers'],
    queryFn: async () =>
      itemsOf<View>(
        await take(client.GET('/api/v1/customers/views', { params: { query: { page: 'customers' } } })),
      ),
  });
}

export const makeView = (body: { page: string; name: string; query: string; shared: boolean }) =>
  take<View>(client.POST('/api/v1/customers/views', { body }));

export const deleteView = (id: string) =>
  take(client.DELETE('/api/v1/customers/views/{id}', { params: { path: { id } } }));

export const findCustomers = (q: string) =>
  take<Page<CustomerRow>>(client.GET('/api/v1/customers', { params: { query: { q, limit: 8 } } }));
