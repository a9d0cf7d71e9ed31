import { CouponsPanel } from './coupons/CouponsPanel';
import { LevelPanel } from './levels/LevelPanel';
import { PointsPanel } from './points/PointsPanel';

/** What a customer has of being a member: level, points, coupons; one panel for each. */
export default function MemberTab(props: { customer: string }) {
  return (
    <div className="stack member-tab">
      <LevelPanel customer={props.customer} />
      <PointsPanel customer={props.customer} />
      <CouponsPanel customer={props.customer} />
    </div>
  );
}
