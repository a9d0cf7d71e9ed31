import type { PageRoute } from '@/lib/route';

export const insightRoutes: PageRoute[] = [];
