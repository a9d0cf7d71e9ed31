import { couponsRoutes } from './coupons/routes';
import { levelsRoutes } from './levels/routes';
import { pointsRoutes } from './points/routes';
import { promotionsRoutes } from './promotions/routes';

export const loyaltyRoutes = [...pointsRoutes, ...levelsRoutes, ...couponsRoutes, ...promotionsRoutes];
