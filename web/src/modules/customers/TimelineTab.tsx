import { Button, Segmented } from 'antd';
import { useTranslation } from 'react-i18next';
import type { TimelineItem, TimelineKind } from '@/api/types';
import { formatDay } from '@/lib/format';
import { oneOf } from '@/lib/known';
import { useMay, useSees } from '@/lib/rights';
import { useKnownUrl } from '@/ui/known';
import { AppLink } from '@/ui/Link';
import { OrderStateMark } from '@/ui/marks';
import { useClocks } from '@/ui/shops';
import { EmptyState, ErrorState, Waiting } from '@/ui/states';
import { Money, Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { useTimeline } from './api';

const KINDS = ['order', 'payment', 'refund', 'note', 'tag', 'merge', 'owner', 'identity'];

export function TimelineTab(props: { id: string }) {
  const { t } = useTranslation();
  const sees = useSees();
  const hidden: Record<string, boolean> = {
    note: !sees.any('customers.notes'),
    tag: !sees.any('customers.tags'),
    merge: !sees.clear('customers.name'),
    identity: !['accounts', 'phone', 'email'].every((name) => sees.any(`customers.${name}`)),
  };
  const kinds = KINDS.filter((kind) => !hidden[kind]);
  const [url, setUrl] = useKnownUrl({ kind: oneOf(kinds) });
  const clocks = useClocks();
  // An order by the clocks of its shop, what people did here by the reader's.
  const offsetOf = (item: TimelineItem) => (item.order ? clocks(item.order.shop.id) : undefined);
  const monthOf = (item: TimelineItem) => formatDay(item.at, offsetOf(item)).slice(0, 7);
  const query = useTimeline(props.id, url.kind as TimelineKind);
  const items = withoutRepeats(query.data?.pages.flatMap((page) => page.items) ?? []);
  return (
    <div className="stack">
      <div className="scroll-x">
        <Segmented
          aria-label={t('customers.timeline.filter')}
          value={url.kind ?? 'all'}
          onChange={(kind) => setUrl({ kind: kind === 'all' ? undefined : String(kind) })}
          options={[
            { value: 'all', label: t('ui.all') },
            ...kinds.map((kind) => ({ value: kind, label: t(`customers.timeline.kind.${kind}`) })),
          ]}
        />
      </div>
      {query.isPending ? (
        <Waiting />
      ) : query.isError ? (
        <ErrorState error={query.error} onRetry={() => void query.refetch()} />
      ) : items.length === 0 ? (
        <EmptyState small title={t(url.kind ? 'customers.timeline.noneOfKind' : 'customers.timeline.none')} />
      ) : (
        <ol className="timeline">
          {items.map((item, index) => {
            const month = monthOf(item);
            const before = items[index - 1];
            return (
              <li key={`${item.at}-${index}`} className={`event event-${item.kind}`}>
                {before && monthOf(before) === month ? null : <div className="event-month">{month}</div>}
                <div className="event-line">
                  <span className="event-kind">
                    {t(`customers.timeline.kind.${item.paid ? 'orderPaid' : item.kind}`, {
                      defaultValue: item.kind,
                    })}
                  </span>
                  <span className="event-what">
                    <Event item={item} />
                  </span>
                  <span className="event-time quiet">
                    <Time at={item.at} offset={offsetOf(item)} />
                  </span>
                </div>
              </li>
            );
          })}
        </ol>
      )}
      {query.hasNextPage ? (
        <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {t('ui.loadMore')}
        </Button>
      ) : null}
    </div>
  );
}

/** An order and its payment that stand next to each other are one thing that happened. */
function withoutRepeats(items: TimelineItem[]): (TimelineItem & { paid?: boolean })[] {
  const same = (a?: TimelineItem, b?: TimelineItem) =>
    a?.kind === 'payment' && b?.kind === 'order' && !!a.order && a.order.id === b.order?.id;
  return items
    .map((item, index) => ({ ...item, paid: same(items[index - 1], item) }))
    .filter((item, index) => !same(item, items[index + 1]));
}

function Event(props: { item: TimelineItem }) {
  const { t } = useTranslation();
  const may = useMay();
  const { item } = props;
  const { order, note } = item;
  if (note) {
    return (
      <>
        <span className="note-text">{note.text}</span> <By person={note.author_person} />
      </>
    );
  }
  if (order) {
    const amount = item.kind === 'refund' ? order.refund_minor : order.paid_minor || order.total_minor;
    const title = item.title || order.item_title || order.external_no;
    return (
      <>
        {may('commerce.read') ? <AppLink href={`/orders/${order.id}`}>{title}</AppLink> : title}{' '}
        {amount == null ? null : <Money minor={amount} currency={order.currency} />}{' '}
        {item.kind === 'order' ? <OrderStateMark state={order.state} /> : null}
      </>
    );
  }
  if (item.identity) {
    const what = t(`customers.identity.kinds.${item.identity.of}`);
    return (
      <>
        {t(`customers.timeline.identity.${item.identity.deed}`, { what })} <By person={item.actor_person} />
      </>
    );
  }
  if (item.kind === 'owner') {
    return (
      <>
        {item.title
          ? t('customers.timeline.ownedBy', { name: item.title })
          : t(item.owner ? 'customers.timeline.ownedByGone' : 'customers.timeline.ownedByNobody')}{' '}
        <By person={item.actor_person} />
      </>
    );
  }
  return (
    <>
      {item.title} <By person={item.actor_person} />
    </>
  );
}

/** Told from what was done by a mark: both may be names. */
function By(props: { person?: TimelineItem['actor_person'] }) {
  return props.person ? (
    <span className="quiet event-by">
      <Who person={props.person} />
    </span>
  ) : null;
}
