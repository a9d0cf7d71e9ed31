import type { PageRoute } from '@/lib/route';

export const levelsRoutes: PageRoute[] = [];
