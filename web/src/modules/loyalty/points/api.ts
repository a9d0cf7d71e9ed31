import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { client, take } from '@/api/client';
import type { components, operations } from '@/api/schema';

type S = components['schemas'];

export type Programme = S['PointsProgramme'];
export type PointsRules = S['PointsRules'];
export type CustomerPoints = S['CustomerPoints'];
export type PointsLot = S['PointsLot'];
export type LedgerEntry = S['LedgerEntry'];
export type LedgerEntryCard = S['LedgerEntryCard'];
export type Liability = S['PointsLiability'];
export type WaitingAdjustment = S['WaitingAdjustment'];
export type EntryQuery = NonNullable<operations['get_loyalty_entries']['parameters']['query']>;

/** What entries of the ledger are about. */
export const KINDS = [
  'earn',
  'release',
  'spend',
  'reserve',
  'commit',
  'cancel_spend',
  'respend',
  'reverse_earn',
  'expire',
  'adjust',
] as const;

export const makeProgramme = (body: S['PointsProgrammeBody']) =>
  take<Programme>(client.POST('/api/v1/loyalty/programmes', { body }));

export const changeProgramme = (id: string, version: number, body: S['PointsProgrammeChange']) =>
  take<Programme>(
    client.PUT('/api/v1/loyalty/programmes/{id}', {
      params: { path: { id }, header: { 'If-Match': `"${version}"` } },
      body,
    }),
  );

/** What an order that is paid now would earn; what is wrong with the rules is told by the form when it is sent. */
export function useExample(body: S['PointsExampleBody'] | undefined) {
  return useQuery({
    queryKey: ['loyalty', 'example', body],
    enabled: body !== undefined,
    placeholderData: keepPreviousData,
    gcTime: 10_000,
    retry: false,
    queryFn: ({ signal }) =>
      take<S['PointsExample']>(
        client.POST('/api/v1/loyalty/programmes/example', {
          body: body as S['PointsExampleBody'],
          signal,
        }),
      ),
  });
}

export function useEntries(query: EntryQuery) {
  return useInfiniteQuery({
    queryKey: ['loyalty', 'entries', query],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      take<{ items: LedgerEntry[]; next?: string | null }>(
        client.GET('/api/v1/loyalty/entries', {
          params: { query: { ...query, after: pageParam, limit: 50 } },
          signal,
        }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

/** One entry with its lines: as far as it is about `customer`, if one is named. */
export function useEntry(id: string | undefined, customer?: string) {
  return useQuery({
    queryKey: ['loyalty', 'entry', id, customer],
    enabled: id !== undefined,
    queryFn: () =>
      take<LedgerEntryCard>(
        customer
          ? client.GET('/api/v1/loyalty/customers/{id}/entries/{entry}', {
              params: { path: { id: customer, entry: id as string } },
            })
          : client.GET('/api/v1/loyalty/entries/{id}', {
              params: { path: { id: id as string }, query: { limit: 200 } },
            }),
      ),
  });
}

export function useLiability(id: string, query: { from?: string; at?: string }) {
  return useQuery({
    queryKey: ['loyalty', 'liability', id, query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      take<Liability>(
        client.GET('/api/v1/loyalty/programmes/{id}/liability', {
          params: { path: { id }, query },
          signal,
        }),
      ),
  });
}

export function useWaiting(enabled: boolean) {
  return useQuery({
    queryKey: ['loyalty', 'adjustments'],
    enabled,
    queryFn: async () =>
      (await take<S['WaitingAdjustments']>(client.GET('/api/v1/loyalty/adjustments'))).items,
  });
}

export const decide = (id: string, approve: boolean) =>
  take<void>(
    client.POST('/api/v1/loyalty/adjustments/{id}/decision', { params: { path: { id } }, body: { approve } }),
  );

export function useCustomerPoints(id: string) {
  return useQuery({
    queryKey: ['loyalty', 'customer', id, 'points'],
    queryFn: async () =>
      (
        await take<S['PointsOfCustomer']>(
          client.GET('/api/v1/loyalty/customers/{id}/points', { params: { path: { id } } }),
        )
      ).items,
  });
}

export function useStatement(id: string, programme: string) {
  return useInfiniteQuery({
    queryKey: ['loyalty', 'customer', id, 'statement', programme],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }) => {
      const told = await take<S['PointsStatement']>(
        client.GET('/api/v1/loyalty/customers/{id}/statement', {
          params: { path: { id }, query: { programme, after: pageParam, limit: 10 } },
          signal,
        }),
      );
      // One entry may move points of several who are one family.
      const items = told.lines.items.map((line) => ({ ...line, id: `${line.entry} ${line.customer}` }));
      return { items, next: told.lines.next };
    },
    getNextPageParam: (page) => page.next ?? undefined,
  });
}

export const adjustPoints = (id: string, body: S['AdjustBody']) =>
  take<S['PointsAdjusted']>(
    client.POST('/api/v1/loyalty/customers/{id}/adjustments', { params: { path: { id } }, body }),
  );
