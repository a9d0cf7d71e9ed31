import { Button, Select } from 'antd';
import { useTranslation } from 'react-i18next';
import { useFormat } from '@/lib/format';
import { idOf, oneOf } from '@/lib/known';
import { useMay } from '@/lib/rights';
import { FilterBar } from '@/ui/filters';
import { useKnownUrl } from '@/ui/known';
import { useLevelSchemes } from '@/ui/loyalty';
import { Facts, Page, Panel } from '@/ui/Page';
import { PlainTable } from '@/ui/PlainTable';
import { useShops } from '@/ui/shops';
import { EmptyState, Loaded } from '@/ui/states';
import { Day } from '@/ui/values';
import type { Scheme } from './api';
import { CountsChart } from './CountsChart';
import { payText } from './LevelPanel';
import { SchemeEditor } from './SchemeEditor';
import { useMeasured } from './words';

/** Schemes of levels: what they say, how many have each level, and how many would move. */
export default function LevelsPage() {
  const { t } = useTranslation();
  const query = useLevelSchemes();
  return (
    <Page title={t('loyalty.levels.title')} note={t('loyalty.levels.note')}>
      <Loaded query={query}>{(schemes) => <Schemes schemes={schemes} />}</Loaded>
    </Page>
  );
}

function Schemes(props: { schemes: Scheme[] }) {
  const { t } = useTranslation();
  const edits = useMay()('loyalty.levels');
  const { schemes } = props;
  const [url, setUrl] = useKnownUrl({
    scheme: idOf(schemes),
    edit: oneOf(edits ? ['new', ...schemes.map((one) => one.id)] : []),
  });
  if (url.edit)
    return (
      <SchemeEditor
        key={url.edit}
        scheme={schemes.find((one) => one.id === url.edit)}
        onClose={(made) => setUrl({ edit: undefined, scheme: made ?? url.scheme })}
      />
    );
  const make = edits ? (
    <Button type={schemes.length ? 'default' : 'primary'} onClick={() => setUrl({ edit: 'new' })}>
      {t('loyalty.levels.make')}
    </Button>
  ) : null;
  if (schemes.length === 0)
    return (
      <Panel>
        <EmptyState title={t('loyalty.levels.none')} text={t('loyalty.levels.emptyText')} action={make} />
      </Panel>
    );
  const chosen = schemes.find((one) => one.id === url.scheme) ?? (schemes[0] as Scheme);
  return (
    <>
      {schemes.length > 1 || make ? (
        <FilterBar>
          {schemes.length > 1 ? (
            <Select
              aria-label={t('loyalty.levels.scheme')}
              value={chosen.id}
              onChange={(scheme) => setUrl({ scheme })}
              options={schemes.map((one) => ({ value: one.id, label: one.name }))}
            />
          ) : null}
          {edits ? (
            <Button type="primary" onClick={() => setUrl({ edit: chosen.id })}>
              {t('loyalty.levels.edit')}
            </Button>
          ) : null}
          {make}
        </FilterBar>
      ) : null}
      <div className="grid-2">
        <SchemeView scheme={chosen} />
        {edits ? <CountsChart scheme={chosen} /> : null}
      </div>
    </>
  );
}

function SchemeView(props: { scheme: Scheme }) {
  const { t } = useTranslation();
  const format = useFormat();
  const measured = useMeasured();
  const shops = useShops();
  const { scheme } = props;
  const { rules } = scheme;
  const names = scheme.shops.map((id) => shops.data?.find((shop) => shop.id === id)?.name ?? id);
  const { downgrade } = rules;
  return (
    <Panel title={scheme.name}>
      <div className="stack">
        <Facts
          items={[
            [
              t('loyalty.levels.measure'),
              `${t(`loyalty.levels.measures.${rules.measure}`)} · ${
                rules.window_days
                  ? t('loyalty.levels.window', { count: rules.window_days, n: format.int(rules.window_days) })
                  : t('loyalty.levels.allTime')
              }`,
            ],
            [
              t('loyalty.levels.downgrade'),
              downgrade.kind === 'validity'
                ? t('loyalty.levels.validityText', {
                    days: format.int(downgrade.validity_days),
                    grace: format.int(downgrade.grace_days ?? 0),
                    fall: t(`loyalty.levels.falls.${downgrade.fall}`),
                  })
                : t(`loyalty.levels.downgrades.${downgrade.kind}`),
            ],
            [t('loyalty.levels.refunds'), t(`loyalty.levels.refund.${rules.refunds}`)],
            [
              t('loyalty.levels.shops'),
              names.length ? names.join(t('ui.comma')) : t('loyalty.levels.allShops'),
            ],
            [
              t('loyalty.levels.version'),
              <span key="version">
                {format.int(scheme.version)} ·{' '}
                <Day at={scheme.versions.at(-1)?.from ?? scheme.since} offset={scheme.zone} />
              </span>,
            ],
          ]}
        />
        <PlainTable
          label={t('loyalty.levels.levels')}
          rows={rules.levels.map((level, index) => ({ ...level, id: String(index + 1) }))}
          stacks
          labels
          columns={[
            {
              title: t('loyalty.levels.level'),
              render: (level) => (
                <>
                  {level.name}
                  {level.benefits ? <div className="quiet">{level.benefits}</div> : null}
                </>
              ),
            },
            {
              title: t('loyalty.levels.bound'),
              right: true,
              render: (level) => measured(level.bound, rules.measure, scheme.currency),
            },
            {
              title: t('loyalty.levels.pays'),
              right: true,
              render: (level) => payText(format.percent, level.pay_bps),
            },
            {
              title: t('loyalty.levels.multiplier'),
              right: true,
              render: (level) => `× ${(level.multiplier_permille / 1000).toLocaleString(format.lang)}`,
            },
          ]}
        />
      </div>
    </Panel>
  );
}
