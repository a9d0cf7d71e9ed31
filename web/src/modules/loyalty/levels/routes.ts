import type { PageRoute } from '@/lib/route';

export const levelsRoutes: PageRoute[] = [{ path: '/loyalty/levels', load: () => import('./LevelsPage') }];
