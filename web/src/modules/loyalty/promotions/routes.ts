import type { PageRoute } from '@/lib/route';

export const promotionsRoutes: PageRoute[] = [
  { path: '/loyalty/promotions', load: () => import('./PromotionsPage') },
  { path: '/loyalty/promotions/new', load: () => import('./NewPromotionPage') },
  { path: '/loyalty/promotions/$id', load: () => import('./PromotionPage') },
  { path: '/loyalty/playground', load: () => import('./playground/PlaygroundPage') },
  { path: '/loyalty/simulator', load: () => import('./simulator/SimulatorPage') },
];
