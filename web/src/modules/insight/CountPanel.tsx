import { DatePicker } from 'antd';
import dayjs from 'dayjs';
import { useTranslation } from 'react-i18next';
import type { AudienceCount } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useMay, useSees } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { TierMark } from '@/ui/marks';
import { Panel } from '@/ui/Page';
import { ScrollX } from '@/ui/ScrollX';
import { useClocks } from '@/ui/shops';
import { Day, Int, Money, ShareBar } from '@/ui/values';

/** How long the engine took, in the unit that suits. */
function useTook(): (seconds: number) => string {
  const { t } = useTranslation();
  const format = useFormat();
  return (seconds) =>
    seconds < 1
      ? t('insight.audience.milliseconds', { n: (seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0) })
      : format.seconds(seconds);
}

/** How many belong to it now; the last good answer stays until there is a newer one. */
export function CountPanel(props: {
  answer?: AudienceCount;
  /** Why the answer is not of what is shown beside it. */
  note?: string;
  /** Where those who were counted are listed, if they are. */
  listed?: string;
  asOf?: string;
  onAsOf: (day: string | undefined) => void;
}) {
  const { t } = useTranslation();
  const format = useFormat();
  const took = useTook();
  const { answer } = props;
  const share = answer && answer.of > 0 ? answer.customers / answer.of : 0;
  return (
    <Panel
      title={t('insight.audience.size')}
      extra={
        <DatePicker
          size="small"
          aria-label={t('insight.audience.asOf')}
          placeholder={t('insight.audience.today')}
          disabledDate={(day) => day.isAfter(dayjs(), 'day')}
          value={props.asOf ? dayjs(props.asOf) : null}
          onChange={(day) => props.onAsOf(day?.format('YYYY-MM-DD'))}
        />
      }
    >
      <div className="count" aria-live="polite">
        <p className="count-number figure" data-testid="audience-count">
          {answer ? format.int(answer.customers) : '–'}
        </p>
        <p className="quiet">
          {answer
            ? t('insight.audience.of', {
                count: answer.of,
                n: format.short(answer.of),
                time: took(answer.seconds),
              })
            : props.note
              ? null
              : t('ui.loading')}
        </p>
      </div>
      <ShareBar share={share} />
      {props.listed && answer?.customers ? (
        <AppLink href={props.listed}>{t('insight.audience.asList')}</AppLink>
      ) : null}
      {props.note ? <p className="quiet count-note">{props.note}</p> : null}
    </Panel>
  );
}

/** Some of the customers, spread over all of them. */
export function SamplePanel(props: { answer: AudienceCount; onWhy: (customer: string) => void }) {
  const { t } = useTranslation();
  const amounts = useSees().any('commerce.amounts');
  const opens = useMay()('customers.read');
  const clocks = useClocks();
  const { sample } = props.answer;
  return (
    <Panel title={t('insight.audience.sample')}>
      {sample.length === 0 ? (
        <p className="quiet">{t('insight.audience.noSample')}</p>
      ) : (
        <ScrollX label={t('insight.audience.sample')} className="sample">
          <table className="plain">
            <thead>
              <tr>
                <th scope="col">{t('insight.audience.customer')}</th>
                <th scope="col" className="num">
                  {t('insight.workbench.orders')}
                </th>
                {amounts ? (
                  <th scope="col" className="num">
                    {t('insight.cube.metric.revenue_minor')}
                  </th>
                ) : null}
                <th scope="col" className="num">
                  {t('insight.audience.lastOrder')}
                </th>
              </tr>
            </thead>
            <tbody>
              {sample.map((one) => {
                const name = one.name || one.accounts?.[0]?.value || t('insight.audience.nameless');
                return (
                  <tr key={one.id}>
                    <th scope="row">
                      {opens ? <AppLink href={`/customers/${one.id}`}>{name}</AppLink> : name}
                      {amounts && one.tier ? (
                        <div className="quiet sample-tier">
                          <TierMark tier={one.tier} />
                        </div>
                      ) : null}
                    </th>
                    <td className="num">
                      <Int value={one.orders} />
                    </td>
                    {amounts ? (
                      <td className="num">
                        <Money minor={one.revenue_minor} currency={one.currency} short />
                      </td>
                    ) : null}
                    <td className="num">
                      <div>
                        <Day at={one.last_order_at} offset={clocks()} />
                      </div>
                      <button
                        type="button"
                        className="cell-button"
                        aria-label={`${t('insight.why.ask')} ${name}`}
                        onClick={() => props.onWhy(one.id)}
                      >
                        {t('insight.why.ask')}
                      </button>
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </ScrollX>
      )}
    </Panel>
  );
}
