import coupons from './coupons/en';
import levels from './levels/en';
import points from './points/en';
import promotions from './promotions/en';
import playground from './promotions/playground/en';

export default { points, levels, coupons, promotions, playground };
