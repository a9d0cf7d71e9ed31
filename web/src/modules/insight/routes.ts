import type { PageRoute } from '@/lib/route';
import { askAudiences, askWorkbench } from './api';

export const insightRoutes: PageRoute[] = [
  { path: '/', load: () => import('./WorkbenchPage'), ask: askWorkbench },
  { path: '/insight/rfm', load: () => import('./RfmPage') },
  { path: '/insight/audiences', load: () => import('./AudiencesPage'), ask: askAudiences },
  { path: '/insight/audiences/new', load: () => import('./NewAudiencePage') },
  { path: '/insight/audiences/$id', load: () => import('./AudiencePage') },
  { path: '/insight/value', load: () => import('./ValuePage') },
  { path: '/insight/retention', load: () => import('./RetentionPage') },
  { path: '/insight/intent', load: () => import('./intent/IntentPage') },
];
