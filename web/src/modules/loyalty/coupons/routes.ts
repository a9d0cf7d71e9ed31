import type { PageRoute } from '@/lib/route';

export const couponsRoutes: PageRoute[] = [
  { path: '/loyalty/coupons', load: () => import('./CouponsPage') },
  { path: '/loyalty/coupons/new', load: () => import('./NewCouponPage') },
  { path: '/loyalty/coupons/$id', load: () => import('./CouponPage') },
  { path: '/loyalty/coupons/$id/edit', load: () => import('./EditCouponPage') },
];
