import { useInfiniteQuery } from '@tanstack/react-query';
import { client, take } from '@/api/client';
import type { Job, JobState, Page } from '@/api/types';

export function useJobs(state: JobState) {
  return useInfiniteQuery({
    queryKey: ['jobs', state],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      take<Page<Job>>(
        client.GET('/api/v1/platform/jobs', { params: { query: { state, after: pageParam, limit: 50 } } }),
      ),
    getNextPageParam: (page) => page.next ?? undefined,
    refetchInterval: 10_000,
  });
}

export const retryJob = (id: string) =>
  take<Job>(client.POST('/api/v1/platform/jobs/{id}/retry', { params: { path: { id } } }));
