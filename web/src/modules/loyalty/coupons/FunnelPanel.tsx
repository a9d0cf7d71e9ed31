import { Select } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';
import { Panel } from '@/ui/Page';
import { EmptyState, Loaded } from '@/ui/states';
import { type CouponFunnel, useBatches, useFunnel } from './api';

const STEPS = ['issued', 'claimed', 'locked', 'redeemed', 'refunded'] as const;

function Funnel(props: { funnel: CouponFunnel; choice: React.ReactNode }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const { funnel } = props;
  const steps = useMemo(
    () =>
      STEPS.map((step, index) => {
        const count = funnel[step];
        const before = STEPS[index - 1] ? funnel[STEPS[index - 1] as (typeof STEPS)[number]] : undefined;
        return {
          step,
          name: t(`loyalty.coupons.step.${step}`),
          count,
          share: before ? count / before : undefined,
        };
      }),
    [funnel, t],
  );
  const option = useMemo(() => {
    const base = chartBase(palette);
    const told = (index: number) => {
      const one = steps[index];
      if (!one) return '';
      return one.share === undefined
        ? format.int(one.count)
        : `${format.int(one.count)}  ${t('loyalty.coupons.ofBefore', { share: format.percent(one.share) })}`;
    };
    const brief = (index: number) => {
      const one = steps[index];
      const share = one?.share === undefined ? [] : [format.percent(one.share)];
      return one ? [format.int(one.count), ...share].join(' · ') : '';
    };
    return {
      ...base,
      grid: { left: 8, right: 110, top: 8, bottom: 8, containLabel: true },
      xAxis: { type: 'value', show: false, minInterval: 1 },
      yAxis: {
        type: 'category',
        inverse: true,
        data: steps.map((one) => one.name),
        axisLabel: { color: palette.text },
        axisLine: { show: false },
        axisTick: { show: false },
      },
      tooltip: {
        ...(base.tooltip as object),
        formatter: (one: { dataIndex: number }) =>
          `${steps[one.dataIndex]?.name ?? ''}<br/>${told(one.dataIndex)}`,
      },
      series: [
        {
          type: 'bar',
          data: steps.map((one) => one.count),
          itemStyle: { color: palette.main, borderRadius: 3 },
          barMaxWidth: 26,
          barMinHeight: 2,
          label: {
            show: true,
            position: 'right',
            color: palette.text,
            formatter: (one: { dataIndex: number }) => brief(one.dataIndex),
          },
        },
      ],
    };
  }, [steps, palette, format, t]);
  return (
    <ChartBox
      title={t('loyalty.coupons.funnel')}
      note={t('loyalty.coupons.funnelNote')}
      extra={props.choice}
      option={option}
      height={220}
      table={{
        head: [t('loyalty.coupons.stepName'), t('loyalty.coupons.coupons'), t('loyalty.coupons.share')],
        rows: steps.map((one) => ({
          key: one.step,
          cells: [one.name, format.int(one.count), one.share === undefined ? '–' : format.percent(one.share)],
        })),
      }}
    />
  );
}

/** How far the coupons have come: of all, or of the codes of one batch. */
export function FunnelPanel(props: { id: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [batch, setBatch] = useState<string>();
  const batches = useBatches(props.id);
  const query = useFunnel(props.id, batch);
  const choice = batches.data?.length ? (
    <Select
      size="small"
      aria-label={t('loyalty.coupons.whose')}
      value={batch ?? 'all'}
      onChange={(one) => setBatch(one === 'all' ? undefined : one)}
      popupMatchSelectWidth={false}
      options={[
        { value: 'all', label: t('loyalty.coupons.allCoupons') },
        ...batches.data.map((one, index) => ({
          value: one.id,
          label: t('loyalty.coupons.batchOf', {
            no: format.int((batches.data?.length ?? 0) - index),
            n: format.int(one.size),
          }),
        })),
      ]}
    />
  ) : null;
  if (!query.data || (!query.data.issued && !batch))
    return (
      <Panel title={t('loyalty.coupons.funnel')} extra={choice}>
        <Loaded query={query} rows={3}>
          {() => (
            <EmptyState
              small
              title={t('loyalty.coupons.noCoupons')}
              text={t('loyalty.coupons.noCouponsText')}
            />
          )}
        </Loaded>
      </Panel>
    );
  return <Funnel funnel={query.data} choice={choice} />;
}
