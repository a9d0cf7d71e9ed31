import { DatePicker, Segmented, Select } from 'antd';
import dayjs from 'dayjs';
import { useTranslation } from 'react-i18next';
import type { Rfm } from '@/api/types';
import { useFormat } from '@/lib/format';
import { idOf, isDay, oneOf, within } from '@/lib/known';
import { useMay, useMe } from '@/lib/rights';
import { FilterBar, Labelled } from '@/ui/filters';
import { useKnownUrl } from '@/ui/known';
import { AppLink } from '@/ui/Link';
import { OneShop, wantsOneShop } from '@/ui/OneShop';
import { Page, Panel } from '@/ui/Page';
import { useShops } from '@/ui/shops';
import { EmptyState, Loaded } from '@/ui/states';
import { type RfmQuery, useRfm } from './api';
import { ClustersPanel } from './ClustersPanel';
import { CubePanel } from './CubePanel';
import { MovementPanel } from './MovementPanel';
import { ThresholdsPanel } from './ThresholdsPanel';
import { TiersPanel } from './TiersPanel';
import { WithAmounts } from './WithAmounts';

export default function RfmPage() {
  const { t } = useTranslation();
  return (
    <WithAmounts title={t('insight.rfm.title')} hiddenText={t('insight.rfm.hiddenText')}>
      <RfmView />
    </WithAmounts>
  );
}

function RfmView() {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay();
  const me = useMe();
  const shops = useShops();
  const [url, setUrl] = useKnownUrl({
    as_of: isDay,
    compare_to: isDay,
    bins: within(2, 10),
    layer: within(1, 10),
    shop: idOf(shops.data),
    scheme: oneOf(['eleven', 'classic']),
    view: oneOf(['tiers', 'clusters']),
    groups: within(2, 10),
  });
  const clusters = url.view === 'clusters';
  const query: RfmQuery = {
    as_of: url.as_of,
    bins: url.bins ? Number(url.bins) : undefined,
    shop: url.shop,
    scheme: url.scheme,
    compare_to: url.compare_to,
  };
  const rfm = useRfm(query);
  return (
    <Page
      title={t('insight.rfm.title')}
      note={
        rfm.data
          ? t('insight.rfm.note', {
              day: rfm.data.as_of,
              count: rfm.data.customers,
              n: format.int(rfm.data.customers),
            })
          : undefined
      }
    >
      <FilterBar>
        <Labelled label={t('insight.clusters.view')}>
          <Segmented
            aria-label={t('insight.clusters.view')}
            value={clusters ? 'clusters' : 'tiers'}
            onChange={(view) => setUrl({ view: view === 'tiers' ? undefined : String(view) })}
            options={['tiers', 'clusters'].map((value) => ({ value, label: t(`insight.clusters.${value}`) }))}
          />
        </Labelled>
        <Labelled label={t('insight.rfm.asOf')}>
          <DatePicker
            aria-label={t('insight.rfm.asOf')}
            value={url.as_of ? dayjs(url.as_of) : null}
            placeholder={t('insight.rfm.latest')}
            onChange={(day) => setUrl({ as_of: day?.format('YYYY-MM-DD') })}
          />
        </Labelled>
        {clusters ? null : (
          <>
            <Labelled label={t('insight.rfm.compareTo')}>
              <DatePicker
                aria-label={t('insight.rfm.compareTo')}
                value={url.compare_to ? dayjs(url.compare_to) : null}
                placeholder={t('insight.rfm.noCompare')}
                presets={[30, 90, 365].map((days) => ({
                  label: t('insight.rfm.daysBefore', { n: days }),
                  value: dayjs(rfm.data?.as_of).subtract(days, 'day'),
                }))}
                onChange={(day) => setUrl({ compare_to: day?.format('YYYY-MM-DD') })}
              />
            </Labelled>
            <Labelled label={t('insight.rfm.bins')}>
              <Select
                aria-label={t('insight.rfm.bins')}
                style={{ width: 90 }}
                value={url.bins ?? '5'}
                onChange={(bins) => setUrl({ bins: bins === '5' ? undefined : bins, layer: undefined })}
                options={Array.from({ length: 9 }, (_, i) => ({
                  value: String(i + 2),
                  label: t('insight.rfm.binsOf', { n: i + 2 }),
                }))}
              />
            </Labelled>
          </>
        )}
        <Labelled label={t('insight.rfm.shop')}>
          <Select
            allowClear
            aria-label={t('insight.rfm.shop')}
            style={{ minWidth: 150 }}
            placeholder={t('insight.rfm.allShops')}
            value={url.shop}
            onChange={(shop) => setUrl({ shop })}
            options={(shops.data ?? []).map((shop) => ({ value: shop.id, label: shop.name }))}
          />
        </Labelled>
        {clusters ? null : (
          <Labelled label={t('insight.rfm.scheme')}>
            <Segmented
              aria-label={t('insight.rfm.scheme')}
              value={url.scheme ?? 'eleven'}
              onChange={(scheme) => setUrl({ scheme: scheme === 'eleven' ? undefined : String(scheme) })}
              options={[
                { value: 'eleven', label: t('insight.rfm.eleven') },
                { value: 'classic', label: t('insight.rfm.classic') },
              ]}
            />
          </Labelled>
        )}
      </FilterBar>
      {wantsOneShop(rfm.error, shops.data) ? (
        <OneShop shops={shops.data ?? []} onChoose={(shop) => setUrl({ shop })} />
      ) : (
        <Loaded query={rfm} rows={12}>
          {(data) =>
            data.customers === 0 ? (
              <Panel>
                <EmptyState
                  title={t('insight.rfm.empty')}
                  text={t(me.seesAll ? 'insight.rfm.emptyText' : 'insight.workbench.ownText')}
                  action={
                    may('commerce.import') ? (
                      <AppLink href="/imports/new">{t('insight.workbench.emptyAction')}</AppLink>
                    ) : null
                  }
                />
              </Panel>
            ) : clusters ? (
              <ClustersPanel as_of={url.as_of} shop={url.shop} />
            ) : (
              <Board data={data} busy={rfm.isPlaceholderData} />
            )
          }
        </Loaded>
      )}
    </Page>
  );
}

function Board(props: { data: Rfm; busy: boolean }) {
  const { data } = props;
  return (
    <div className={props.busy ? 'stack list-busy' : 'stack'} aria-busy={props.busy}>
      <TiersPanel data={data} />
      <div className="grid-rfm">
        <CubePanel data={data} />
        <ThresholdsPanel data={data} />
      </div>
      {data.movement?.length ? <MovementPanel data={data} /> : null}
    </div>
  );
}
