import type { PageRoute } from '@/lib/route';

export const platformRoutes: PageRoute[] = [
  { path: '/settings/jobs', load: () => import('./JobsPage') },
  { path: '/settings/audit', load: () => import('./AuditPage') },
  { path: '/settings/retention', load: () => import('./RetentionPage') },
  { path: '/settings/webhooks', load: () => import('./webhooks/WebhooksPage') },
  { path: '/settings/backups', load: () => import('./BackupsPage') },
];
