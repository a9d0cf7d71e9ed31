import type { PageRoute } from '@/lib/route';

export const promotionsRoutes: PageRoute[] = [];
