import { Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { Labelled } from '@/ui/filters';
import { useShops } from '@/ui/shops';

/** Of which shop a page tells, or of all; nothing where there is one. */
export function ShopFilter(props: { value: string | undefined; onChange: (shop?: string) => void }) {
  const { t } = useTranslation();
  const { data: shops } = useShops();
  if (!shops || shops.length < 2) return null;
  return (
    <Labelled label={t('insight.rfm.shop')}>
      <Select
        allowClear
        aria-label={t('insight.rfm.shop')}
        style={{ minWidth: 150 }}
        placeholder={t('insight.rfm.allShops')}
        value={props.value}
        onChange={props.onChange}
        options={shops.map((shop) => ({ value: shop.id, label: shop.name }))}
      />
    </Labelled>
  );
}
