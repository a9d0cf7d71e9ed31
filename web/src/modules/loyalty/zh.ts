import coupons from './coupons/zh';
import levels from './levels/zh';
import playground from './playground/zh';
import points from './points/zh';
import promotions from './promotions/zh';

export default { points, levels, coupons, promotions, playground };
