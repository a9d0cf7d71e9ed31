import { useTranslation } from 'react-i18next';
import type { DataClass, RetentionForecast } from '@/api/types';
import { formatDay, useFormat } from '@/lib/format';
import { AppLink } from '@/ui/Link';

/** Where an example is looked at. */
const PLACES: Record<DataClass, string> = {
  ended_orders: '/orders',
  inactive_customers: '/customers',
  notes: '/customers',
  imports: '/imports',
  consent_evidence: '/customers',
  closed_requests: '/customers',
};

/** How many records would go, how old they are, and some of them to look at. */
export function WouldGo(props: { forecast: RetentionForecast }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { forecast } = props;
  return (
    <>
      <strong className="figure">{format.int(forecast.count)}</strong>
      {forecast.oldest ? (
        <span className="quiet"> {t('platform.retention.oldest', { when: formatDay(forecast.oldest) })}</span>
      ) : null}
      {forecast.held_back > 0 ? (
        <div className="quiet">{t('platform.retention.heldBack', { n: format.int(forecast.held_back) })}</div>
      ) : null}
      {forecast.examples.length > 0 ? (
        <div className="quiet">
          {t('platform.retention.examples')}{' '}
          {forecast.examples.map((id, index) => (
            <span key={id}>
              {index > 0 ? t('ui.comma') : null}
              <AppLink href={`${PLACES[forecast.class]}/${id}`} title={id}>
                …{id.slice(-6)}
              </AppLink>
            </span>
          ))}
        </div>
      ) : null}
    </>
  );
}
