import type { PageRoute } from '@/lib/route';

export const commerceRoutes: PageRoute[] = [];
