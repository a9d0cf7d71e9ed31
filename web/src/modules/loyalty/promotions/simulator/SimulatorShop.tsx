import { Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { Labelled } from '@/ui/filters';
import { useShops } from '@/ui/shops';

/** Of which shop orders are simulated, or of all; nothing where there is one. */
export function SimulatorShop(props: { value?: string; onChange: (shop?: string) => void }) {
  const { t } = useTranslation();
  const { data: shops } = useShops();
  if (!shops || shops.length < 2) return null;
  const label = t('loyalty.promotions.simulator.shop');
  return (
    <Labelled label={label}>
      <Select
        allowClear
        aria-label={label}
        style={{ minWidth: 150 }}
        placeholder={t('loyalty.promotions.simulator.allShops')}
        value={props.value}
        onChange={props.onChange}
        options={shops.map((shop) => ({ value: shop.id, label: shop.name }))}
      />
    </Labelled>
  );
}
