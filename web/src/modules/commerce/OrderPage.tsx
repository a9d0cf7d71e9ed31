import { useParams } from '@tanstack/react-router';
import { Steps } from 'antd';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { OrderCard, RevealedReceiver } from '@/api/types';
import { placeText, useFormat } from '@/lib/format';
import { usePhone } from '@/lib/prefs';
import { useMay, useSees } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { OrderStateMark } from '@/ui/marks';
import { Facts, Page, Panel } from '@/ui/Page';
import { Reveal } from '@/ui/Reveal';
import { ScrollX } from '@/ui/ScrollX';
import { useClocks } from '@/ui/shops';
import { EmptyState, Loaded } from '@/ui/states';
import { Money, Nothing, Time } from '@/ui/values';
import { revealReceiver, useOrder } from './api';

export default function OrderPage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const query = useOrder(id);
  return <Loaded query={query}>{(order) => <OrderView key={order.id} order={order} />}</Loaded>;
}

function OrderView(props: { order: OrderCard }) {
  const { t } = useTranslation();
  const format = useFormat();
  const phone = usePhone();
  const clocks = useClocks();
  const may = useMay();
  const sees = useSees();
  const amounts = sees.any('commerce.amounts');
  const { order } = props;
  const { currency } = order;
  const steps = (['ordered', 'paidAt', 'shippedAt', 'completedAt'] as const).map((name, index) => ({
    name,
    at: [order.ordered_at, order.paid_at, order.shipped_at, order.completed_at][index],
  }));
  const money: [ReactNode, ReactNode][] = [
    [t('commerce.field.paid'), <Money key="p" minor={order.paid_minor} currency={currency} />],
    [t('commerce.field.refund'), <Money key="r" minor={order.refund_minor} currency={currency} />],
    [t('commerce.field.revenue'), <Money key="v" minor={order.revenue_minor} currency={currency} />],
    [t('commerce.field.goods'), <Money key="g" minor={order.goods_minor} currency={currency} />],
    [t('commerce.field.freight'), <Money key="f" minor={order.freight_minor} currency={currency} />],
    [t('commerce.field.total'), <Money key="t" minor={order.total_minor} currency={currency} />],
  ];
  const reached = steps.filter((step) => step.at).length;
  return (
    <Page
      title={t('commerce.orderTitle', { no: order.external_no })}
      heading={
        <>
          {t('commerce.orderTitle', { no: order.external_no })} <OrderStateMark state={order.state} />
        </>
      }
      note={
        <>
          {order.shop.name}
          {order.close_reason ? ` · ${order.close_reason}` : null}
        </>
      }
    >
      <Panel>
        <Facts
          items={[
            [
              t('commerce.field.customer'),
              order.customer && may('customers.read') ? (
                <AppLink key="c" href={`/customers/${order.customer.id}`}>
                  {order.customer.name || t('commerce.nameless')}
                </AppLink>
              ) : (
                (order.customer?.name ?? <Nothing key="c" />)
              ),
            ],
            ...(amounts ? money : []),
          ]}
        />
      </Panel>
      <Panel title={t('commerce.progress')}>
        <Steps
          size="small"
          orientation={phone ? 'vertical' : 'horizontal'}
          current={reached - 1}
          items={steps.map((step) => ({
            title: t(`commerce.step.${step.name}`),
            content: step.at ? <Time at={step.at} offset={clocks(order.shop.id)} /> : undefined,
            status: step.at ? ('finish' as const) : ('wait' as const),
          }))}
        />
      </Panel>
      <Panel title={t('commerce.lines')}>
        {order.lines.length === 0 ? (
          <EmptyState
            small
            title={t('commerce.noLines')}
            text={order.item_title ?? t('commerce.noLinesText')}
          />
        ) : (
          <ScrollX label={t('commerce.lines')}>
            <table className="plain">
              <thead>
                <tr>
                  <th scope="col">{t('commerce.line.title')}</th>
                  <th scope="col">{t('commerce.line.sku')}</th>
                  <th scope="col">{t('commerce.field.state')}</th>
                  {(amounts
                    ? (['quantity', 'price', 'amount', 'refund'] as const)
                    : (['quantity'] as const)
                  ).map((name) => (
                    <th key={name} scope="col" className="num">
                      {t(`commerce.line.${name}`)}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {order.lines.map((line, index) => (
                  <tr key={index}>
                    <th scope="row" className="wrap">
                      {line.title}
                    </th>
                    <td className="quiet">{[line.sku_code, line.sku_text].filter(Boolean).join(' · ')}</td>
                    <td>
                      <OrderStateMark state={line.state} />
                    </td>
                    <td className="num">{format.int(line.quantity)}</td>
                    {amounts ? (
                      <>
                        <td className="num">
                          <Money minor={line.unit_price_minor} currency={currency} />
                        </td>
                        <td className="num">
                          <Money minor={line.amount_minor} currency={currency} />
                        </td>
                        <td className="num">
                          <Money minor={line.refund_minor || null} currency={currency} />
                        </td>
                      </>
                    ) : null}
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollX>
        )}
      </Panel>
      <div className="grid-2">
        <ReceiverPanel order={order} />
        {sees.any('commerce.remarks') ? (
          <Panel title={t('commerce.words')}>
            <Facts
              columns
              items={[
                [t('commerce.field.message'), order.buyer_message ?? <Nothing key="m" />],
                [t('commerce.field.remark'), order.seller_remark ?? <Nothing key="r" />],
              ]}
            />
          </Panel>
        ) : null}
      </div>
    </Page>
  );
}

/** Where the order goes: masked, or in the clear for a reason until the page is left. */
function ReceiverPanel(props: { order: OrderCard }) {
  const { t } = useTranslation();
  const may = useMay();
  const sees = useSees();
  const [shown, setShown] = useState<RevealedReceiver>();
  const { order } = props;
  const { receiver } = order;
  const all = ['commerce.receiver', 'customers.phone', 'customers.region'].every((field) =>
    sees.clear(field),
  );
  const place = (one?: { province?: string | null; city?: string | null } | null) =>
    placeText(one?.province, one?.city);
  const address = shown
    ? [place(shown), shown.district, shown.address, shown.postcode]
    : [place(receiver), receiver?.address];
  const phone = shown ? [shown.mobile, shown.landline].filter(Boolean).join(t('ui.comma')) : receiver?.phone;
  const who: [ReactNode, ReactNode][] = [
    [t('commerce.field.receiverName'), (shown ?? receiver)?.name ?? <Nothing key="n" />],
    [t('commerce.field.phone'), phone || <Nothing key="p" />],
    [t('commerce.field.address'), address.filter(Boolean).join(' ') || <Nothing key="a" />],
  ];
  return (
    <Panel
      title={t('commerce.receiver')}
      extra={
        may('customers.reveal') && all && !shown ? (
          <Reveal
            text={t('commerce.revealText')}
            ask={(reason) => revealReceiver(order.id, reason)}
            onShown={setShown}
          />
        ) : null
      }
    >
      <Facts
        columns
        items={[
          ...(sees.any('commerce.receiver') ? who : []),
          [t('commerce.field.carrier'), order.carrier ?? <Nothing key="c" />],
          [t('commerce.field.tracking'), order.tracking_no ?? <Nothing key="t" />],
        ]}
      />
      {shown ? <p className="quiet">{t('ui.reveal.until')}</p> : null}
    </Panel>
  );
}
