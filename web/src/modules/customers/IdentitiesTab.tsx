import { useTranslation } from 'react-i18next';
import type { CustomerCard } from '@/api/types';
import { ChannelName } from '@/ui/marks';
import { ScrollX } from '@/ui/ScrollX';
import { useClocks } from '@/ui/shops';
import { EmptyState } from '@/ui/states';
import { Day } from '@/ui/values';

export function IdentitiesTab(props: { card: CustomerCard }) {
  const { t } = useTranslation();
  const clocks = useClocks();
  const { identities } = props.card;
  if (identities.length === 0) return <EmptyState small title={t('customers.noIdentities')} />;
  return (
    <div className="stack">
      <p className="quiet">{t('customers.identitiesText')}</p>
      <ScrollX label={t('customers.tab.identities')}>
        <table className="plain">
          <thead>
            <tr>
              <th scope="col">{t('customers.identity.value')}</th>
              <th scope="col">{t('customers.identity.kind')}</th>
              <th scope="col">{t('customers.identity.channel')}</th>
              <th scope="col">{t('customers.identity.seen')}</th>
            </tr>
          </thead>
          <tbody>
            {identities.map((one, index) => (
              <tr key={`${one.kind}-${one.value}-${index}`}>
                <th scope="row">{one.value}</th>
                <td>{t(`customers.identity.kinds.${one.kind}`, { defaultValue: one.kind })}</td>
                <td>
                  <ChannelName channel={one.channel} />
                </td>
                <td className="nowrap">
                  <Day at={one.first_seen_at} offset={clocks()} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollX>
    </div>
  );
}
