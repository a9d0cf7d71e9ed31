import { useQuery } from '@tanstack/react-query';
import { client, itemsOf, take } from '@/api/client';
import type { TagCount } from '@/api/types';
import { useSees } from '@/lib/rights';

/** All tags, for those who see them. */
export function useTags() {
  const sees = useSees();
  return useQuery({
    queryKey: ['tags'],
    enabled: sees.any('customers.tags'),
    queryFn: async () => itemsOf<TagCount>(await take(client.GET('/api/v1/customers/tags'))),
    staleTime: 60_000,
  });
}
