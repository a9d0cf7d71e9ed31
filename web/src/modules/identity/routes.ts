import type { PageRoute } from '@/lib/route';

export const identityRoutes: PageRoute[] = [
  { path: '/settings', load: () => import('./AccountPage') },
  { path: '/settings/tokens', load: () => import('./TokensPage') },
];
