import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, Input, Select, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { idempotencyKey } from '@/api/client';
import { useMay } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { Panel } from '@/ui/Page';
import { PagedTable } from '@/ui/PlainTable';
import { useSay } from '@/ui/say';
import { useClocks } from '@/ui/shops';
import { Nothing } from '@/ui/values';
import { claimFor, useCoupons, useWallet, type WalletCoupon } from './api';
import { useSentence } from './sentence';
import { dayOf } from './terms';
import { useRefusal } from './words';

/** What somebody can do with a coupon now, in one word. */
function standing(coupon: WalletCoupon): string {
  if (coupon.is_usable) return 'usable';
  if (coupon.state === 'claimed' || coupon.state === 'locked') {
    if (coupon.kind.state === 'ended') return 'ended';
    if (coupon.state === 'locked') return 'locked';
    const now = Date.now();
    if (coupon.valid_from && Date.parse(coupon.valid_from) > now) return 'early';
    return 'over';
  }
  return coupon.state;
}

function Claim(props: { customer: string }) {
  const { t } = useTranslation();
  const say = useSay();
  const refusal = useRefusal();
  const client = useQueryClient();
  const [open, setOpen] = useState<'button' | 'code'>();
  const [form] = Form.useForm<{ coupon?: string; code?: string }>();
  const live = useCoupons('live');
  const kinds = (live.data?.pages ?? [])
    .flatMap((page) => page.items)
    .filter((row) => row.rules.is_claimable);
  const claim = useMutation({
    mutationFn: (wanted: { coupon?: string; code?: string }) =>
      claimFor(
        props.customer,
        wanted.code ? { code: wanted.code } : { coupon: wanted.coupon, key: `card-${idempotencyKey()}` },
      ),
    onSuccess: async (coupon) => {
      say.done(t('loyalty.coupons.wallet.claimed', { name: coupon.kind.name }));
      setOpen(undefined);
      form.resetFields();
      await client.invalidateQueries({ queryKey: ['wallet', props.customer] });
    },
    onError: (error) => say.wrong(refusal(error)),
  });
  if (!open)
    return (
      <div className="buttons">
        <Button size="small" onClick={() => setOpen('button')}>
          {t('loyalty.coupons.wallet.claim')}
        </Button>
        <Button size="small" onClick={() => setOpen('code')}>
          {t('loyalty.coupons.wallet.enter')}
        </Button>
      </div>
    );
  const needed = [{ required: true, whitespace: true, message: t('loyalty.coupons.need') }];
  return (
    <Form
      name="claim"
      form={form}
      layout="vertical"
      className="inline-form"
      onFinish={(wanted) => claim.mutate(wanted)}
    >
      {open === 'button' ? (
        <Form.Item name="coupon" label={t('loyalty.coupons.one')} rules={needed}>
          <Select
            autoFocus
            loading={live.isPending}
            notFoundContent={t('loyalty.coupons.wallet.noneToClaim')}
            options={kinds.map((row) => ({ value: row.id, label: row.name }))}
          />
        </Form.Item>
      ) : (
        <Form.Item name="code" label={t('loyalty.coupons.wallet.code')} rules={needed}>
          <Input autoFocus maxLength={60} autoComplete="off" placeholder="7K2M-…" />
        </Form.Item>
      )}
      <Button type="primary" htmlType="submit" loading={claim.isPending}>
        {t('loyalty.coupons.wallet.take')}
      </Button>
      <Button
        onClick={() => {
          setOpen(undefined);
          form.resetFields();
        }}
      >
        {t('ui.cancel')}
      </Button>
    </Form>
  );
}

/** The coupons of a customer, with those of all who were merged into it. */
export function CouponsPanel(props: { customer: string }) {
  const { t } = useTranslation();
  const may = useMay();
  const sentence = useSentence();
  const offset = useClocks()();
  const query = useWallet(props.customer);
  const manages = may('loyalty.coupons');
  return (
    <Panel title={t('loyalty.coupons.wallet.title')}>
      <div className="stack">
        {manages ? <Claim customer={props.customer} /> : null}
        <PagedTable<WalletCoupon>
          label={t('loyalty.coupons.wallet.title')}
          query={query}
          empty={{ title: t('loyalty.coupons.wallet.empty') }}
          stacks
          labels
          columns={[
            {
              title: t('loyalty.coupons.one'),
              render: (coupon) => (
                <>
                  {manages ? (
                    <AppLink className="first-link" href={`/loyalty/coupons/${coupon.kind.id}`}>
                      {coupon.kind.name}
                    </AppLink>
                  ) : (
                    coupon.kind.name
                  )}
                  <div className="quiet">{sentence.what(coupon.kind.terms)}</div>
                </>
              ),
            },
            {
              title: t('loyalty.coupons.wallet.until'),
              render: (coupon) => {
                const until = dayOf(coupon.valid_until, offset, true);
                return until ? (
                  <span className="figure nowrap">
                    {t('loyalty.coupons.wallet.untilDay', { day: until })}
                  </span>
                ) : coupon.state === 'void' ? (
                  <Nothing />
                ) : (
                  <span className="quiet">{t('loyalty.coupons.list.always')}</span>
                );
              },
            },
            {
              title: t('loyalty.coupons.stateOf'),
              right: true,
              render: (coupon) => {
                const now = standing(coupon);
                return (
                  <Tag
                    className="mark"
                    color={now === 'usable' ? 'green' : now === 'locked' ? 'blue' : undefined}
                  >
                    {t(`loyalty.coupons.wallet.state.${now}`)}
                  </Tag>
                );
              },
            },
          ]}
        />
      </div>
    </Panel>
  );
}
