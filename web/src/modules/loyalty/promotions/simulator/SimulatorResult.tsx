import { Alert, App, Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { SimulationView } from '@/api/types';
import { useFormat } from '@/lib/format';
import { queryClient } from '@/lib/query';
import { Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { EmptyState, useProblemText } from '@/ui/states';
import { Money } from '@/ui/values';
import { cancelSimulation, isOpen } from './api';
import { CostByDay, CostByTier } from './SimulatorCharts';

type Result = NonNullable<SimulationView['result']>;

/** What a simulation came to, or came to so far. */
export function SimulatorResult(props: { view: SimulationView }) {
  const { t } = useTranslation();
  const { view } = props;
  const { result } = view;
  const w = (key: string, values = {}) => t(`loyalty.promotions.simulator.${key}`, values);
  return (
    <>
      {isOpen(view.state) ? <AtWork view={view} /> : null}
      {view.state === 'failed' ? (
        <Alert
          type="error"
          showIcon
          title={w('failed')}
          description={<span lang="en">{view.failure}</span>}
        />
      ) : null}
      {view.state === 'cancelled' ? <Alert type="warning" showIcon title={w('cancelled')} /> : null}
      {result && result.now.orders > 0 ? (
        <Told result={result} />
      ) : result ? (
        <Panel>
          <EmptyState title={w('noOrders')} text={w('noOrdersText')} />
        </Panel>
      ) : null}
    </>
  );
}

function AtWork(props: { view: SimulationView }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const format = useFormat();
  const say = useProblemText();
  const [busy, setBusy] = useState(false);
  const { id, done, total } = props.view;
  const cancel = async () => {
    setBusy(true);
    try {
      await cancelSimulation(id);
      await queryClient.invalidateQueries({ queryKey: ['simulations'] });
    } catch (error) {
      void message.error(say(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Alert
      type="info"
      showIcon
      title={
        total
          ? t('loyalty.promotions.simulator.progress', { done: format.int(done), total: format.int(total) })
          : t('loyalty.promotions.simulator.waits')
      }
      action={
        <Button size="small" loading={busy} onClick={() => void cancel()}>
          {t('loyalty.promotions.simulator.cancel')}
        </Button>
      }
    />
  );
}

function Told(props: { result: Result }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { result } = props;
  const { now, draft, currency } = result;
  const w = (key: string, values = {}) => t(`loyalty.promotions.simulator.${key}`, values);
  const money = (minor: number) => <Money minor={minor} currency={currency} />;
  const compared = (id: string, of: (totals: Result['now']) => number, isMoney: boolean) => ({
    id,
    cells: [now, draft].map((totals) => (isMoney ? money(of(totals)) : format.int(of(totals)))),
    change: isMoney ? money(of(draft) - of(now)) : format.int(of(draft) - of(now)),
  });
  const rows = [
    compared('cost', (totals) => totals.discount_minor, true),
    compared('touched', (totals) => totals.touched, false),
    // Without any cost there is no margin to tell.
    ...(typeof now.margin_minor === 'number' && typeof draft.margin_minor === 'number'
      ? [compared('margin', (totals) => totals.margin_minor ?? 0, true)]
      : []),
    compared('deep', (totals) => totals.deep, false),
    compared('belowFloor', (totals) => totals.below_floor, false),
    compared('inexact', (totals) => totals.inexact, false),
  ];
  return (
    <>
      {result.left_aside.length ? (
        <Alert
          type="info"
          showIcon
          title={w('leftAside', {
            what: result.left_aside.map((what) => w(`aside.${what}`)).join(w('comma')),
          })}
        />
      ) : null}
      <Panel title={w('compared', { n: format.int(now.orders) })}>
        <PlainTable
          label={w('compared', { n: format.int(now.orders) })}
          rows={rows}
          columns={[
            { title: w('figure'), render: (row) => w(`figures.${row.id}`) },
            { title: w('now'), right: true, render: (row) => row.cells[0] },
            { title: w('withDraft'), right: true, render: (row) => row.cells[1] },
            { title: w('change'), right: true, render: (row) => row.change },
          ]}
        />
      </Panel>
      <CostByDay result={result} />
      <CostByTier result={result} />
      <Panel title={w('byPromotion')}>
        <PlainTable
          label={w('byPromotion')}
          rows={result.by_promotion.map((one, index) => ({ ...one, id: one.promotion ?? String(index) }))}
          stacks
          labels
          columns={[
            {
              title: w('promotion'),
              render: (row) => (row.is_draft ? w('drafted', { name: row.name }) : row.name),
            },
            { title: w('orders'), right: true, render: (row) => format.int(row.orders) },
            { title: w('cost_'), right: true, render: (row) => money(row.discount_minor) },
          ]}
        />
      </Panel>
      <Leaks result={result} />
    </>
  );
}

function Leaks(props: { result: Result }) {
  const { t } = useTranslation();
  const { result } = props;
  const w = (key: string, values = {}) => t(`loyalty.promotions.simulator.${key}`, values);
  const money = (minor: number | null | undefined) => <Money minor={minor} currency={result.currency} />;
  const names = (promotions: string[]) => promotions.join(w('comma'));
  return (
    <>
      <Panel title={w('leaks', { count: result.leaks })}>
        {result.first_leaks.length ? (
          <PlainTable
            label={w('leaks', { count: result.leaks })}
            rows={result.first_leaks.map((one, index) => ({ ...one, id: String(index) }))}
            stacks
            labels
            columns={[
              { title: w('product'), render: (row) => row.product },
              { title: w('promotions'), render: (row) => names(row.promotions) },
              { title: w('list'), right: true, render: (row) => money(row.list_minor) },
              { title: w('paid'), right: true, render: (row) => money(row.paid_minor) },
              { title: w('costs'), right: true, render: (row) => money(row.cost_minor) },
            ]}
          />
        ) : (
          <EmptyState small title={w('noLeaks')} />
        )}
      </Panel>
      {result.first_deep.length ? (
        <Panel title={w('deepOrders')}>
          <PlainTable
            label={w('deepOrders')}
            rows={result.first_deep.map((one) => ({ ...one, id: one.order }))}
            stacks
            labels
            columns={[
              { title: w('promotions'), render: (row) => names(row.promotions) },
              { title: w('list'), right: true, render: (row) => money(row.list_minor) },
              { title: w('paidNow'), right: true, render: (row) => money(row.paid_now_minor) },
              { title: w('paidDraft'), right: true, render: (row) => money(row.paid_minor) },
              { title: w('floor'), render: (row) => w(row.is_below_floor ? 'below' : 'above') },
            ]}
          />
        </Panel>
      ) : null}
    </>
  );
}
