import type { PageRoute } from '@/lib/route';

export const commerceRoutes: PageRoute[] = [
  { path: '/orders', load: () => import('./OrdersPage') },
  { path: '/orders/$id', load: () => import('./OrderPage') },
  { path: '/imports', load: () => import('./ImportsPage') },
  { path: '/imports/new', load: () => import('./NewImportPage') },
  { path: '/imports/$id', load: () => import('./ImportPage') },
  { path: '/settings/shops', load: () => import('./ShopsPage') },
];
