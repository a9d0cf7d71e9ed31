import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { client, take } from '@/api/client';
import type { SimulationBody, SimulationRow, SimulationView } from '@/api/types';

/** Between two looks at a simulation that runs. */
const POLL_MS = 1_000;

/** Whether a simulation may still change. */
export const isOpen = (state: string) => state === 'waiting' || state === 'running';

/** All simulations, the newest first; looked at again while one runs. */
export function useSimulations() {
  return useInfiniteQuery({
    queryKey: ['simulations', 'list'],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam, signal }) =>
      take<{ items: SimulationRow[]; next?: string | null }>(
        client.GET('/api/v1/loyalty/simulations', {
          params: { query: { after: pageParam, limit: 20 } },
          signal,
        }),
      ),
    getNextPageParam: (last) => last.next ?? undefined,
    refetchInterval: (query) =>
      query.state.data?.pages.some((page) => page.items.some((one) => isOpen(one.state))) ? POLL_MS : false,
  });
}

/** One simulation with what came out so far. */
export function useSimulation(id: string | undefined) {
  return useQuery({
    queryKey: ['simulations', 'one', id],
    enabled: id !== undefined,
    placeholderData: keepPreviousData,
    queryFn: () =>
      take<SimulationView>(
        client.GET('/api/v1/loyalty/simulations/{id}', { params: { path: { id: id ?? '' } } }),
      ),
    refetchInterval: (query) => (query.state.data && isOpen(query.state.data.state) ? POLL_MS : false),
  });
}

export const askSimulation = (body: SimulationBody) =>
  take<SimulationRow>(client.POST('/api/v1/loyalty/simulations', { body }));

export const cancelSimulation = (id: string) =>
  take<SimulationRow>(client.POST('/api/v1/loyalty/simulations/{id}/cancel', { params: { path: { id } } }));
