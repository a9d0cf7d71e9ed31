import type { PageRoute } from '@/lib/route';

export const pointsRoutes: PageRoute[] = [{ path: '/loyalty/points', load: () => import('./PointsPage') }];
