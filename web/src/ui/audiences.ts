import { useQuery } from '@tanstack/react-query';
import { client, itemsOf, take } from '@/api/client';
import type { AudienceRow, AudienceView } from '@/api/types';
import { useMay } from '@/lib/rights';

export const audiencesQuery = {
  queryKey: ['audiences'],
  queryFn: async () => itemsOf<AudienceRow>(await take(client.GET('/api/v1/insight/audiences'))),
};

/** All audiences with their sizes of now, for those who may see them. */
export function useAudiences(enabled = true) {
  const may = useMay();
  return useQuery({ ...audiencesQuery, enabled: enabled && may('insight.read') });
}

/** What an audience is called; undefined as long as that is not known, and where it is not there. */
export function useAudienceName(id?: string): string | undefined {
  const may = useMay();
  const one = useQuery({
    queryKey: ['audience-name', id],
    enabled: !!id && may('insight.read'),
    retry: false,
    staleTime: 60_000,
    queryFn: async () =>
      (
        await take<AudienceView>(
          client.GET('/api/v1/insight/audiences/{id}', { params: { path: { id: id ?? '' } } }),
        )
      ).name,
  });
  return one.data;
}

/** Where the customers of an audience are listed. */
export const audienceHref = (id: string) => `/customers?audience=${id}`;
