import type { PageRoute } from '@/lib/route';

export const platformRoutes: PageRoute[] = [];
