import { useQuery } from '@tanstack/react-query';
import { useCallback } from 'react';
import { client, itemsOf, take } from '@/api/client';
import type { Shop } from '@/api/types';
import { useMay } from '@/lib/rights';
import { offsetOf } from '@/lib/zone';

/** The shops, once for all who ask. */
export function useShops() {
  const may = useMay();
  return useQuery({
    enabled: may('commerce.read'),
    queryKey: ['shops'],
    queryFn: async () => itemsOf<Shop>(await take(client.GET('/api/v1/commerce/shops'))),
    staleTime: 60_000,
  });
}

/** How far the clocks of a shop, or of all shops together, are ahead of UTC; stable between renders. */
export function useClocks(): (shop?: string) => number {
  const { data } = useShops();
  return useCallback((shop?: string) => offsetOf(data, shop), [data]);
}
