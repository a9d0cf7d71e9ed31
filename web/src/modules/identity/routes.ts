import type { PageRoute } from '@/lib/route';

export const identityRoutes: PageRoute[] = [
  { path: '/settings', load: () => import('./AccountPage') },
  { path: '/settings/people', load: () => import('./PeoplePage') },
  { path: '/settings/people/explain', load: () => import('./ExplainPage') },
  { path: '/settings/tokens', load: () => import('./TokensPage') },
];
