import { useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { Alert, App, Button, Form, Input, InputNumber } from 'antd';
import { useTranslation } from 'react-i18next';
import type { PromotionView } from '@/api/types';
import { useFormat } from '@/lib/format';
import { AppLink } from '@/ui/Link';
import { Facts, Page, Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { useSay } from '@/ui/say';
import { EmptyState, Loaded } from '@/ui/states';
import { Money } from '@/ui/values';
import { type State, setStock, usePromotion, usePutState } from './api';
import { PromotionForm } from './PromotionForm';
import { StateTag } from './StateTag';
import { useSentence } from './sentence';
import { type Rules, valuesOf } from './terms';

/** What may follow a state, the usual step first. */
const NEXT: Record<State, State[]> = {
  draft: ['live', 'ended'],
  live: ['stopped', 'ended'],
  stopped: ['live', 'ended'],
  ended: [],
};

function StateButtons(props: { view: PromotionView }) {
  const { t } = useTranslation();
  const say = useSay();
  const { modal } = App.useApp();
  const { id, name, state } = props.view.promotion;
  const put = usePutState(
    (view) =>
      say.done(
        t('loyalty.promotions.isNow', {
          name,
          state: t(`loyalty.promotions.states.${view.promotion.state}`),
        }),
      ),
    say.refused,
  );
  const ask = (next: State) => {
    if (next === 'live' || next === 'stopped') return put.mutate({ id, state: next });
    return modal.confirm({
      title: t('loyalty.promotions.endAsk', { name }),
      content: t('loyalty.promotions.endText'),
      okText: t('loyalty.promotions.put.ended'),
      okButtonProps: { danger: true },
      cancelText: t('ui.cancel'),
      onOk: () => put.mutate({ id, state: next }),
    });
  };
  return (
    <>
      {NEXT[state].map((next, index) => (
        <Button
          key={next}
          type={index === 0 ? 'primary' : 'default'}
          danger={next === 'ended'}
          loading={put.isPending && put.variables?.state === next}
          onClick={() => ask(next)}
        >
          {t(`loyalty.promotions.put.${next === 'live' && state === 'stopped' ? 'again' : next}`)}
        </Button>
      ))}
    </>
  );
}

function StockPanel(props: { view: PromotionView }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const client = useQueryClient();
  const [form] = Form.useForm<{ sku: string; stocked: number }>();
  const { id } = props.view.promotion;
  const save = async (said: { sku: string; stocked: number }) => {
    try {
      const view = await setStock(id, said.sku, said.stocked);
      client.setQueryData(['promotion', id], view);
      say.done(t('loyalty.promotions.stock.saved', { sku: said.sku }));
      form.resetFields();
    } catch (error) {
      say.refused(error);
    }
  };
  const rows = props.view.stock.map((one) => ({ id: one.sku, ...one }));
  return (
    <Panel title={t('loyalty.promotions.stock.title')}>
      {rows.length ? (
        <PlainTable
          label={t('loyalty.promotions.stock.title')}
          rows={rows}
          columns={[
            { title: 'SKU', render: (row) => row.sku },
            ...(['stocked', 'remaining', 'held', 'sold'] as const).map((name) => ({
              title: t(`loyalty.promotions.stock.${name}`),
              right: true,
              render: (row: (typeof rows)[number]) => format.int(row[name]),
            })),
          ]}
        />
      ) : (
        <EmptyState
          small
          title={t('loyalty.promotions.stock.empty')}
          text={t('loyalty.promotions.stock.emptyText')}
        />
      )}
      <Form form={form} layout="vertical" className="inline-form" onFinish={(said) => void save(said)}>
        <Form.Item name="sku" label="SKU" rules={[{ required: true, message: t('loyalty.promotions.need') }]}>
          <Input maxLength={200} />
        </Form.Item>
        <Form.Item
          name="stocked"
          label={t('loyalty.promotions.stock.stocked')}
          rules={[{ required: true, message: t('loyalty.promotions.need') }]}
        >
          <InputNumber min={0} precision={0} />
        </Form.Item>
        <Button htmlType="submit">{t('ui.save')}</Button>
      </Form>
    </Panel>
  );
}

function Content(props: { view: PromotionView }) {
  const { t } = useTranslation();
  const format = useFormat();
  const sentence = useSentence();
  const { promotion } = props.view;
  const rules = promotion.rules as unknown as Rules;
  const values = valuesOf(promotion.name, rules);
  const isFlash = rules.terms.kind.type === 'flash_sale';
  return (
    <Page
      title={promotion.name}
      heading={
        <>
          {promotion.name} <StateTag state={promotion.state} />
        </>
      }
      note={sentence(rules)}
      actions={
        <>
          <AppLink
            className="button-link is-plain"
            href={`/loyalty/simulator?promotion=${props.view.promotion.id}`}
          >
            {t('loyalty.promotions.simulator.title')}
          </AppLink>
          <StateButtons view={props.view} />
        </>
      }
      narrow
    >
      <div className="stack">
        <Panel>
          <Facts
            columns
            items={[
              [t('loyalty.promotions.version'), format.int(promotion.version)],
              [
                t('loyalty.promotions.used'),
                rules.uses?.total == null
                  ? t('loyalty.promotions.notCounted')
                  : `${format.int(props.view.used_total)} / ${format.int(rules.uses.total)}`,
              ],
              [
                t('loyalty.promotions.spent'),
                rules.budget_minor == null ? (
                  t('loyalty.promotions.noBudget')
                ) : (
                  <>
                    <Money minor={props.view.spent_minor} currency={rules.terms.currency} />
                    {' / '}
                    <Money minor={rules.budget_minor} currency={rules.terms.currency} />
                  </>
                ),
              ],
            ]}
          />
        </Panel>
        {isFlash ? <StockPanel view={props.view} /> : null}
        {promotion.state === 'ended' ? (
          <Alert type="info" showIcon title={t('loyalty.promotions.endedNote')} />
        ) : values ? (
          <PromotionForm
            key={promotion.version}
            start={values}
            of={promotion}
            currency={rules.terms.currency}
          />
        ) : (
          <Alert type="info" showIcon title={t('loyalty.promotions.notHere')} />
        )}
      </div>
    </Page>
  );
}

/** One promotion: what it does, how much of it was used, its stock, its editor. */
export default function PromotionPage() {
  const { id } = useParams({ strict: false }) as { id: string };
  const query = usePromotion(id);
  return <Loaded query={query}>{(view) => <Content view={view} />}</Loaded>;
}
