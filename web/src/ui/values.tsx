import { Tooltip } from 'antd';
import { useEffect, useState } from 'react';
import { formatDay, placeText, useFormat } from '@/lib/format';

/** Stands where a fact is not known. */
export function Nothing() {
  return <span className="nothing">–</span>;
}

export function Money(props: { minor?: number | null; currency?: string | null; short?: boolean }) {
  const format = useFormat();
  if (props.minor == null || !props.currency) return <Nothing />;
  if (props.short) {
    return (
      <Tooltip title={format.money(props.minor, props.currency)}>
        <span className="figure">{format.moneyShort(props.minor, props.currency)}</span>
      </Tooltip>
    );
  }
  return <span className="figure">{format.money(props.minor, props.currency)}</span>;
}

export function Int(props: { value?: number | null }) {
  const format = useFormat();
  if (props.value == null) return <Nothing />;
  return <span className="figure">{format.int(props.value)}</span>;
}

/** Relative within a day, absolute after, the zone in the tooltip; what happened in a shop by its clocks. */
export function Time(props: { at?: string | null; offset?: number }) {
  const format = useFormat();
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((n) => n + 1), 60_000);
    return () => clearInterval(timer);
  }, []);
  if (!props.at) return <Nothing />;
  return (
    <Tooltip title={format.instant(props.at, props.offset)}>
      <time dateTime={props.at} className="figure">
        {format.time(props.at, props.offset)}
      </time>
    </Tooltip>
  );
}

/** Only the day, the full instant in the tooltip; what happened in a shop by its clocks. */
export function Day(props: { at?: string | null; offset?: number }) {
  const format = useFormat();
  if (!props.at) return <Nothing />;
  return (
    <Tooltip title={props.at.length > 10 ? format.instant(props.at, props.offset) : props.at}>
      <time dateTime={props.at} className="figure">
        {formatDay(props.at, props.offset)}
      </time>
    </Tooltip>
  );
}

/** Province and city. */
export function Place(props: { province?: string | null; city?: string | null }) {
  return placeText(props.province, props.city) || <Nothing />;
}

/** A bar that shows a share of the whole beside its figure. */
export function ShareBar(props: { share: number; label?: string }) {
  const format = useFormat();
  return (
    <span className="share">
      <span className="share-track" aria-hidden="true">
        <span className="share-fill" style={{ width: `${Math.min(100, Math.max(0, props.share * 100))}%` }} />
      </span>
      <span className="figure share-text">{props.label ?? format.percent(props.share)}</span>
    </span>
  );
}
