import type { PageRoute } from '@/lib/route';

export const pointsRoutes: PageRoute[] = [];
