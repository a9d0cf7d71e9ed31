import { Tag } from 'antd';
import { useTranslation } from 'react-i18next';
import type { SimulationRow } from '@/api/types';
import { useFormat } from '@/lib/format';
import { useUrl } from '@/lib/url';
import { AppLink } from '@/ui/Link';
import { Page, Panel } from '@/ui/Page';
import { PagedTable } from '@/ui/PlainTable';
import { Loaded } from '@/ui/states';
import { Time } from '@/ui/values';
import { useSimulation, useSimulations } from './api';
import { SimulatorForm } from './SimulatorForm';
import { SimulatorResult } from './SimulatorResult';

const LOOKS = {
  waiting: 'default',
  running: 'processing',
  done: 'success',
  cancelled: 'warning',
  failed: 'error',
} as const;

/** Where a simulation stands, and how far it came. */
export function SimulationState(props: { row: SimulationRow }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { state, done, total } = props.row;
  const share = state === 'running' && total ? ` ${format.percent(done / total, 0)}` : '';
  return (
    <Tag color={LOOKS[state]}>
      {t(`loyalty.promotions.simulator.state.${state}`)}
      {share}
    </Tag>
  );
}

/** Past orders through a draft of promotions: what it would have cost, and whom it would have reached. */
export default function SimulatorPage() {
  const { t } = useTranslation();
  const [url, setUrl] = useUrl();
  const shown = url.id;
  const one = useSimulation(shown);
  return (
    <Page title={t('loyalty.promotions.simulator.title')} note={t('loyalty.promotions.simulator.note')}>
      <div className="stack">
        <SimulatorForm promotion={url.promotion} onAsked={(id) => setUrl({ id })} />
        {shown ? <Loaded query={one}>{(view) => <SimulatorResult view={view} />}</Loaded> : null}
        <Kept shown={shown} />
      </div>
    </Page>
  );
}

function Kept(props: { shown?: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const query = useSimulations();
  const label = t('loyalty.promotions.simulator.kept');
  return (
    <Panel title={label}>
      <PagedTable
        label={label}
        query={query}
        stacks
        empty={{
          title: t('loyalty.promotions.simulator.empty'),
          text: t('loyalty.promotions.simulator.emptyText'),
        }}
        columns={[
          {
            title: t('loyalty.promotions.simulator.name'),
            render: (row) => {
              const name = row.name || t('loyalty.promotions.simulator.unnamed');
              return row.id === props.shown ? (
                <strong>{name}</strong>
              ) : (
                <AppLink href={`/loyalty/simulator?id=${row.id}`}>{name}</AppLink>
              );
            },
          },
          { title: t('loyalty.promotions.simulator.stands'), render: (row) => <SimulationState row={row} /> },
          {
            title: t('loyalty.promotions.simulator.orders'),
            right: true,
            render: (row) => format.int(row.done),
          },
          { title: t('loyalty.promotions.simulator.askedAt'), render: (row) => <Time at={row.asked_at} /> },
        ]}
      />
    </Panel>
  );
}
