import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { client, take } from '@/api/client';
import type { components } from '@/api/schema';
import { usePollMs } from '@/lib/live';
import type { Terms } from './terms';

type S = components['schemas'];

/** The contract knows terms as some value; `Terms` says what is in them. */
export type CouponRules = Omit<S['CouponRules'], 'terms'> & { terms: Terms };
export type CouponRow = Omit<S['CouponDefinition'], 'rules'> & {
  rules: CouponRules;
  totals: S['CounterTotals'];
};
export type CouponState = S['OfferState'];
export type CouponFunnel = S['CouponFunnel'];
export type CouponBatch = S['CouponBatch'];
export type CouponGift = S['CouponGift'];
export type WalletCoupon = S['Coupon'] & {
  kind: Omit<S['WalletKind'], 'terms'> & { terms: Terms };
  is_usable: boolean;
};
export type CouponBody = { name: string; rules: CouponRules };

interface Paged<T> {
  items: T[];
  next?: string | null;
}

export function useCoupons(state?: CouponState) {
  return useInfiniteQuery({
    queryKey: ['coupons', state ?? ''],
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Paged<CouponRow>) => page.next ?? undefined,
    queryFn: ({ pageParam, signal }) =>
      take<Paged<CouponRow>>(
        client.GET('/api/v1/loyalty/coupons', {
          params: { query: { state, after: pageParam, limit: 50 } },
          signal,
        }) as never,
      ),
  });
}

const of = (id: string) => ({ path: { id } });

/** One kind of coupon; with `follows` its totals are looked at again and again. */
export function useCoupon(id: string, follows = false) {
  return useQuery({
    queryKey: ['coupon', id],
    refetchInterval: follows ? 5_000 : false,
    queryFn: () => take<CouponRow>(client.GET('/api/v1/loyalty/coupons/{id}', { params: of(id) }) as never),
  });
}

/** How far the coupons of a definition, or of one batch, have come; looked at again and again. */
export function useFunnel(id: string, batch?: string) {
  const every = usePollMs();
  return useQuery({
    queryKey: ['coupon-funnel', id, batch ?? ''],
    refetchInterval: Math.max(every, 3_000),
    queryFn: () =>
      take<CouponFunnel>(
        batch
          ? client.GET('/api/v1/loyalty/coupon-batches/{id}/funnel', { params: of(batch) })
          : client.GET('/api/v1/loyalty/coupons/{id}/funnel', { params: of(id) }),
      ),
  });
}

export function useBatches(id: string) {
  const every = usePollMs();
  return useQuery({
    queryKey: ['coupon-batches', id],
    refetchInterval: ({ state }) => (state.data?.some((one) => one.made < one.size) ? every : false),
    queryFn: async () =>
      (await take<Paged<CouponBatch>>(client.GET('/api/v1/loyalty/coupons/{id}/batches', { params: of(id) })))
        .items,
  });
}

/** Whether somebody still works at a gift. */
export const isOpen = (gift: CouponGift) => gift.state === 'waiting' || gift.state === 'running';

export function useGifts(id: string) {
  const every = usePollMs();
  return useQuery({
    queryKey: ['coupon-gifts', id],
    refetchInterval: ({ state }) => (state.data?.some(isOpen) ? every : false),
    queryFn: async () =>
      (await take<Paged<CouponGift>>(client.GET('/api/v1/loyalty/coupons/{id}/gifts', { params: of(id) })))
        .items,
  });
}

export function useWallet(customer: string) {
  return useInfiniteQuery({
    queryKey: ['wallet', customer],
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: Paged<WalletCoupon>) => page.next ?? undefined,
    queryFn: ({ pageParam, signal }) =>
      take<Paged<WalletCoupon>>(
        client.GET('/api/v1/loyalty/customers/{id}/coupons', {
          params: { ...of(customer), query: { after: pageParam, limit: 20 } },
          signal,
        }) as never,
      ),
  });
}

export const makeCoupon = (body: CouponBody) =>
  take<CouponRow>(client.POST('/api/v1/loyalty/coupons', { body: body as never }) as never);

export const changeCoupon = (id: string, version: number, body: CouponBody) =>
  take<CouponRow>(
    client.PUT('/api/v1/loyalty/coupons/{id}', {
      params: { ...of(id), header: { 'If-Match': `"${version}"` } },
      body: body as never,
    }) as never,
  );

export const putState = (id: string, state: CouponState) =>
  take<CouponRow>(
    client.PUT('/api/v1/loyalty/coupons/{id}/state', { params: of(id), body: { state } }) as never,
  );

export const makeBatch = (id: string, size: number) =>
  take<CouponBatch>(client.POST('/api/v1/loyalty/coupons/{id}/batches', { params: of(id), body: { size } }));

export const giveTo = (id: string, body: { audience: string; skips_holders: boolean }) =>
  take<CouponGift>(client.POST('/api/v1/loyalty/coupons/{id}/gifts', { params: of(id), body }));

export const claimFor = (customer: string, body: { coupon?: string; key?: string; code?: string }) =>
  take<WalletCoupon>(
    client.POST('/api/v1/loyalty/customers/{id}/coupons', { params: of(customer), body }) as never,
  );

/** Where the codes of a batch are, as a file. */
export const codesHref = (batch: string) => `/api/v1/loyalty/coupon-batches/${batch}/codes`;
