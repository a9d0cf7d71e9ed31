/** What a customer has of being a member: level, points, coupons; one panel for each. */
export default function MemberTab(_props: { customer: string }) {
  return <div className="stack member-tab" />;
}
