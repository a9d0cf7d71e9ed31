import type { PageRoute } from '@/lib/route';
import { askWorkbench } from './api';

export const insightRoutes: PageRoute[] = [
  { path: '/', load: () => import('./WorkbenchPage'), ask: askWorkbench },
  { path: '/insight/rfm', load: () => import('./RfmPage') },
];
