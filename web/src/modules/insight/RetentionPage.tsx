import { Segmented } from 'antd';
import { useTranslation } from 'react-i18next';
import { idOf, oneOf } from '@/lib/known';
import { FilterBar, Labelled } from '@/ui/filters';
import { useKnownUrl } from '@/ui/known';
import { Page } from '@/ui/Page';
import { useShops } from '@/ui/shops';
import { CohortsView } from './CohortsView';
import { IntervalsView } from './IntervalsView';
import { PairsView } from './PairsView';
import { PricesView } from './PricesView';
import { ShopFilter } from './ShopFilter';

const VIEWS = ['cohorts', 'intervals', 'pairs', 'prices'] as const;

/** Who comes back, after how long, and what is bought together. */
export default function RetentionPage() {
  const { t } = useTranslation();
  const shops = useShops();
  const [url, setUrl] = useKnownUrl({ view: oneOf(VIEWS), shop: idOf(shops.data) });
  const view = VIEWS.find((one) => one === url.view) ?? 'cohorts';
  return (
    <Page title={t('insight.retention.title')} note={t(`insight.retention.note.${view}`)}>
      <FilterBar>
        <Labelled label={t('insight.retention.view')}>
          <Segmented
            aria-label={t('insight.retention.view')}
            value={view}
            onChange={(value) => setUrl({ view: value === 'cohorts' ? undefined : String(value) })}
            options={VIEWS.map((value) => ({ value, label: t(`insight.retention.views.${value}`) }))}
          />
        </Labelled>
        <ShopFilter value={url.shop} onChange={(shop) => setUrl({ shop })} />
      </FilterBar>
      {view === 'cohorts' ? <CohortsView shop={url.shop} /> : null}
      {view === 'intervals' ? <IntervalsView shop={url.shop} /> : null}
      {view === 'pairs' ? <PairsView shop={url.shop} /> : null}
      {view === 'prices' ? <PricesView shop={url.shop} onShop={(shop) => setUrl({ shop })} /> : null}
    </Page>
  );
}
