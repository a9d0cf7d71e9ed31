import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { client, take } from '@/api/client';
import type { components } from '@/api/schema';

type S = components['schemas'];

export type Scheme = S['LevelScheme'];
export type LevelRules = S['LevelRules'];
export type MemberLevel = S['MemberLevel'];
export type LevelCount = S['LevelCount'];
export type CustomerLevel = S['CustomerLevel'];
export type LevelChange = S['LevelChangeView'];

/** What a scheme may begin with. */
export function useLevelDefaults(enabled: boolean) {
  return useQuery({
    queryKey: ['loyalty', 'scheme-defaults'],
    enabled,
    queryFn: () => take<S['LevelDefaults']>(client.GET('/api/v1/loyalty/schemes/defaults')),
  });
}

export const makeScheme = (body: S['LevelSchemeBody']) =>
  take<Scheme>(client.POST('/api/v1/loyalty/schemes', { body }));

export const changeScheme = (id: string, version: number, body: S['LevelSchemeChange']) =>
  take<Scheme>(
    client.PUT('/api/v1/loyalty/schemes/{id}', {
      params: { path: { id }, header: { 'If-Match': `"${version}"` } },
      body,
    }),
  );

export function useCounts(id: string) {
  return useQuery({
    queryKey: ['loyalty', 'scheme-counts', id],
    queryFn: async () =>
      (
        await take<S['LevelCounts']>(
          client.GET('/api/v1/loyalty/schemes/{id}/counts', { params: { path: { id } } }),
        )
      ).items,
  });
}

/** How many would move if the bound of a level were another; not asked without one. */
export function useWhatIf(id: string | undefined, rank: number, bound: number | undefined) {
  return useQuery({
    queryKey: ['loyalty', 'what-if', id, rank, bound],
    enabled: id !== undefined && bound !== undefined,
    placeholderData: keepPreviousData,
    gcTime: 10_000,
    retry: false,
    queryFn: ({ signal }) =>
      take<S['LevelWhatIf']>(
        client.GET('/api/v1/loyalty/schemes/{id}/what-if', {
          params: { path: { id: id as string }, query: { rank, bound: bound as number } },
          signal,
        }),
      ),
  });
}

export function useCustomerLevels(id: string) {
  return useQuery({
    queryKey: ['loyalty', 'customer', id, 'levels'],
    queryFn: async () =>
      (
        await take<S['LevelsOfCustomer']>(
          client.GET('/api/v1/loyalty/customers/{id}/levels', { params: { path: { id } } }),
        )
      ).items,
  });
}

export function useLevelHistory(id: string, scheme: string) {
  return useInfiniteQuery({
    queryKey: ['loyalty', 'customer', id, 'level-history', scheme],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }) => {
      const page = await take<{ items: LevelChange[]; next?: string | null }>(
        client.GET('/api/v1/loyalty/customers/{id}/levels/{scheme}/history', {
          params: { path: { id, scheme }, query: { after: pageParam, limit: 20 } },
          signal,
        }),
      );
      return { ...page, items: page.items.map((change) => ({ ...change, id: String(change.revision) })) };
    },
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export const pinLevel = (id: string, scheme: string, body: S['PinBody']) =>
  take<CustomerLevel>(
    client.POST('/api/v1/loyalty/customers/{id}/levels/{scheme}/pin', {
      params: { path: { id, scheme } },
      body,
    }),
  );

export const releaseLevel = (id: string, scheme: string, body: S['ReleaseBody']) =>
  take<CustomerLevel>(
    client.POST('/api/v1/loyalty/customers/{id}/levels/{scheme}/release', {
      params: { path: { id, scheme } },
      body,
    }),
  );
