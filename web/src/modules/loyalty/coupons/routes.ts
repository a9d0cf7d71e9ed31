import type { PageRoute } from '@/lib/route';

export const couponsRoutes: PageRoute[] = [];
