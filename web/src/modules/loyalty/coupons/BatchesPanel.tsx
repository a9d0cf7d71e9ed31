import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button, Form, InputNumber, Progress } from 'antd';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { useMay } from '@/lib/rights';
import { Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { useSay } from '@/ui/say';
import { EmptyState, Loaded } from '@/ui/states';
import { saveFile } from '@/ui/take';
import { Time } from '@/ui/values';
import { type CouponBatch, type CouponRow, codesHref, makeBatch, useBatches } from './api';
import { useRefusal } from './words';

const SIZE_MAX = 1_000_000;

function NewBatch(props: { id: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const say = useSay();
  const refusal = useRefusal();
  const client = useQueryClient();
  const [form] = Form.useForm<{ size: number }>();
  const make = useMutation({
    mutationFn: (size: number) => makeBatch(props.id, size),
    onSuccess: async (batch) => {
      say.done(t('loyalty.coupons.batch.asked', { count: batch.size, n: format.int(batch.size) }));
      form.resetFields();
      await client.invalidateQueries({ queryKey: ['coupon-batches', props.id] });
    },
    onError: (error) => say.wrong(refusal(error)),
  });
  return (
    <Form
      name="batch"
      form={form}
      layout="vertical"
      className="inline-form"
      initialValues={{ size: 1_000 }}
      onFinish={({ size }) => make.mutate(size)}
    >
      <Form.Item
        name="size"
        label={t('loyalty.coupons.batch.size')}
        rules={[{ required: true, message: t('loyalty.coupons.need') }]}
      >
        <InputNumber min={1} max={SIZE_MAX} precision={0} style={{ width: '100%' }} />
      </Form.Item>
      <Button htmlType="submit" loading={make.isPending}>
        {t('loyalty.coupons.batch.make')}
      </Button>
    </Form>
  );
}

function Export(props: { batch: CouponBatch }) {
  const { t } = useTranslation();
  const say = useSay();
  const refusal = useRefusal();
  const { batch } = props;
  const take = useMutation({
    mutationFn: () => saveFile(codesHref(batch.id), `codes-${batch.id.slice(-6)}.csv`),
    onError: (error) => say.wrong(refusal(error)),
  });
  return (
    <Button
      size="small"
      loading={take.isPending}
      disabled={batch.made < batch.size}
      onClick={() => take.mutate()}
    >
      {t('loyalty.coupons.batch.export')}
    </Button>
  );
}

/** Codes that are made at once, to be printed, sent, or given to partners. */
export function BatchesPanel(props: { row: CouponRow }) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const { row } = props;
  const query = useBatches(row.id);
  return (
    <Panel title={t('loyalty.coupons.batch.title')}>
      <div className="stack">
        <p className="panel-note">{t('loyalty.coupons.batch.note')}</p>
        {row.state === 'ended' ? null : <NewBatch id={row.id} />}
        <Loaded query={query} rows={2}>
          {(batches) =>
            batches.length === 0 ? (
              <EmptyState small title={t('loyalty.coupons.batch.empty')} />
            ) : (
              <PlainTable<CouponBatch>
                label={t('loyalty.coupons.batch.title')}
                rows={batches}
                columns={[
                  {
                    title: t('loyalty.coupons.batch.one'),
                    render: (batch) =>
                      t('loyalty.coupons.batchOf', {
                        no: format.int(batches.length - batches.indexOf(batch)),
                        n: format.int(batch.size),
                      }),
                  },
                  {
                    title: t('loyalty.coupons.batch.made'),
                    render: (batch) =>
                      batch.made < batch.size ? (
                        <Progress
                          size="small"
                          percent={Math.floor((100 * batch.made) / batch.size)}
                          aria-label={t('loyalty.coupons.batch.made')}
                        />
                      ) : (
                        <Time at={batch.created_at} />
                      ),
                  },
                  {
                    title: t('loyalty.coupons.batch.export'),
                    quietTitle: true,
                    right: true,
                    render: (batch) => (may('loyalty.codes') ? <Export batch={batch} /> : null),
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
