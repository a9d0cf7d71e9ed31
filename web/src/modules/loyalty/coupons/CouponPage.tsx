import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { App, Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { useGo } from '@/lib/url';
import { Facts, Page, Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { Loaded } from '@/ui/states';
import { Time } from '@/ui/values';
import { type CouponRow, type CouponState, putState, useCoupon } from './api';
import { BatchesPanel } from './BatchesPanel';
import { FunnelPanel } from './FunnelPanel';
import { GiftsPanel } from './GiftsPanel';
import { useSentence } from './sentence';
import { StateMark, useRefusal } from './words';

/** What can follow a state; the first is what one most likely wants. */
const NEXT: Record<CouponState, readonly CouponState[]> = {
  draft: ['live'],
  live: ['stopped', 'ended'],
  stopped: ['live', 'ended'],
  ended: [],
};

function StateButtons(props: { row: CouponRow }) {
  const { t } = useTranslation();
  const say = useSay();
  const refusal = useRefusal();
  const client = useQueryClient();
  const { modal } = App.useApp();
  const { row } = props;
  const move = useMutation({
    mutationFn: (state: CouponState) => putState(row.id, state),
    onSuccess: (now) => {
      client.setQueryData(['coupon', row.id], now);
      void client.invalidateQueries({ queryKey: ['coupons'] });
      say.done(t(`loyalty.coupons.now.${now.state}`, { name: now.name }));
    },
    onError: (error) => say.wrong(refusal(error)),
  });
  const ask = (state: CouponState) =>
    state === 'ended'
      ? modal.confirm({
          title: t('loyalty.coupons.endAsk', { name: row.name }),
          content: t('loyalty.coupons.endText'),
          okText: t('loyalty.coupons.to.ended'),
          okButtonProps: { danger: true },
          cancelText: t('ui.cancel'),
          onOk: () => move.mutate(state),
        })
      : move.mutate(state);
  const name = (state: CouponState) =>
    t(`loyalty.coupons.to.${row.state === 'stopped' && state === 'live' ? 'resume' : state}`);
  return NEXT[row.state].map((state) => (
    <Button
      key={state}
      type={state === 'live' ? 'primary' : 'default'}
      danger={state === 'ended'}
      loading={move.isPending && move.variables === state}
      onClick={() => ask(state)}
    >
      {name(state)}
    </Button>
  ));
}

function Coupon(props: { row: CouponRow }) {
  const { t } = useTranslation();
  const go = useGo();
  const format = useFormat();
  const sentence = useSentence();
  const { row } = props;
  const { rules, totals } = row;
  const of = (some: string, all?: string) => (
    <span className="figure">
      {some}
      {all ? <span className="quiet"> / {all}</span> : null}
    </span>
  );
  const limit = (n?: number | null) => (n == null ? undefined : format.int(n));
  return (
    <Page
      title={row.name}
      heading={
        <>
          {row.name} <StateMark state={row.state} />
        </>
      }
      actions={
        <>
          {row.state === 'ended' ? null : (
            <Button onClick={() => go(`/loyalty/coupons/${row.id}/edit`)}>{t('loyalty.coupons.edit')}</Button>
          )}
          <StateButtons row={row} />
        </>
      }
    >
      <Panel>
        <p className="coupon-sentence">{sentence.whole(rules)}</p>
        <Facts
          items={[
            [t('loyalty.coupons.claimed'), of(format.int(totals.claims), limit(rules.claims?.total))],
            [t('loyalty.coupons.used'), of(format.int(totals.uses), limit(rules.uses?.total))],
            ...(rules.budget_minor == null
              ? []
              : ([
                  [
                    t('loyalty.coupons.spent'),
                    of(
                      format.money(totals.spent_minor, rules.terms.currency),
                      format.money(rules.budget_minor, rules.terms.currency),
                    ),
                  ],
                ] as [string, React.ReactNode][])),
            [t('loyalty.coupons.version'), format.int(row.version)],
            [t('loyalty.coupons.createdAt'), <Time key="at" at={row.created_at} />],
          ]}
        />
      </Panel>
      <FunnelPanel id={row.id} />
      <div className="grid-2">
        <BatchesPanel row={row} />
        <GiftsPanel row={row} />
      </div>
    </Page>
  );
}

/** One kind of coupon: what it does, how far its coupons have come, its codes, and to whom it was given. */
export default function CouponPage() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const query = useCoupon(id, true);
  if (query.data) return <Coupon key={id} row={query.data} />;
  return (
    <Page title={t('loyalty.coupons.one')}>
      <Panel>
        <Loaded query={query}>{() => null}</Loaded>
      </Panel>
    </Page>
  );
}
