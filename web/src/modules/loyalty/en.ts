import coupons from './coupons/en';
import levels from './levels/en';
import playground from './playground/en';
import points from './points/en';
import promotions from './promotions/en';

export default { points, levels, coupons, promotions, playground };
