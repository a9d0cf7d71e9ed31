import type { PageRoute } from '@/lib/route';

export const insightRoutes: PageRoute[] = [
  { path: '/', load: () => import('./WorkbenchPage') },
  { path: '/insight/rfm', load: () => import('./RfmPage') },
];
