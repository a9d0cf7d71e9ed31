import { DatePicker, Segmented } from 'antd';
import dayjs from 'dayjs';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { LifetimeValue } from '@/api/types';
import { useFormat } from '@/lib/format';
import { idOf, isDay, oneOf } from '@/lib/known';
import { useMay } from '@/lib/rights';
import { FilterBar, Labelled } from '@/ui/filters';
import { useKnownUrl } from '@/ui/known';
import { AppLink } from '@/ui/Link';
import { OneShop, wantsOneShop } from '@/ui/OneShop';
import { Page, Panel } from '@/ui/Page';
import { useShops } from '@/ui/shops';
import { EmptyState, Loaded } from '@/ui/states';
import { useValue } from './api';
import { BandsPanel } from './BandsPanel';
import { ShopFilter } from './ShopFilter';
import { FrequencyChart, HoldoutChart } from './ValueCharts';
import { AtRiskPanel, ParametersPanel, TopPanel, WarningsPanel } from './ValueTables';
import { WithAmounts } from './WithAmounts';

const HORIZONS = ['30', '90', '180', '365'] as const;

export default function ValuePage() {
  const { t } = useTranslation();
  return (
    <WithAmounts title={t('insight.value.title')} hiddenText={t('insight.value.hiddenText')}>
      <ValueView />
    </WithAmounts>
  );
}

function ValueView() {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const shops = useShops();
  const [url, setUrl] = useKnownUrl({
    horizon: oneOf(HORIZONS),
    held: isDay,
    shop: idOf(shops.data),
  });
  const horizon = url.horizon ?? '365';
  const query = useValue({
    horizon_days: Number(horizon),
    calibration_end: url.held,
    shop: url.shop,
  });
  const young = query.error instanceof ProblemError && query.error.kind === 'too_little_history';
  return (
    <Page
      title={t('insight.value.title')}
      note={
        query.data && !query.isError
          ? t('insight.value.note', {
              count: query.data.customers,
              n: format.int(query.data.customers),
              day: query.data.as_of,
            })
          : undefined
      }
    >
      <FilterBar>
        <Labelled label={t('insight.value.horizon')}>
          <Segmented
            aria-label={t('insight.value.horizon')}
            value={horizon}
            onChange={(days) => setUrl({ horizon: days === '365' ? undefined : String(days) })}
            options={HORIZONS.map((days) => ({
              value: days,
              label: t('insight.value.days', { count: Number(days), n: days }),
            }))}
          />
        </Labelled>
        <Labelled label={t('insight.value.held')}>
          <DatePicker
            aria-label={t('insight.value.held')}
            placeholder={t('insight.value.nothingHeld')}
            value={url.held ? dayjs(url.held) : null}
            disabledDate={(day) => day.isAfter(dayjs(), 'day')}
            presets={[90, 180, 365].map((days) => ({
              label: t('insight.rfm.daysBefore', { n: days }),
              value: dayjs().subtract(days, 'day'),
            }))}
            onChange={(day) => setUrl({ held: day?.format('YYYY-MM-DD') })}
          />
        </Labelled>
        <ShopFilter value={url.shop} onChange={(shop) => setUrl({ shop })} />
      </FilterBar>
      {wantsOneShop(query.error, shops.data) ? (
        <OneShop shops={shops.data ?? []} onChoose={(shop) => setUrl({ shop })} />
      ) : young ? (
        <Panel>
          <EmptyState
            title={t('insight.value.young')}
            text={
              <>
                {t('insight.value.youngText')}{' '}
                {url.held ? t('insight.value.youngHeld', { day: url.held }) : null}
              </>
            }
            action={
              may('commerce.import') ? (
                <AppLink href="/imports/new">{t('insight.workbench.emptyAction')}</AppLink>
              ) : null
            }
          />
        </Panel>
      ) : (
        <Loaded query={query} rows={12}>
          {(data) => <Board data={data} busy={query.isPlaceholderData} />}
        </Loaded>
      )}
    </Page>
  );
}

function Tile(props: { name: string; value: ReactNode; note?: ReactNode }) {
  return (
    <div className="tile">
      <dt>{props.name}</dt>
      <dd>{props.value}</dd>
      {props.note ? <dd className="tile-note">{props.note}</dd> : null}
    </div>
  );
}

function Board(props: { data: LifetimeValue; busy: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { data } = props;
  const days = t('insight.value.days', { count: data.horizon_days, n: format.int(data.horizon_days) });
  const again = data.customers ? data.repeat_customers / data.customers : 0;
  return (
    <div className={props.busy ? 'stack list-busy' : 'stack'} aria-busy={props.busy}>
      <dl className="grid-4 keep-2 tiles">
        <Tile
          name={t('insight.value.expectedValue', { days })}
          value={format.moneyShort(data.expected_value_minor, data.currency)}
          note={format.money(data.expected_value_minor, data.currency)}
        />
        <Tile
          name={t('insight.value.expectedOrders', { days })}
          value={format.int(Math.round(data.expected_orders))}
          note={[
            ...(data.customers
              ? [t('insight.value.each', { n: (data.expected_orders / data.customers).toFixed(2) })]
              : []),
            t('insight.value.model', { name: t(`insight.value.models.${data.model}`) }),
          ].join(' · ')}
        />
        <Tile
          name={t('insight.value.spend')}
          value={data.mean_spend == null ? '–' : format.money(Math.round(data.mean_spend), data.currency)}
          note={t('insight.value.spendNote')}
        />
        <Tile
          name={t('insight.value.again')}
          value={format.percent(again)}
          note={t('insight.value.repeatBuyers', { n: format.int(data.repeat_customers) })}
        />
      </dl>
      <WarningsPanel data={data} />
      <BandsPanel data={data} />
      <div className="grid-2">
        <FrequencyChart data={data} />
        <HoldoutChart data={data} />
      </div>
      <TopPanel data={data} />
      <AtRiskPanel data={data} />
      <ParametersPanel data={data} />
    </div>
  );
}
