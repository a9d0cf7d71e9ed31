import { useMutation, useQueryClient } from '@tanstack/react-query';
import { App, Button, Checkbox, Form, Progress, Select, Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { useMay } from '@/lib/rights';
import { useAudiences } from '@/ui/audiences';
import { AppLink } from '@/ui/Link';
import { Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { useSay } from '@/ui/say';
import { EmptyState, Loaded } from '@/ui/states';
import { Time } from '@/ui/values';
import { type CouponGift, type CouponRow, giveTo, isOpen, useGifts } from './api';
import { useRefusal } from './words';

const COLOUR: Record<CouponGift['state'], string | undefined> = {
  waiting: 'gold',
  running: 'blue',
  done: 'green',
  stopped: 'gold',
  failed: 'red',
};

function Give(props: { row: CouponRow }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const refusal = useRefusal();
  const client = useQueryClient();
  const { modal } = App.useApp();
  const audiences = useAudiences();
  const [form] = Form.useForm<{ audience: string; skips_holders: boolean }>();
  const { row } = props;
  const give = useMutation({
    mutationFn: (body: { audience: string; skips_holders: boolean }) => giveTo(row.id, body),
    onSuccess: async (gift) => {
      say.done(t('loyalty.coupons.gift.asked', { count: gift.customers, n: format.int(gift.customers) }));
      form.resetFields();
      await client.invalidateQueries({ queryKey: ['coupon-gifts', row.id] });
    },
    onError: (error) => say.wrong(refusal(error)),
  });
  if (audiences.data?.length === 0)
    return (
      <p className="quiet">
        {t('loyalty.coupons.gift.noAudience')}{' '}
        <AppLink href="/insight/audiences/new">{t('loyalty.coupons.gift.firstAudience')}</AppLink>
      </p>
    );
  return (
    <Form
      name="gift"
      form={form}
      layout="vertical"
      initialValues={{ skips_holders: true }}
      onFinish={(body) => {
        const chosen = audiences.data?.find((one) => one.id === body.audience);
        const count = chosen?.customers ?? 0;
        modal.confirm({
          title: t('loyalty.coupons.gift.ask', { name: row.name, audience: chosen?.name ?? '' }),
          content: t('loyalty.coupons.gift.askText', { count, n: format.int(count) }),
          okText: t('loyalty.coupons.gift.give'),
          cancelText: t('ui.cancel'),
          onOk: () => give.mutate(body),
        });
      }}
    >
      <Form.Item
        name="audience"
        label={t('loyalty.coupons.gift.audience')}
        rules={[{ required: true, message: t('loyalty.coupons.need') }]}
      >
        <Select
          loading={audiences.isPending}
          showSearch={{ optionFilterProp: 'label' }}
          options={(audiences.data ?? []).map((one) => ({
            value: one.id,
            disabled: !one.customers,
            label:
              one.customers == null
                ? one.name
                : t('loyalty.coupons.gift.option', {
                    name: one.name,
                    count: one.customers,
                    n: format.int(one.customers),
                  }),
          }))}
        />
      </Form.Item>
      <Form.Item name="skips_holders" valuePropName="checked">
        <Checkbox>{t('loyalty.coupons.gift.skips')}</Checkbox>
      </Form.Item>
      <Button htmlType="submit" loading={give.isPending}>
        {t('loyalty.coupons.gift.give')}
      </Button>
    </Form>
  );
}

/** What came of a gift, in words. */
function Result(props: { gift: CouponGift }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { gift } = props;
  const said = (name: string, n: number) => t(`loyalty.coupons.gift.${name}`, { count: n, n: format.int(n) });
  const looked = gift.given + gift.had_one + gift.gone;
  const missed = Math.max(0, gift.customers - looked);
  return (
    <>
      {isOpen(gift) ? (
        <Progress
          size="small"
          percent={gift.customers ? Math.floor((100 * looked) / gift.customers) : 0}
          aria-label={t('loyalty.coupons.gift.progress')}
        />
      ) : null}
      <div>{said('given', gift.given)}</div>
      {gift.had_one ? <div className="quiet">{said('hadOne', gift.had_one)}</div> : null}
      {gift.gone ? <div className="quiet">{said('gone', gift.gone)}</div> : null}
      {missed && !isOpen(gift) ? <div className="quiet">{said('missed', missed)}</div> : null}
      {gift.why ? <div className="bad">{gift.why}</div> : null}
    </>
  );
}

/** Coupons that were given to all customers of an audience. */
export function GiftsPanel(props: { row: CouponRow }) {
  const { t } = useTranslation();
  const may = useMay();
  const { row } = props;
  const query = useGifts(row.id);
  return (
    <Panel title={t('loyalty.coupons.gift.title')}>
      <div className="stack">
        <p className="panel-note">{t('loyalty.coupons.gift.note')}</p>
        {row.state !== 'live' ? (
          <p className="quiet">{t('loyalty.coupons.gift.onlyLive')}</p>
        ) : may('insight.read') ? (
          <Give row={row} />
        ) : null}
        <Loaded query={query} rows={2}>
          {(gifts) =>
            gifts.length === 0 ? (
              <EmptyState small title={t('loyalty.coupons.gift.empty')} />
            ) : (
              <PlainTable<CouponGift>
                label={t('loyalty.coupons.gift.title')}
                rows={gifts}
                columns={[
                  {
                    title: t('loyalty.coupons.gift.audience'),
                    render: (gift) => (
                      <>
                        {gift.audience_name}
                        <div className="quiet">
                          <Time at={gift.created_at} />
                        </div>
                      </>
                    ),
                  },
                  { title: t('loyalty.coupons.gift.result'), render: (gift) => <Result gift={gift} /> },
                  {
                    title: t('loyalty.coupons.stateOf'),
                    right: true,
                    render: (gift) => (
                      <Tag className="mark" color={COLOUR[gift.state]}>
                        {t(`loyalty.coupons.gift.state.${gift.state}`)}
                      </Tag>
                    ),
                  },
                ]}
              />
            )
          }
        </Loaded>
      </div>
    </Panel>
  );
}
