import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { client, take } from '@/api/client';
import type { PlaygroundBody, PromotionCalendar, PromotionPage, PromotionView, Quote } from '@/api/types';
import type { Rules } from './terms';

export type State = 'draft' | 'live' | 'stopped' | 'ended';
export const STATES: readonly State[] = ['live', 'draft', 'stopped', 'ended'];

export function usePromotions(state: State | undefined) {
  return useInfiniteQuery({
    queryKey: ['promotions', state],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      take<PromotionPage>(
        client.GET('/api/v1/loyalty/promotions', { params: { query: { state, after: pageParam } } }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export function useCalendar(from: string, until: string) {
  return useQuery({
    queryKey: ['promotions', 'calendar', from, until],
    placeholderData: keepPreviousData,
    queryFn: () =>
      take<PromotionCalendar>(
        client.GET('/api/v1/loyalty/promotions/calendar', { params: { query: { from, until } } }),
      ),
  });
}

export function usePromotion(id: string | undefined) {
  return useQuery({
    queryKey: ['promotion', id],
    enabled: id !== undefined,
    // An editor begins with what is kept now.
    gcTime: 0,
    queryFn: () =>
      take<PromotionView>(
        client.GET('/api/v1/loyalty/promotions/{id}', { params: { path: { id: id ?? '' } } }),
      ),
  });
}

// The contract knows terms as some object.
const bodyOf = (name: string, rules: Rules) => ({ name, rules }) as never;

export const makePromotion = (said: { name: string; rules: Rules }) =>
  take<PromotionView>(client.POST('/api/v1/loyalty/promotions', { body: bodyOf(said.name, said.rules) }));

export const changePromotion = (id: string, version: number, said: { name: string; rules: Rules }) =>
  take<PromotionView>(
    client.PUT('/api/v1/loyalty/promotions/{id}', {
      params: { path: { id }, header: { 'If-Match': `"${version}"` } },
      body: bodyOf(said.name, said.rules),
    }),
  );

const putState = (id: string, state: State) =>
  take<PromotionView>(
    client.PUT('/api/v1/loyalty/promotions/{id}/state', { params: { path: { id } }, body: { state } }),
  );

/** Puts a promotion into a state; lists and the page learn of it. */
export function usePutState(done: (view: PromotionView) => void, refused: (error: unknown) => void) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (said: { id: string; state: State }) => putState(said.id, said.state),
    onSuccess: async (view) => {
      cache.setQueryData(['promotion', view.promotion.id], view);
      done(view);
      await cache.invalidateQueries({ queryKey: ['promotions'] });
    },
    onError: refused,
  });
}

export const setStock = (id: string, sku: string, stocked: number) =>
  take<PromotionView>(
    client.PUT('/api/v1/loyalty/promotions/{id}/stock', {
      params: { path: { id } },
      body: { sku, stocked },
    }),
  );

export const priceCart = (body: PlaygroundBody) =>
  take<Quote>(client.POST('/api/v1/loyalty/playground', { body }));

/** Customers whose name, account or number begins with a text. */
export function useCustomerChoice(q: string) {
  return useQuery({
    queryKey: ['customer-choice', q],
    enabled: q.length > 0,
    placeholderData: keepPreviousData,
    queryFn: async () => {
      const page = await take<{ items: { id: string; name: string }[] }>(
        client.GET('/api/v1/customers', { params: { query: { q, limit: 10 } } as never }),
      );
      return page.items;
    },
  });
}
