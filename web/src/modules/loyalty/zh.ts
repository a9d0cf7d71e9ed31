import coupons from './coupons/zh';
import levels from './levels/zh';
import points from './points/zh';
import playground from './promotions/playground/zh';
import promotions from './promotions/zh';

export default { points, levels, coupons, promotions, playground };
