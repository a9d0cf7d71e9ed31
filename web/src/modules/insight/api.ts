import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { client, ProblemError, take } from '@/api/client';
import type {
  AudienceCount,
  AudienceLive,
  AudienceOverlap,
  AudienceView,
  AudienceWhy,
  CustomerCohorts,
  LifetimeValue,
  PriceSensitivity,
  ProductPairs,
  ProductReorders,
  RepurchaseIntervals,
  Rfm,
  RfmClusters,
  Workbench,
} from '@/api/types';
import { queryClient } from '@/lib/query';
import { audiencesQuery } from '@/ui/audiences';
import type { Node } from './tree';

const workbenchQuery = {
  queryKey: ['workbench'],
  queryFn: () => take<Workbench>(client.GET('/api/v1/insight/workbench')),
};

export function askWorkbench() {
  void queryClient.prefetchQuery(workbenchQuery);
}

export function useWorkbench() {
  return useQuery({ ...workbenchQuery, refetchInterval: 5 * 60_000 });
}

export interface RfmQuery {
  as_of?: string;
  bins?: number;
  shop?: string;
  scheme?: string;
  compare_to?: string;
}

export function useRfm(query: RfmQuery) {
  return useQuery({
    queryKey: ['rfm', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => take<Rfm>(client.GET('/api/v1/insight/rfm', { params: { query }, signal })),
  });
}

/** A definition in one of its two forms. */
export type Definition = { tree: Node } | { text: string };

// The contract knows a tree as some object, and a body with one as an object without fields; what is in them
// is described in docs/audiences.md.
const bodyOf = (definition: Definition, more: object = {}) => ({ ...more, ...definition }) as never;

export function askAudiences() {
  void queryClient.prefetchQuery(audiencesQuery);
}

export function useAudience(id: string) {
  return useQuery({
    queryKey: ['audience', id],
    // An editor begins with what is kept now.
    gcTime: 0,
    queryFn: () =>
      take<AudienceView>(client.GET('/api/v1/insight/audiences/{id}', { params: { path: { id } } })),
  });
}

/** How many a definition has; a newer question ends one that is under way. Not asked without a definition. */
export function useCount(definition: Definition | undefined, as_of?: string) {
  return useQuery({
    queryKey: ['audience-count', definition, as_of],
    enabled: definition !== undefined,
    // Counts are of this moment.
    gcTime: 10_000,
    // What is wrong with a definition stays wrong.
    retry: (times, error) => times < 2 && error instanceof ProblemError && error.status === 0,
    queryFn: ({ signal }) =>
      take<AudienceCount>(
        client.POST('/api/v1/insight/audiences/count', {
          body: bodyOf(definition ?? { text: '' }, { as_of }),
          signal,
        }),
      ),
  });
}

export const explainAudience = (definition: Definition, customer: string, as_of?: string) =>
  take<AudienceWhy>(
    client.POST('/api/v1/insight/audiences/explain', { body: bodyOf(definition, { customer, as_of }) }),
  );

/** How many customers each two of these audiences share. */
export function useOverlap(audiences: string[]) {
  return useQuery({
    queryKey: ['audience-overlap', audiences],
    enabled: audiences.length > 1,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => ({
      // What is kept while another choice is asked for tells whose figures it has.
      audiences,
      ...(await take<AudienceOverlap>(
        client.POST('/api/v1/insight/audiences/overlap', { body: { audiences }, signal }),
      )),
    }),
  });
}

export const makeAudience = (said: { name: string; note: string; definition: Definition }) =>
  take<AudienceView>(
    client.POST('/api/v1/insight/audiences', {
      body: bodyOf(said.definition, { name: said.name, note: said.note }),
    }),
  );

export const changeAudience = (
  id: string,
  revision: number,
  said: { name: string; note: string; definition: Definition; announce: boolean },
) =>
  take<AudienceView>(
    client.PUT('/api/v1/insight/audiences/{id}', {
      params: { path: { id }, header: { 'If-Match': `"${revision}"` } },
      body: bodyOf(said.definition, { name: said.name, note: said.note, announce: said.announce }),
    }),
  );

export const deleteAudience = (id: string) =>
  take<undefined>(client.DELETE('/api/v1/insight/audiences/{id}', { params: { path: { id } } }));

/** Whether an audience is live, and who entered and left lately; asked again when the server hints at a change. */
export function useAudienceLive(id: string | undefined) {
  return useQuery({
    queryKey: ['audience-live', id],
    enabled: id !== undefined,
    queryFn: ({ signal }) =>
      take<AudienceLive>(
        client.GET('/api/v1/insight/audiences/{id}/live', { params: { path: { id: id ?? '' } }, signal }),
      ),
  });
}

export const switchLive = (id: string, live: boolean) =>
  take<AudienceLive>(
    client.PUT('/api/v1/insight/audiences/{id}/live', { params: { path: { id } }, body: { live } }),
  );

export interface ValueQuery {
  horizon_days?: number;
  shop?: string;
  calibration_end?: string;
}

export function useValue(query: ValueQuery) {
  return useQuery({
    queryKey: ['value', query],
    placeholderData: keepPreviousData,
    // Too little history stays too little.
    retry: false,
    queryFn: ({ signal }) =>
      take(
        client.GET('/api/v1/insight/value', { params: { query }, signal }),
      ) as Promise<unknown> as Promise<LifetimeValue>,
  });
}

/** Groups of customers who are alike. */
export function useClusters(query: { clusters: number; as_of?: string; shop?: string }) {
  return useQuery({
    queryKey: ['rfm-clusters', query],
    placeholderData: keepPreviousData,
    // Too few customers stay too few.
    retry: false,
    queryFn: ({ signal }) =>
      take<RfmClusters>(client.GET('/api/v1/insight/rfm/clusters', { params: { query }, signal })),
  });
}

/** Customers by the period of their first order. */
export function useCohorts(query: { period: string; shop?: string }) {
  return useQuery({
    queryKey: ['cohorts', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      take<CustomerCohorts>(client.GET('/api/v1/insight/cohorts', { params: { query }, signal })),
  });
}

/** Days from one order to the next, of all orders or those with a product. */
export function useRepurchase(query: { shop?: string; product?: string }) {
  return useQuery({
    queryKey: ['repurchase', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      take<RepurchaseIntervals>(client.GET('/api/v1/insight/repurchase', { params: { query }, signal })),
  });
}

/** Products that customers buy again. */
export function useReorders(query: { shop?: string }) {
  return useQuery({
    queryKey: ['reorders', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      take<ProductReorders>(client.GET('/api/v1/insight/repurchase/products', { params: { query }, signal })),
  });
}

/** Products that are ordered together. */
export function usePairs(query: { shop?: string; days: number; min_orders: number; sort: string }) {
  return useQuery({
    queryKey: ['pairs', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      take<ProductPairs>(client.GET('/api/v1/insight/baskets', { params: { query }, signal })),
  });
}

/** What was paid of the usual price. */
export function usePrices(query: { shop?: string }) {
  return useQuery({
    queryKey: ['prices', query],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      take<PriceSensitivity>(client.GET('/api/v1/insight/prices', { params: { query }, signal })),
  });
}
