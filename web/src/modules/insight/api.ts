import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { client, take } from '@/api/client';
import type { Rfm, Workbench } from '@/api/types';
import { queryClient } from '@/lib/query';

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
