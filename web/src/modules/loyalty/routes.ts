import { withLaterWords } from '@/lib/language';
import type { PageRoute } from '@/lib/route';
import { couponsRoutes } from './coupons/routes';
import { levelsRoutes } from './levels/routes';
import { pointsRoutes } from './points/routes';
import { promotionsRoutes } from './promotions/routes';

const routes: PageRoute[] = [...pointsRoutes, ...levelsRoutes, ...couponsRoutes, ...promotionsRoutes];

export const loyaltyRoutes = routes.map((route) => ({ ...route, load: withLaterWords(route.load) }));
