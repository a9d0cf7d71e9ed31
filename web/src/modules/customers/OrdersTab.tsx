import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { usePhone } from '@/lib/prefs';
import { useSees } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { OrderStateMark } from '@/ui/marks';
import { ScrollX } from '@/ui/ScrollX';
import { useClocks } from '@/ui/shops';
import { EmptyState, ErrorState, Waiting } from '@/ui/states';
import { Day, Money } from '@/ui/values';
import { useCustomerOrders } from './api';

export function OrdersTab(props: { id: string }) {
  const { t } = useTranslation();
  const phone = usePhone();
  const clocks = useClocks();
  const amounts = useSees().any('commerce.amounts');
  const query = useCustomerOrders(props.id);
  if (query.isPending) return <Waiting />;
  if (query.isError) return <ErrorState error={query.error} onRetry={() => void query.refetch()} />;
  const orders = query.data.pages.flatMap((page) => page.items);
  if (orders.length === 0) return <EmptyState small title={t('customers.noOrders')} />;
  return (
    <div className="stack">
      {phone ? (
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
      ) : (
        <ScrollX label={t('customers.tab.orders')}>
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">{t('customers.order.no')}</th>
                <th scope="col">{t('customers.order.day')}</th>
                <th scope="col">{t('customers.order.state')}</th>
                <th scope="col">{t('customers.order.items')}</th>
                {amounts ? (
                  <>
                    <th scope="col" className="num">
                      {t('customers.order.paid')}
                    </th>
                    <th scope="col" className="num">
                      {t('customers.order.refund')}
                    </th>
                  </>
                ) : null}
              </tr>
            </thead>
            <tbody>
              {orders.map((order) => (
                <tr key={order.id}>
                  <th scope="row">
                    <AppLink href={`/orders/${order.id}`}>
                      <span className="figure">{order.external_no}</span>
                    </AppLink>
                  </th>
                  <td className="nowrap">
                    <Day at={order.ordered_at} offset={clocks(order.shop.id)} />
                  </td>
                  <td>
                    <OrderStateMark state={order.state} />
                  </td>
                  <td className="clip clip-rest" title={order.item_title ?? undefined}>
                    {order.item_title}
                  </td>
                  {amounts ? (
                    <>
                      <td className="num">
                        <Money minor={order.paid_minor} currency={order.currency} />
                      </td>
                      <td className="num">
                        <Money minor={order.refund_minor || null} currency={order.currency} />
                      </td>
                    </>
                  ) : null}
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollX>
      )}
      {query.hasNextPage ? (
        <Button loading={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
          {t('ui.loadMore')}
        </Button>
      ) : null}
    </div>
  );
}
