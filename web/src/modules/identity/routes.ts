import type { PageRoute } from '@/lib/route';

export const identityRoutes: PageRoute[] = [];
