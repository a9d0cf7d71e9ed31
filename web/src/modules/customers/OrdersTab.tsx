import { useTranslation } from 'react-i18next';
import type { Order } from '@/api/types';
import { usePhone } from '@/lib/prefs';
import { useSees } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { OrderStateMark } from '@/ui/marks';
import { PagedTable, type PlainColumn } from '@/ui/PlainTable';
import { useClocks } from '@/ui/shops';
import { Day, Money } from '@/ui/values';
import { useCustomerOrders } from './api';

export function OrdersTab(props: { id: string }) {
  const { t } = useTranslation();
  const phone = usePhone();
  const clocks = useClocks();
  const amounts = useSees().any('commerce.amounts');
  const query = useCustomerOrders(props.id);
  const columns: PlainColumn<Order>[] = [
    {
      title: t('customers.order.no'),
      render: (order) => (
        <AppLink href={`/orders/${order.id}`}>
          <span className="figure">{order.external_no}</span>
        </AppLink>
      ),
    },
    {
      title: t('customers.order.day'),
      className: 'nowrap',
      render: (order) => <Day at={order.ordered_at} offset={clocks(order.shop.id)} />,
    },
    { title: t('customers.order.state'), render: (order) => <OrderStateMark state={order.state} /> },
    {
      title: t('customers.order.items'),
      className: 'clip clip-rest',
      render: (order) => <span title={order.item_title ?? undefined}>{order.item_title}</span>,
    },
  ];
  const paid: PlainColumn<Order>[] = [
    {
      title: t('customers.order.paid'),
      right: true,
      render: (order) => <Money minor={order.paid_minor} currency={order.currency} />,
    },
    {
      title: t('customers.order.refund'),
      right: true,
      render: (order) => <Money minor={order.refund_minor || null} currency={order.currency} />,
    },
  ];
  const cards = (orders: Order[]) => (
    <ul className="cards cards-flush">
      {orders.map((order) => (
        <li key={order.id} className="card">
          <div className="card-row">
            <AppLink href={`/orders/${order.id}`} className="first-link">
              {order.item_title || order.external_no}
            </AppLink>
            {amounts ? <Money minor={order.paid_minor} currency={order.currency} /> : null}
          </div>
          <div className="card-row quiet">
            <Day at={order.ordered_at} offset={clocks(order.shop.id)} />
            <OrderStateMark state={order.state} />
          </div>
        </li>
      ))}
    </ul>
  );
  return (
    <PagedTable
      label={t('customers.tab.orders')}
      query={query}
      empty={{ title: t('customers.noOrders') }}
      columns={amounts ? [...columns, ...paid] : columns}
      instead={phone ? cards : undefined}
    />
  );
}
