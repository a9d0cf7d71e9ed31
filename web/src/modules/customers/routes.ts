import type { PageRoute } from '@/lib/route';

export const customersRoutes: PageRoute[] = [
  { path: '/customers', load: () => import('./ListPage') },
  { path: '/customers/care', load: () => import('./care/CarePage') },
  { path: '/customers/suggestions', load: () => import('./SuggestionsPage') },
  { path: '/customers/$id', load: () => import('./CardPage') },
  { path: '/settings/consent-texts', load: () => import('./ConsentTextsPage') },
  { path: '/settings/exports', load: () => import('./ExportsPage') },
  { path: '/settings/requests', load: () => import('./RequestsPage') },
  { path: '/settings/tags', load: () => import('./tags/TagsPage') },
];
