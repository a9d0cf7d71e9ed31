import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { client, itemsOf, ProblemError, take, upload } from '@/api/client';
import type {
  IntentCustomer,
  IntentFileReport,
  IntentModel,
  IntentModelDetail,
  IntentTier,
  ScoredCustomers,
} from '@/api/types';
import { queryClient } from '@/lib/query';

/** Between two looks at a version that is being trained. */
const POLL_MS = 1_500;

const modelsQuery = {
  queryKey: ['intent', 'models'],
  queryFn: async () => itemsOf<IntentModel>(await take(client.GET('/api/v1/insight/intent/models'))),
};

export function askModels() {
  void queryClient.prefetchQuery(modelsQuery);
}

/** All versions, the newest first; looked at again while one is being trained. */
export function useModels() {
  return useQuery({
    ...modelsQuery,
    refetchInterval: (query) => (query.state.data?.some((one) => one.state === 'waiting') ? POLL_MS : false),
  });
}

export function useModel(id: string | undefined) {
  return useQuery({
    queryKey: ['intent', 'model', id],
    enabled: id !== undefined,
    placeholderData: keepPreviousData,
    queryFn: () =>
      take(
        client.GET('/api/v1/insight/intent/models/{id}', { params: { path: { id: id ?? '' } } }),
      ) as Promise<unknown> as Promise<IntentModelDetail>,
  });
}

/** A customer as tables want one. */
export type ScoredRow = IntentCustomer & { id: string };

/** Customers by score; `model` so that another active version is asked anew. */
export function useScored(model: string | undefined, tier: IntentTier | undefined) {
  return useInfiniteQuery({
    queryKey: ['intent', 'customers', model, tier],
    enabled: model !== undefined,
    // A model that cannot be used stays so.
    retry: (times, error) => times < 2 && error instanceof ProblemError && error.status === 0,
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }) => {
      const page = await take<ScoredCustomers>(
        client.GET('/api/v1/insight/intent/customers', {
          params: { query: { tier, after: pageParam, limit: 20 } },
          signal,
        }),
      );
      return { ...page, items: page.items.map((one): ScoredRow => ({ ...one, id: one.customer.id })) };
    },
    getNextPageParam: (last) => last.next ?? undefined,
  });
}

export const trainModel = (horizon_days: number) =>
  take<IntentModel>(client.POST('/api/v1/insight/intent/models', { body: { horizon_days } }));

export const activateModel = (id: string) =>
  take<IntentModel>(client.POST('/api/v1/insight/intent/models/{id}/activate', { params: { path: { id } } }));

export interface FileWish {
  target?: string;
  positive?: string;
  drop: string[];
  folds?: number;
  seed?: number;
}

/** Columns of a file, and where a target is named the report of it. Nothing of it is kept. */
export function reportOfFile(file: File, wish: FileWish, signal?: AbortSignal): Promise<IntentFileReport> {
  const form = new FormData();
  form.append('file', file);
  if (wish.target) form.append('target', wish.target);
  if (wish.positive) form.append('positive', wish.positive);
  for (const column of wish.drop) form.append('drop', column);
  if (wish.folds !== undefined) form.append('folds', String(wish.folds));
  if (wish.seed !== undefined) form.append('seed', String(wish.seed));
  return upload('/api/v1/insight/intent/csv', form, () => {}, signal);
}
