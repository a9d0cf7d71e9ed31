import type { PageRoute } from '@/lib/route';

export const customersRoutes: PageRoute[] = [];
