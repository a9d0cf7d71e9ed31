import { useQuery } from '@tanstack/react-query';
import { client, take } from '@/api/client';
import type { components } from '@/api/schema';
import { useMay } from '@/lib/rights';

type S = components['schemas'];

/** All schemes of member levels, for those who may see levels. */
export function useLevelSchemes() {
  const may = useMay();
  return useQuery({
    queryKey: ['loyalty', 'schemes'],
    enabled: may('loyalty.read'),
    queryFn: async () => (await take<S['LevelSchemes']>(client.GET('/api/v1/loyalty/schemes'))).items,
  });
}

/** All programmes of points, for those who may see points. */
export function usePointsProgrammes() {
  const may = useMay();
  return useQuery({
    queryKey: ['loyalty', 'programmes'],
    enabled: may('loyalty.read'),
    queryFn: async () => (await take<S['PointsProgrammes']>(client.GET('/api/v1/loyalty/programmes'))).items,
  });
}
