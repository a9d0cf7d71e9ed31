import { CouponEditor } from './CouponEditor';

/** A new kind of coupon. */
export default function NewCouponPage() {
  return <CouponEditor />;
}
