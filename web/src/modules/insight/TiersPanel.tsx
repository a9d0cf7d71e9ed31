import { DownloadOutlined } from '@ant-design/icons';
import { Button, Tooltip } from 'antd';
import { useTranslation } from 'react-i18next';
import { queryText } from '@/api/client';
import type { Rfm } from '@/api/types';
import { useFormat } from '@/lib/format';
import { usePhone } from '@/lib/prefs';
import { useUrl } from '@/lib/url';
import { AppLink } from '@/ui/Link';
import { TierMark } from '@/ui/marks';
import { Panel } from '@/ui/Page';
import { useTakeFile } from '@/ui/take';
import { ShareBar } from '@/ui/values';
import { settingsOf } from './cube';

/** Each tier: how many, how much, whither it moved, and what to do. */
export function TiersPanel(props: { data: Rfm }) {
  const { t } = useTranslation();
  const takeFile = useTakeFile();
  const format = useFormat();
  const phone = usePhone();
  const [url] = useUrl();
  const { data } = props;
  const moved = data.tiers.some((one) => one.before != null);
  const filterOf = (tier: string) => ({
    [data.scheme === 'classic' ? 'classic' : 'tier']: tier,
    ...settingsOf(url),
  });
  const revenue = data.tiers.reduce((sum, one) => sum + one.revenue_minor, 0);
  const signed = (n: number) => (n > 0 ? `+${format.int(n)}` : format.int(n));
  if (phone) {
    return (
      <Panel title={t('insight.tiers.title')} flush>
        <ul className="cards">
          {data.tiers.map((one) => (
            <li key={one.tier} className="card">
              <div className="card-row">
                <AppLink href={`/customers${queryText(filterOf(one.tier))}`} className="first-link">
                  <TierMark tier={one.tier} />
                </AppLink>
                <span className="figure">{format.int(one.customers)}</span>
              </div>
              <div className="card-row quiet">
                <span>{format.moneyShort(one.revenue_minor, data.currency)}</span>
                <span className="figure">{format.percent(one.customers / Math.max(1, data.customers))}</span>
              </div>
              {moved ? (
                <div className="card-row quiet">
                  <span>
                    {t('insight.tiers.movedShort', {
                      in: signed(one.entered ?? 0),
                      out: format.int(one.left ?? 0),
                    })}
                  </span>
                  <span className="figure">{signed(one.customers - (one.before ?? 0))}</span>
                </div>
              ) : null}
              <p className="quiet">
                {t(`insight.action.${one.tier}`, { defaultValue: '' })} <Withheld count={one.withheld} />
              </p>
            </li>
          ))}
        </ul>
      </Panel>
    );
  }
  return (
    <Panel title={t('insight.tiers.title')} flush>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling area must be reachable by keyboard */}
      <section className="scroll-x" tabIndex={0} aria-label={t('insight.tiers.title')}>
        <table className="plain tiers">
          <thead>
            <tr>
              <th scope="col">{t('insight.tiers.tier')}</th>
              <th scope="col" className="num">
                {t('insight.tiers.customers')}
              </th>
              <th scope="col">{t('insight.tiers.share')}</th>
              <th scope="col" className="num">
                {t('insight.tiers.revenue')}
              </th>
              <th scope="col" className="num">
                {t('insight.tiers.revenueShare')}
              </th>
              {moved ? (
                <>
                  <th scope="col" className="num">
                    {t('insight.tiers.change')}
                  </th>
                  <th scope="col" className="num">
                    {t('insight.tiers.entered')}
                  </th>
                  <th scope="col" className="num">
                    {t('insight.tiers.left')}
                  </th>
                </>
              ) : null}
              <th scope="col">{t('insight.tiers.action')}</th>
              <th scope="col">
                <span className="sr-only">{t('ui.export')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {data.tiers.map((one) => (
              <tr key={one.tier}>
                <th scope="row" className="nowrap">
                  <AppLink href={`/customers${queryText(filterOf(one.tier))}`} className="first-link">
                    <TierMark tier={one.tier} />
                  </AppLink>
                </th>
                <td className="num">{format.int(one.customers)}</td>
                <td className="share-cell">
                  <ShareBar share={one.customers / Math.max(1, data.customers)} />
                </td>
                <td className="num">
                  <Tooltip title={format.money(one.revenue_minor, data.currency)}>
                    <span>{format.moneyShort(one.revenue_minor, data.currency)}</span>
                  </Tooltip>
                </td>
                <td className="num">{format.percent(revenue ? one.revenue_minor / revenue : 0)}</td>
                {moved ? (
                  <>
                    <td className="num">{signed(one.customers - (one.before ?? 0))}</td>
                    <td className="num">{format.int(one.entered ?? 0)}</td>
                    <td className="num">{format.int(one.left ?? 0)}</td>
                  </>
                ) : null}
                <td className="wrap quiet">
                  {t(`insight.action.${one.tier}`, { defaultValue: '' })} <Withheld count={one.withheld} />
                </td>
                <td className="num">
                  <Tooltip title={t('ui.exportXlsx')}>
                    <Button
                      type="text"
                      size="small"
                      icon={<DownloadOutlined />}
                      aria-label={`${t('ui.export')} ${t(`ui.tier.${one.tier}`)}`}
                      onClick={() => void takeFile(filterOf(one.tier), 'xlsx')}
                    />
                  </Tooltip>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Panel>
  );
}

/** How many of a tier the action is not for. */
function Withheld(props: { count: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (!props.count) return null;
  return <span>({t('insight.tiers.withheld', { count: props.count, n: format.int(props.count) })})</span>;
}
