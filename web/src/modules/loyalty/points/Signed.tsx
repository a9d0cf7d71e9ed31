import { useFormat } from '@/lib/format';

/** Points with their sign; nothing for none. */
export function Signed(props: { value: number }) {
  const format = useFormat();
  const { value } = props;
  if (value === 0) return <span className="nothing">0</span>;
  return (
    <span className="figure">
      {value > 0 ? '+' : '−'}
      {format.int(Math.abs(value))}
    </span>
  );
}
