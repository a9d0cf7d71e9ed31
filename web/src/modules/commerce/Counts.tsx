import { useTranslation } from 'react-i18next';
import type { Import } from '@/api/types';
import { useFormat } from '@/lib/format';

export function Counts(props: { import: Import }) {
  const { t } = useTranslation();
  const format = useFormat();
  const it = props.import;
  const tiles: [string, number, boolean?][] = [
    [t('commerce.result.ordersCreated'), it.orders_created],
    [t('commerce.result.ordersUpdated'), it.orders_updated],
    [t('commerce.result.ordersUnchanged'), it.orders_unchanged],
    [t('commerce.result.rejectedRows'), it.rejected, it.rejected > 0],
    [t('commerce.result.customersCreated'), it.customers_created],
    [t('commerce.result.customersMatched'), it.customers_matched],
    [t('commerce.result.lines'), it.lines_created],
    [t('commerce.result.rows'), it.rows_read],
  ];
  return (
    <dl className="grid-4 keep-2 tiles">
      {tiles.map(([name, value, warn]) => (
        <div key={name} className={warn ? 'tile tile-warn' : 'tile'}>
          <dt>{name}</dt>
          <dd className="figure">{format.int(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
